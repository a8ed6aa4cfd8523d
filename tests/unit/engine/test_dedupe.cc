#include <cstring>
#include <map>
#include <random>

#include "runtime/engine/dedupe_index.h"
#include "runtime/engine/dedupe_log.h"
#include "runtime/engine/id_state.h"
#include "tests/support/catch.h"

using namespace weir;
using namespace std::chrono_literals;

namespace {

/// What DedupeLog writes, kept as a sorted map: the state store of these tests.
class MapState final : public DeltaWriter, public StateReader, public DedupeReader {
 public:
  std::map<std::string, std::string> map;
  void put(std::string_view key, std::string_view value) override { map[std::string(key)] = value; }
  void put_shared(std::string_view key, std::string_view value, std::shared_ptr<const void> owner) override {
    map[std::string(key)] = value;
    owners.push_back(std::move(owner));
  }
  std::vector<std::shared_ptr<const void>> owners;
  void merge(std::string_view, std::string_view) override { FAIL("dedupe never merges"); }
  void erase(std::string_view key) override { map.erase(std::string(key)); }
  Result<std::optional<std::string>> get(std::string_view key) const override {
    const auto found = map.find(std::string(key));
    if (found == map.end()) return std::optional<std::string>{};
    return std::optional<std::string>{found->second};
  }
  Result<std::vector<std::optional<std::string>>> get_many(const std::vector<std::string_view>& keys) const override {
    std::vector<std::optional<std::string>> values;
    for (const auto key : keys) values.push_back(*get(key));
    return values;
  }
  class Scan final : public StateScan {
   public:
    Scan(const std::map<std::string, std::string>& all, std::string_view from, std::string_view to)
        : all_(&all), from_(from), at_(all.lower_bound(std::string(from))), end_(to.empty() ? all.end() : all.lower_bound(std::string(to))) {}
    bool valid() const override { return at_ != end_; }
    std::string_view key() const override { return at_->first; }
    std::string_view value() const override { return at_->second; }
    void next() override { ++at_; }
    void seek(std::string_view key) override { at_ = all_->lower_bound(std::max(from_, std::string(key))); }
    Result<void> status() const override { return {}; }

   private:
    const std::map<std::string, std::string>* all_;
    std::string from_;
    std::map<std::string, std::string>::const_iterator at_, end_;
  };
  std::unique_ptr<StateScan> open_scan(std::string_view from, std::string_view to) const override {
    return std::make_unique<Scan>(map, from, to);
  }
  Result<DedupeBlock> block(std::uint64_t number) const override {
    const auto found = map.find(dedupe_block_key(number));
    if (found == map.end()) return fail(Errc::state_damaged, "block {} is not there", number);
    return DedupeBlock::decode(found->second);
  }
  /// Open letters as of the last flush: what the letters of a state say.
  std::map<std::string, FoundEntry> letters;
  Result<std::optional<FoundEntry>> open_letter(std::string_view id) const override {
    const auto found = letters.find(std::string(id));
    if (found == letters.end()) return std::optional<FoundEntry>{};
    return std::optional<FoundEntry>{found->second};
  }
};

struct ModelEntry {
  Digest128 digest;
  DedupeState state;
  std::uint64_t offset;
  std::int64_t bucket;
};

}  // namespace

TEST_CASE("index and blocks agree with a plain map through flushes, restarts and expiry", "[dedupe]") {
  // Goal: an entry is found exactly as long as its time bucket lives, whatever was flushed and whenever the owner restarted.
  const auto seed = GENERATE(range(1u, 9u));
  CAPTURE(seed);
  std::mt19937_64 random(seed);
  const auto remember = 1600us;  // buckets of 100 us
  MapState state;
  auto log = std::make_unique<DedupeLog>(remember);
  auto index = std::make_unique<DedupeIndex>(remember, state, seed);
  std::map<std::string, ModelEntry> model;
  std::uint64_t offset = 0, sequence = 0, restarts = 0, expired = 0, outlived = 0, superseded = 0, held = 0, asked = 0, absent = 0, emptied = 0;
  std::int64_t now = 0;
  std::vector<std::pair<CommitSequence, CommitBody>> unflushed;

  for (int commit = 0; commit < 300; ++commit) {
    // Now and then nothing comes for longer than anything is remembered.
    const bool idle = random() % 60 == 0;
    now += static_cast<std::int64_t>(random() % 60) + (idle ? 1700 : 0);
    CommitBody body;
    body.meta.partition_time = now;
    OutcomeBatchBuilder out{Offset{offset}};
    std::map<std::string, ModelEntry> fresh;
    const std::int64_t bucket = now / 100;
    for (std::uint64_t i = idle ? 0 : random() % 200; i-- > 0;) {
      const std::string id = "id-" + std::to_string(random() % 40'000);
      const bool known = fresh.count(id) || model.count(id);
      const Digest128 digest{random(), random()};
      const auto letter_before = model.find(id);
      if (!fresh.count(id) && letter_before != model.end() && letter_before->second.state == DedupeState::dead_lettered && random() % 2 == 0) {
        // Corrected bytes take the dead letter over.
        out.add({id, digest, now}, Outcome::served, outcome_flag::supersedes);
        model.erase(letter_before);
        fresh[id] = {digest, DedupeState::done, offset, bucket};
        ++superseded;
      } else if (known) {
        out.add({id, digest, now}, Outcome::duplicate);
      } else if (random() % 10 == 0) {
        out.add({id, digest, now}, Outcome::dead_lettered);
        LetterView letter;
        letter.reason = "field_range";
        out.letter(letter);
        fresh[id] = {digest, DedupeState::dead_lettered, offset, bucket};
      } else {
        out.add({id, digest, now}, random() % 5 == 0 ? Outcome::filtered : Outcome::served);
        fresh[id] = {digest, DedupeState::done, offset, bucket};
      }
      ++offset;
    }
    if (!idle) body.batches.push_back(out.finish());
    const CommitSequence number{++sequence};
    const std::uint64_t begin = index->numbers().begin();
    const bool would_forget = index->would_forget(now);
    const auto blocks = std::make_shared<const DedupeBlocks>(index->apply(body));
    // Never a missed one; a bucket of duplicates alone may leave with nothing in it.
    if (index->numbers().begin() != begin) REQUIRE(would_forget);
    if (idle) REQUIRE(index->size() == 0);
    emptied += idle && begin != index->numbers().begin();
    if (random() % 2 == 0) log->offer(number, blocks);  // shared or made again: the same
    REQUIRE(log->on_commit(number, Offset{0}, body));
    unflushed.emplace_back(number, std::move(body));
    model.merge(fresh);
    for (auto it = model.begin(); it != model.end();) {
      // A bucket leaves when its end is older than the window; the bucket being filled stays.
      // An open dead letter stays whatever the window says.
      const bool old = (it->second.bucket + 1) * 100 <= now - 1600 && it->second.bucket != bucket;
      const bool letter = it->second.state == DedupeState::dead_lettered;
      outlived += old && letter;
      const bool gone = old && !letter;
      if (gone) ++expired;
      it = gone ? model.erase(it) : std::next(it);
    }

    if (random() % 7 == 0) {
      log->collect(state);
      state.letters.clear();
      for (const auto& [id, entry] : model) {
        if (entry.state == DedupeState::dead_lettered)
          state.letters[id] = FoundEntry{0, entry.digest, 0, Offset{entry.offset}, entry.state, "field_range"};
      }
      index->flushed(log->end());
      unflushed.clear();
    }
    if (random() % 23 == 0) {
      ++restarts;
      log = std::make_unique<DedupeLog>(remember);
      index = std::make_unique<DedupeIndex>(remember, state, seed + restarts);
      REQUIRE(log->recover(StateCursor{}, state));
      const auto numbers = read_dedupe_blocks(state, remember, [](std::uint64_t, const DedupeBlock&) -> Result<void> { return {}; });
      REQUIRE(numbers);
      REQUIRE(index->restore(*numbers));
      REQUIRE(read_dedupe_blocks(state, remember, [&](std::uint64_t first, const DedupeBlock& b) { return index->add_block(first, b); }));
      for (const auto& [id, letter] : state.letters) index->add_open_letter(id);
      for (const auto& [s, b] : unflushed) {
        static_cast<void>(index->apply(b));
        REQUIRE(log->on_commit(s, Offset{0}, b));
      }
    }
    REQUIRE(index->numbers().end() == log->end());
    REQUIRE(index->numbers().begin() == log->begin());
    for (int probe = 0; probe < 50; ++probe) {
      const std::string id = "id-" + std::to_string(random() % 40'000);
      const auto found = index->find(index->hash_of(id), id);
      REQUIRE(found);
      const auto expected = model.find(id);
      CAPTURE(id, commit);
      REQUIRE(found->has_value() == (expected != model.end()));
      const auto look = index->look(index->hash_of(id), {random(), random()});
      REQUIRE(look != DedupeIndex::Look::same);
      if (look == DedupeIndex::Look::absent) {
        REQUIRE_FALSE(found->has_value());
        ++absent;
      }
      if (!found->has_value()) continue;
      // May stay silent (an id decided twice, an open letter behind the window), never says yes to other bytes.
      if (index->look(index->hash_of(id), expected->second.digest) == DedupeIndex::Look::same) ++held;
      ++asked;
      REQUIRE(index->look(index->hash_of(id), {expected->second.digest.low + 1, expected->second.digest.high}) != DedupeIndex::Look::same);
      REQUIRE(index->look(index->hash_of(id), {expected->second.digest.low, expected->second.digest.high + 1}) != DedupeIndex::Look::same);
      REQUIRE((*found)->digest == expected->second.digest);
      REQUIRE((*found)->state == expected->second.state);
      REQUIRE((*found)->offset == Offset{expected->second.offset});
      REQUIRE((*found)->reason == (expected->second.state == DedupeState::dead_lettered ? "field_range" : ""));
    }
  }
  REQUIRE(restarts > 3);
  REQUIRE(emptied > 0);
  REQUIRE(expired > 1000);
  REQUIRE(outlived > 1000);
  REQUIRE(superseded > 10);
  REQUIRE(held * 2 > asked);
  REQUIRE(absent > 300);
  REQUIRE(log->digest(state));
}

TEST_CASE("an id's second entry is told by reading, not by its mark", "[dedupe]") {
  // The older entry of the id is still in the table; its mark must not speak for bytes that were superseded since.
  MapState state;
  DedupeIndex index{24h, state, 7};
  const Digest128 old_bytes{1, 2};
  const Digest128 new_bytes{3, 4};
  CommitBody first;
  first.meta.partition_time = 1000;
  OutcomeBatchBuilder rejected{Offset{0}};
  rejected.add({"a", old_bytes, 1000}, Outcome::dead_lettered);
  LetterView letter;
  letter.reason = "field_range";
  rejected.letter(letter);
  first.batches.push_back(rejected.finish());
  static_cast<void>(index.apply(first));
  REQUIRE(index.look(index.hash_of("a"), old_bytes) == DedupeIndex::Look::same);
  REQUIRE(index.look(index.hash_of("a"), new_bytes) != DedupeIndex::Look::same);

  CommitBody second;
  second.meta.partition_time = 1001;
  OutcomeBatchBuilder corrected{Offset{1}};
  corrected.add({"a", new_bytes, 1001}, Outcome::served, outcome_flag::supersedes);
  second.batches.push_back(corrected.finish());
  const std::vector<std::vector<std::uint64_t>> hashes{{index.hash_of("a")}};
  static_cast<void>(index.apply(second, hashes));
  REQUIRE(index.look(index.hash_of("a"), old_bytes) != DedupeIndex::Look::same);
  const auto found = index.find(index.hash_of("a"), "a");
  REQUIRE(found);
  REQUIRE(found->value().digest == new_bytes);
  REQUIRE(found->value().state == DedupeState::done);
}

TEST_CASE("the hash of an id's state is over state, reason length, reason and id, at any length", "[dedupe]") {
  std::mt19937_64 random(3);
  for (std::size_t length = 1; length <= 512; ++length) {
    std::string id(length, ' ');
    for (char& c : id) c = static_cast<char>(random());
    for (const std::string& reason : {std::string(), std::string("time"), std::string(255, 'r')}) {
      std::string text{static_cast<char>(Outcome::dead_lettered), static_cast<char>(reason.size())};
      text += reason + id;
      CAPTURE(length, reason);
      REQUIRE(id_state_hash(id, Outcome::dead_lettered, reason) == xxh3_128(text));
    }
  }
}

TEST_CASE("the dedupe digest does not depend on where flushes fell", "[dedupe]") {
  const auto body_at = [](std::uint64_t offset, std::uint32_t count, std::int64_t time) {
    CommitBody body;
    body.meta.partition_time = time;
    OutcomeBatchBuilder out{Offset{offset}};
    for (std::uint32_t i = 0; i < count; ++i) out.add({"e" + std::to_string(offset + i), {offset + i, 1}, time}, Outcome::served);
    body.batches.push_back(out.finish());
    return body;
  };
  std::vector<Digest128> digests;
  for (const int every : {1, 3, 1000}) {
    MapState state;
    DedupeLog log{1h};
    std::uint64_t offset = 0;
    for (int i = 0; i < 30; ++i) {
      REQUIRE(log.on_commit(CommitSequence{static_cast<std::uint64_t>(i + 1)}, Offset{offset}, body_at(offset, 17, 1000 + i)));
      offset += 17;
      if (i % every == every - 1) log.collect(state);
    }
    const auto digest = log.digest(state);
    REQUIRE(digest);
    digests.push_back(digest->value());
  }
  REQUIRE(digests[0] == digests[1]);
  REQUIRE(digests[1] == digests[2]);
}

TEST_CASE("a damaged dedupe block is named, never served", "[dedupe]") {
  DedupeBlock block;
  DedupeEntry entry;
  entry.id = "a";
  entry.reason = "late";
  entry.state = DedupeState::dead_lettered;
  block.add(entry);
  const std::string good = block.encode();
  REQUIRE(DedupeBlock::decode(good)->entry(0).reason == "late");
  for (const std::size_t length : {std::size_t{0}, std::size_t{7}, good.size() - 1}) {
    REQUIRE(DedupeBlock::decode(std::string_view(good).substr(0, length)).error().code == Errc::state_damaged);
  }
  std::string bad = good;
  bad[8 + 16 + 8 + 8 + 2] = 77;  // id length beyond the text
  REQUIRE(DedupeBlock::decode(bad).error().code == Errc::state_damaged);
  bad = good;
  bad[0] = 9;
  REQUIRE(DedupeBlock::decode(bad).error().code == Errc::format_newer);
}

TEST_CASE("an index whose entries have all expired goes on in the block where it stopped", "[dedupe]") {
  // Goal: a commit of nothing but duplicates opens a new time bucket; a restart after it continues a block of expired entries.
  constexpr auto remember = 1600us;
  MapState state;
  DedupeLog log{remember};
  const auto commit = [](std::int64_t time, std::uint64_t first, std::string_view id, Outcome outcome) {
    CommitBody body;
    body.meta.partition_time = time;
    OutcomeBatchBuilder out{Offset{first}};
    out.add({id, Digest128{first, 7}, time}, outcome);
    body.batches.push_back(out.finish());
    return body;
  };
  REQUIRE(log.on_commit(CommitSequence{1}, Offset{0}, commit(0, 0, "early", Outcome::served)));
  REQUIRE(log.on_commit(CommitSequence{2}, Offset{1}, commit(5000, 1, "early", Outcome::duplicate)));
  log.collect(state);
  REQUIRE(log.begin() == 1);
  REQUIRE(log.end() == 1);

  DedupeIndex index{remember, state};
  const auto visit = [&](std::uint64_t first, const DedupeBlock& block) { return index.add_block(first, block); };
  const auto numbers = read_dedupe_blocks(state, remember, [](std::uint64_t, const DedupeBlock&) -> Result<void> { return {}; });
  REQUIRE(numbers);
  REQUIRE(index.restore(*numbers));
  REQUIRE(read_dedupe_blocks(state, remember, visit));
  const DedupeBlocks blocks = index.apply(commit(5001, 2, "late", Outcome::served));
  REQUIRE(blocks.first == 0);
  REQUIRE(blocks.open.size() == 2);
  REQUIRE_FALSE(index.find(index.hash_of("early"), "early")->has_value());
  REQUIRE((*index.find(index.hash_of("late"), "late"))->number == 1);
}

TEST_CASE("what a storm of ids took is free again when they have expired, and those that are left are found", "[dedupe]") {
  MapState state;
  DedupeIndex index{1600us, state};
  const auto commit = [&](std::int64_t partition_time, std::uint64_t first, std::uint64_t count) {
    CommitBody body;
    body.meta.partition_time = partition_time;
    OutcomeBatchBuilder out{Offset{first}};
    for (std::uint64_t i = first; i < first + count; ++i) out.add({std::to_string(i), {i, i}, partition_time}, Outcome::served);
    body.batches.push_back(out.finish());
    static_cast<void>(index.apply(body));
    index.flushed(index.numbers().end());
  };
  for (std::uint64_t i = 0; i < 40; ++i) commit(0, i * 10'000, 10'000);
  const std::size_t full = index.memory_bytes();
  CHECK(full > 400'000 * 20);
  commit(200, 400'000, 1'000);
  CHECK_FALSE(index.would_forget(1'699));
  REQUIRE(index.would_forget(1'700));
  commit(1'700, 500'000, 0);
  CHECK(index.size() == 1'000);
  CHECK(index.memory_bytes() < full / 50);
  for (std::uint64_t i = 0; i < 401'000; i += 7) {
    const auto look = index.look(index.hash_of(std::to_string(i)), {i, i});
    REQUIRE(look == (i < 400'000 ? DedupeIndex::Look::absent : DedupeIndex::Look::same));
  }
  // It grows again.
  for (std::uint64_t i = 0; i < 20; ++i) commit(1'700, 600'000 + i * 10'000, 10'000);
  for (std::uint64_t i = 600'000; i < 800'000; i += 7)
    REQUIRE(index.look(index.hash_of(std::to_string(i)), {i, i}) == DedupeIndex::Look::same);
}

TEST_CASE("a changed dedupe.remember holds for what is remembered already, to the microsecond", "[dedupe]") {
  // Goal: ids of a state that was written under another window are forgotten neither early nor never. Method: one id in every
  // bucket of 1600 us, a restart with the other window, and the partition time at which each of them goes.
  struct Change {
    std::chrono::microseconds remember;
    std::int64_t width;
  };
  const Change change = GENERATE(Change{160us, 10}, Change{1600us, 100}, Change{16'000us, 1'000});
  CAPTURE(change.remember.count());
  MapState state;
  DedupeLog before{1600us};
  const auto commit = [](std::int64_t time, std::uint64_t entries) {
    CommitBody body;
    body.meta.partition_time = time;
    OutcomeBatchBuilder out{Offset{0}};
    for (std::uint64_t i = 0; i < entries; ++i) out.add({"at " + std::to_string(time), {static_cast<std::uint64_t>(time), 1}, time}, Outcome::served);
    if (entries != 0) body.batches.push_back(out.finish());
    return body;
  };
  constexpr std::int64_t kStart = 1'000'030;
  for (std::uint64_t i = 0; i < 5; ++i) {
    const std::int64_t time = kStart + static_cast<std::int64_t>(i) * 100;
    REQUIRE(before.on_commit(CommitSequence{i + 1}, Offset{i}, commit(time, 1)));
  }
  before.collect(state);

  DedupeIndex index{change.remember, state};
  const auto numbers = read_dedupe_blocks(state, change.remember, [](std::uint64_t, const DedupeBlock&) -> Result<void> { return {}; });
  REQUIRE(numbers);
  REQUIRE(index.restore(*numbers));
  REQUIRE(read_dedupe_blocks(state, change.remember, [&](std::uint64_t first, const DedupeBlock& block) { return index.add_block(first, block); }));
  DedupeLog after{change.remember};
  REQUIRE(after.recover(StateCursor{}, state));
  const auto known = [&](std::int64_t time) {
    const std::string id = "at " + std::to_string(time);
    const auto found = index.find(index.hash_of(id), id);
    REQUIRE(found);
    return found->has_value();
  };
  const auto let_pass = [&](std::int64_t time) {
    const bool forgets = index.would_forget(time);
    const std::uint64_t begin = index.numbers().begin();
    const CommitBody body = commit(time, 0);
    static_cast<void>(index.apply(body));
    REQUIRE(after.on_commit(CommitSequence{9}, Offset{5}, body));
    REQUIRE(forgets == (index.numbers().begin() != begin));
    REQUIRE(after.begin() == index.numbers().begin());
  };
  // The first commit of the new window: nothing that is younger than it may go. The bucket that was being filled ends where the
  // narrower one does.
  let_pass(kStart + 400);
  for (std::uint64_t i = 0; i < 5; ++i) {
    const std::int64_t time = kStart + static_cast<std::int64_t>(i) * 100;
    CAPTURE(i);
    const std::int64_t width = i == 4 ? std::min<std::int64_t>(100, change.width) : 100;
    const std::int64_t gone_at = (time / width + 1) * width + change.remember.count();
    if (gone_at > kStart + 400) {
      CHECK(known(time));
      let_pass(gone_at - 1);
      CHECK(known(time));
      let_pass(gone_at);
    }
    CHECK_FALSE(known(time));
  }
  // From here on buckets have the new width.
  const std::int64_t fresh = 2'000'000 + change.width / 2;
  const CommitBody body = commit(fresh, 1);
  static_cast<void>(index.apply(body));
  REQUIRE(after.on_commit(CommitSequence{10}, Offset{5}, body));
  const std::int64_t gone_at = 2'000'000 + change.width + change.remember.count();
  let_pass(gone_at - 1);
  CHECK(known(fresh));
  let_pass(gone_at);
  CHECK_FALSE(known(fresh));
}

TEST_CASE("buckets that an older weir wrote, with numbers instead of ends, are read", "[dedupe]") {
  // Version 1: begin 3, end 70, and buckets 10 (from entry 3) and 12 (from entry 64) of 100 us.
  std::string bytes(20 + 2 * 16, '\0');
  const auto put = [&bytes](std::size_t at, std::uint64_t value, std::size_t size) { std::memcpy(bytes.data() + at, &value, size); };
  put(0, 1, 4);
  put(4, 3, 8);
  put(12, 70, 8);
  put(20, 10, 8);
  put(28, 3, 8);
  put(36, 12, 8);
  put(44, 64, 8);
  DedupeNumbers numbers{1600us};
  REQUIRE(numbers.restore(bytes));
  CHECK_FALSE(numbers.would_drop(2'699));
  CHECK(numbers.would_drop(2'700));
  CHECK(numbers.on_commit(2'700));
  CHECK(numbers.begin() == 64);
  CHECK_FALSE(numbers.on_commit(2'899));
  CHECK(numbers.on_commit(2'900));
  CHECK(numbers.begin() == 70);
  put(0, 3, 4);
  CHECK(numbers.restore(bytes).error().code == Errc::format_newer);
}
