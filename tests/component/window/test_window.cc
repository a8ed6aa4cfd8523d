// The window against a model that takes one event at a time. Whatever the order in which rounds come back, stages die, commits
// are cut, appends are given up or the log refuses: the committed outcomes are those of the model.
#include <deque>
#include <map>
#include <random>

#include "actors/partition/window.h"
#include "runtime/base/hash.h"
#include "runtime/engine/id_state.h"
#include "tests/support/catch.h"

using namespace weir;
using namespace std::chrono_literals;

namespace {

/// Nothing leaves memory in these tests: no flush is ever reported.
class NoReader final : public DedupeReader {
 public:
  Result<DedupeBlock> block(std::uint64_t) const override { return fail(Errc::internal, "nothing was flushed"); }
  Result<std::optional<FoundEntry>> open_letter(std::string_view) const override { return std::optional<FoundEntry>{}; }
};

/// The payload is the raw frame; one that says "huge" does not fit.
class RawEncoder final : public ChainEncoder {
 public:
  bool encode(const ChainBatch& batch, std::span<const ChainEvent> parts, OutcomeBatchBuilder& out, TokenTable*) const override {
    for (const ChainEvent& part : parts) {
      if (part.verdict != Verdict::pass) continue;
      const std::string_view raw = batch.raw(part).raw;
      // Of a split event only the last record shows it: those before it are taken back.
      if (raw.find("huge") != std::string_view::npos && (!part.split || part.part == 2)) return false;
      const std::uint16_t attributes = out.attributes("t", "s");
      out.begin_record().append(std::string(raw) + (part.split ? std::to_string(part.part) : ""));
      out.end_record(part.event_time, attributes);
    }
    return true;
  }
  std::shared_ptr<TokenTable> token_table() const override { return nullptr; }
};

/// The event time stands behind the last colon; a frame that says "torn" cannot be read and so has none.
std::int64_t time_of(std::string_view raw) { return std::stoll(std::string(raw.substr(raw.rfind(':') + 1))); }

std::shared_ptr<const RulesVersion> version_of(const ChainEncoder& encoder, Digest128 hash = {}) {
  return std::make_shared<RulesVersion>(RulesVersion{hash, {std::shared_ptr<void>(), &encoder}});
}

/// What the stages of these tests do: decided by the bytes alone. "split" makes three parts, of which one "less" leaves out
/// the middle one and one "worse" rejects the last.
void run_stages(ChainBatch& batch) {
  const FieldPlan plan;
  ChainSplit split(batch, plan);
  for (ChainEvent& event : batch.events()) {
    const std::string_view raw = batch.raw(event).raw;
    if (raw.find("split") == std::string_view::npos) {
      split.keep(event);
      continue;
    }
    for (int i = 0; i < 3; ++i) {
      ChainEvent* const part = split.add_part(event);
      REQUIRE(part != nullptr);
      if (i == 1 && raw.find("less") != std::string_view::npos) batch.filter(*part);
      if (i == 2 && raw.find("worse") != std::string_view::npos) batch.reject(*part, "transform", "field_type", "worse");
    }
  }
  split.finish();
  for (ChainEvent& event : batch.events()) {
    const std::string_view raw = batch.raw(event).raw;
    if (raw.find("torn") != std::string_view::npos) {
      batch.reject(event, "parse", "time", "torn");
      continue;
    }
    event.event_time = time_of(raw);
    if (raw.find("bad") != std::string_view::npos) batch.reject(event, "validate", "field_range", "bad");
    if (raw.find("skip") != std::string_view::npos) batch.filter(event);
  }
}

struct Decided {
  Outcome outcome;
  std::uint8_t flags = 0;
  std::string reason;
  std::string payload;
  friend bool operator==(const Decided&, const Decided&) = default;
};

/// One event at a time, as the design says it.
class Model {
 public:
  Model(OnConflict on_conflict, LateConfig late) : on_conflict_(on_conflict), late_(late) {}
  struct Entry {
    std::string bytes;
    Outcome outcome = Outcome::served;
    std::string reason;
  };
  std::map<std::string, Entry> entries;
  Ledger ledger;
  Digest128 sum;
  std::int64_t partition_time = kNoTime;
  std::int64_t greatest = kNoTime;
  std::uint64_t lates = 0;
  std::uint64_t reopened = 0;
  std::uint64_t capped = 0;

  Decided take(const std::string& id, const std::string& raw, std::int64_t accepted_at) {
    partition_time = std::max(partition_time, accepted_at);
    std::uint8_t flags = 0;
    const auto known = entries.find(id);
    if (known != entries.end()) {
      const bool dead = known->second.outcome == Outcome::dead_lettered;
      const bool closed = known->second.outcome == Outcome::expired;
      if (known->second.bytes == raw || (!dead && !closed && on_conflict_ == OnConflict::ignore)) {
        ++ledger.duplicate;
        return {Outcome::duplicate, 0, "", ""};
      }
      if (!dead && !closed) {
        ++ledger.dead_lettered;
        ++ledger.conflicts;
        return {Outcome::dead_lettered, outcome_flag::conflict, "conflict", ""};
      }
      flags = dead ? outcome_flag::supersedes : outcome_flag::reopens;
      if (dead) {
        --ledger.dead_lettered;
        ++ledger.superseded;
      }
      reopened += closed;
      sum -= id_state_hash(id, known->second.outcome, known->second.reason);
    }
    Decided decided{Outcome::served, flags, "", raw};
    std::uint64_t records = 1;
    if (raw.find("split") != std::string::npos) {
      decided.payload = raw + "0" + raw + "1" + raw + "2";
      records = 3;
    }
    if (raw.find("less") != std::string::npos) {
      decided.payload = raw + "0" + raw + "2";
      records = 2;
    }
    if (raw.find("worse") != std::string::npos) decided = {Outcome::dead_lettered, flags, "field_type", ""};
    if (raw.find("skip") != std::string::npos) decided = {Outcome::filtered, flags, "", ""};
    if (raw.find("huge") != std::string::npos) decided = {Outcome::dead_lettered, flags, "output_too_large", ""};
    if (raw.find("bad") != std::string::npos) decided = {Outcome::dead_lettered, flags, "field_range", ""};
    if (raw.find("torn") != std::string::npos) {
      decided = {Outcome::dead_lettered, flags, "time", ""};
    } else if (late_.then != OnLate::accept && greatest != kNoTime && greatest - time_of(raw) > late_.after.count()) {
      ++lates;
      decided = {Outcome::dead_lettered, flags, "late", ""};
      if (late_.then == OnLate::expire) decided = {Outcome::expired, flags, "", ""};
    }
    if (decided.outcome == Outcome::served) {
      capped += time_of(raw) > partition_time;
      greatest = std::max(greatest, std::min(time_of(raw), partition_time));
    }
    ledger.expired += decided.outcome == Outcome::expired;
    ledger.served += decided.outcome == Outcome::served;
    if (decided.outcome == Outcome::served) ledger.records += records;
    ledger.filtered += decided.outcome == Outcome::filtered;
    ledger.dead_lettered += decided.outcome == Outcome::dead_lettered;
    entries[id] = {raw, decided.outcome, decided.reason};
    sum += id_state_hash(id, decided.outcome, decided.reason);
    return decided;
  }

 private:
  OnConflict on_conflict_;
  LateConfig late_;
};

constexpr UnixMicros kWall = 1'000'000;

struct Sent {
  std::string id;
  std::string raw;
  std::int64_t accepted_at = 0;
};

}  // namespace

TEST_CASE("whatever the timing, the window decides as if events came one at a time", "[window][dedupe]") {
  const auto seed = GENERATE(range(1u, 41u));
  CAPTURE(seed);
  std::mt19937_64 random(seed);
  const OnConflict on_conflict = seed % 4 == 0 ? OnConflict::ignore : OnConflict::dead_letter;
  // Few ids: most events meet one that is decided. Many: most run, and some are late.
  const bool many_ids = seed % 2 == 0 || seed > 20;
  const std::uint64_t ids = (many_ids ? 1'000 : 3) + random() % 60;
  // In the stamps of these tests a microsecond is an event.
  const LateConfig late{std::chrono::microseconds(20 + random() % 200), static_cast<OnLate>(seed % 3)};

  NoReader reader;
  RawEncoder encoder;
  DedupeIndex index{24h, reader};
  PartitionWindow window{PartitionId{0}, WindowLimits{.events_max = 4000, .commit_bytes_max = 20'000}, {on_conflict, late}, version_of(encoder), index};
  PartitionPosition log{PartitionId{0}, Epoch{1}, CommitSequence{0}, Offset{0}};
  window.restart(log, CommitMeta{}, 1);

  Model model{on_conflict, late};
  std::vector<std::pair<Offset, IngestBatch>> ingest;  // what the log holds
  std::vector<Sent> sent;                               // by offset
  std::vector<Decided> committed;                       // by offset
  std::deque<ChainRound> running;
  Offset durable{0};
  std::uint64_t redrives = 0, withdrawals = 0, restarts = 0, refused = 0;

  const auto feed_from_log = [&] {
    for (const auto& [first, batch] : ingest) {
      if (first <= window.expected() && window.expected() < first + batch.count()) REQUIRE(window.admit(first, batch, kWall));
    }
  };
  const auto step = [&](bool calm) {
    for (ChainRound& round : window.take_rounds()) running.push_back(std::move(round));
    const std::uint64_t action = random() % 100;
    if (!calm && action < 25 && window.has_room()) {
      IngestBatchBuilder builder{64};
      const Offset first{sent.size()};
      if (window.expected() != first) return feed_from_log();
      const auto accepted_at = static_cast<std::int64_t>(first.value + random() % 30);
      for (std::uint64_t i = 1 + random() % 12; i-- > 0;) {
        static const char* const kinds[] = {"good", "good", "good", "good2", "bad", "bad2", "skip", "huge", "torn",
                                            "split", "split less", "split worse", "split huge", "split bad", "split skip"};
        const std::string id = "id" + std::to_string(random() % ids);
        // Few times per id, so that duplicates remain; some ahead of partition time, some far behind.
        const std::uint64_t time = random() % 8 == 0 ? 40 * (random() % 50) : first.value / 64 * 64;
        const std::string raw = std::string(kinds[random() % std::size(kinds)]) + ":" + id + ":" + std::to_string(time);
        builder.add({raw, id, 0, {}, sent.size() + 1});
        sent.push_back({id, raw, accepted_at});
      }
      auto batch = IngestBatch::decode(builder.finish({FrameFormat::json, accepted_at, 0, "test", ""}));
      REQUIRE(batch);
      ingest.emplace_back(first, *batch);
      REQUIRE(window.admit(first, *batch, kWall));
    } else if (action < 60 && !running.empty()) {
      // One stage: rounds of a drive come back in order, but old drives mix in.
      ChainRound round = std::move(running.front());
      running.pop_front();
      run_stages(*round.batch);
      REQUIRE(window.round_done(round.drive, round.serial, round.round));
    } else if (action < 75) {
      if (!ingest.empty()) durable = std::max(durable, ingest[random() % ingest.size()].first + ingest.back().second.count());
      durable = std::min(durable, Offset{sent.size()});
      // Only whole batches become durable.
      Offset whole{0};
      for (const auto& [first, batch] : ingest) {
        if (first + batch.count() <= durable) whole = first + batch.count();
      }
      durable = calm ? Offset{sent.size()} : whole;
      window.durable(durable);
    } else if (action < 90) {
      if (window.commit_outstanding()) {
        if (!calm && random() % 6 == 0) {  // refused: somebody fenced; nothing was written
          ++refused;
          log.epoch = Epoch{log.epoch.value + 1};
          window.restart(log, window.meta(), 1);
          feed_from_log();
          return;
        }
        const PreparedCommit commit = window.committed();
        REQUIRE(commit.part.epoch == log.epoch);
        REQUIRE(commit.part.sequence == next(log.sequence));
        REQUIRE(commit.part.from == log.committed);
        REQUIRE(commit.part.to <= durable);
        log.sequence = commit.part.sequence;
        log.committed = commit.part.to;
        for (const OutcomeBatch& batch : commit.body->batches) {
          for (std::uint32_t i = 0; i < batch.outcomes(); ++i) {
            REQUIRE(batch.offset(i) == Offset{committed.size()});
            const Sent& event = sent[committed.size()];
            REQUIRE(batch.id(i) == event.id);
            REQUIRE(batch.outcome(i).digest == xxh3_128(event.raw));
            Decided got{batch.outcome(i).outcome, batch.outcome(i).flags, "", ""};
            if (got.outcome == Outcome::dead_lettered) {
              got.reason = batch.letter(batch.outcome(i).first_record).reason;
              REQUIRE(batch.letter(batch.outcome(i).first_record).original == event.raw);
            }
            if (got.outcome == Outcome::served) {
              for (std::uint32_t r = 0; r < batch.outcome(i).record_count; ++r) {
                const RecordView record = batch.record(batch.outcome(i).first_record + r);
                REQUIRE(record.index == r);
                REQUIRE(record.outcome_index == i);
                got.payload += record.payload;
              }
            }
            const Decided expected = model.take(event.id, event.raw, event.accepted_at);
            CAPTURE(committed.size(), event.id, event.raw, static_cast<int>(got.outcome), got.reason, static_cast<int>(expected.outcome), expected.reason);
            REQUIRE(got == expected);
            committed.push_back(got);
          }
        }
        REQUIRE(commit.body->meta.ledger == model.ledger);
        REQUIRE(commit.body->meta.state_sum == model.sum);
        REQUIRE(commit.body->meta.partition_time == model.partition_time);
        REQUIRE(commit.body->meta.event_time_max == model.greatest);
      } else {
        (void)window.prepare(kWall);
      }
    } else if (!calm && action < 94) {
      ++redrives;
      window.redrive();
      if (random() % 2 == 0) running.clear();  // else the messages of the old drive still arrive
    } else if (!calm && action < 96 && !window.commit_outstanding() && Offset{sent.size()} > durable) {
      // The door gives up everything that is not durable.
      ++withdrawals;
      window.withdraw(durable);
      while (!ingest.empty() && ingest.back().first >= durable) ingest.pop_back();
      sent.resize(durable.value);
      feed_from_log();
    } else if (!calm && action < 97) {
      ++restarts;
      window.restart(log, window.meta(), 2);
      feed_from_log();
    }
  };
  for (int i = 0; i < 4000; ++i) step(false);
  for (int i = 0; i < 100'000 && committed.size() < sent.size(); ++i) {
    feed_from_log();
    step(true);
  }
  REQUIRE(committed.size() == sent.size());
  REQUIRE(sent.size() > 500);
  REQUIRE(redrives > 20);
  REQUIRE(restarts > 5);
  REQUIRE(refused + withdrawals > 5);
  REQUIRE(window.waited() > 0);
  if (!many_ids) return;
  REQUIRE(model.capped > 0);
  REQUIRE((model.lates > 0) == (late.then != OnLate::accept));
  REQUIRE((model.reopened > 0) == (late.then == OnLate::expire));
  REQUIRE(window.idle());
  REQUIRE(window.events() == 0);
}

TEST_CASE("rules that change between batches decide whole batches, and a commit holds one version only", "[window]") {
  // Each version writes its number into every record; the hash of a commit must be that of all its records.
  class Numbered final : public ChainEncoder {
   public:
    explicit Numbered(std::uint64_t number) : number_(number) {}
    bool encode(const ChainBatch& batch, std::span<const ChainEvent> parts, OutcomeBatchBuilder& out, TokenTable*) const override {
      const std::uint16_t attributes = out.attributes("t", "s");
      for (const ChainEvent& part : parts) {
        out.begin_record().append(std::string(batch.raw(part).raw) + "/" + std::to_string(number_));
        out.end_record(0, attributes);
      }
      return true;
    }
    std::shared_ptr<TokenTable> token_table() const override { return nullptr; }

   private:
    std::uint64_t number_;
  };
  const auto seed = GENERATE(range(1u, 21u));
  CAPTURE(seed);
  std::mt19937_64 random(seed);
  std::vector<std::weak_ptr<const RulesVersion>> all;
  std::uint64_t newest = 0;
  const auto make = [&] {
    auto version = std::make_shared<const RulesVersion>(RulesVersion{Digest128{++newest, 0}, std::make_shared<Numbered>(newest)});
    all.push_back(version);
    return version;
  };
  NoReader reader;
  DedupeIndex index{24h, reader};
  PartitionWindow window{PartitionId{0}, {}, {}, make(), index};
  window.restart({PartitionId{0}, Epoch{1}, CommitSequence{0}, Offset{0}}, CommitMeta{}, 1);
  std::vector<std::uint64_t> admitted_under;  // by offset
  std::deque<ChainRound> running;
  std::uint64_t committed = 0, commits = 0, redrives = 0;
  const auto commit = [&] {
    const PreparedCommit done = window.committed();
    ++commits;
    for (const OutcomeBatch& batch : done.body->batches) {
      for (std::uint32_t i = 0; i < batch.outcomes(); ++i, ++committed) {
        CAPTURE(committed);
        REQUIRE(done.body->meta.rules_hash.low == admitted_under[committed]);
        if (batch.outcome(i).outcome != Outcome::served) continue;
        const std::string_view payload = batch.record(batch.outcome(i).first_record).payload;
        REQUIRE(payload.substr(payload.find('/') + 1) == std::to_string(admitted_under[committed]));
      }
    }
  };
  for (int i = 0; i < 3'000 || !window.idle(); ++i) {
    const bool calm = i >= 3'000;
    for (ChainRound& round : window.take_rounds()) running.push_back(std::move(round));
    const std::uint64_t action = random() % 100;
    if (!calm && action < 8) {
      window.set_version(make());
    } else if (!calm && action < 40 && window.has_room()) {
      IngestBatchBuilder builder{8};
      const Offset first = window.expected();
      for (std::uint64_t n = 1 + random() % 6; n-- > 0;) {
        // The same ids with other bytes: some events wait for a later round, which must be of their batch's version.
        const std::string id = "id" + std::to_string(random() % 50);
        builder.add({"good" + std::to_string(random() % 2) + id, id, 0, {}, 1});
        admitted_under.push_back(newest);
      }
      REQUIRE(window.admit(first, *IngestBatch::decode(builder.finish({FrameFormat::json, 1, 0, "d", ""})), 1'000'000));
      window.durable(window.expected());
    } else if (action < 75 && !running.empty()) {
      const ChainRound round = std::move(running.front());
      running.pop_front();
      REQUIRE(window.uses(*round.version));
      REQUIRE(window.round_done(round.drive, round.serial, round.round));
    } else if (!calm && action < 77) {
      ++redrives;
      window.redrive();
      running.clear();
    } else if (window.commit_outstanding()) {
      commit();
    } else {
      (void)window.prepare(1'000'000);
    }
  }
  REQUIRE(committed == admitted_under.size());
  REQUIRE(newest > 100);
  REQUIRE(commits > 100);
  REQUIRE(redrives > 10);
  // Nothing keeps an old version but the newest, which is still in use.
  running.clear();
  REQUIRE(std::count_if(all.begin(), all.end(), [](const auto& version) { return !version.expired(); }) == 1);
}

TEST_CASE("one door's wrong clock moves partition time not beyond the owner's clock and slack, and never back", "[window]") {
  NoReader reader;
  RawEncoder encoder;
  DedupeIndex index{24h, reader};
  PartitionWindow window{PartitionId{0}, {}, {}, version_of(encoder), index};
  window.restart({PartitionId{0}, Epoch{1}, CommitSequence{0}, Offset{0}}, CommitMeta{}, 1);
  const auto commit_with_stamp = [&](std::int64_t accepted_at, UnixMicros wall) {
    IngestBatchBuilder builder{8};
    const std::string id = "e" + std::to_string(window.expected().value);
    builder.add({"good:8000000000000", id, 0, {}, 1});
    const Offset first = window.expected();
    REQUIRE(window.admit(first, *IngestBatch::decode(builder.finish({FrameFormat::json, accepted_at, 0, "d", ""})), wall));
    for (const ChainRound& round : window.take_rounds()) {
      run_stages(*round.batch);
      REQUIRE(window.round_done(round.drive, round.serial, round.round));
    }
    window.durable(window.expected());
    REQUIRE(window.prepare(wall + 1));
    const CommitMeta meta = window.committed().body->meta;
    // An event from the future moves M as far as partition time, no further.
    REQUIRE(meta.event_time_max == meta.partition_time);
    return meta.partition_time;
  };
  REQUIRE(commit_with_stamp(1'000'000, 1'500'000) == 1'000'000);
  REQUIRE(commit_with_stamp(9'000'000'000'000, 2'000'000) == 2'000'000 + kPartitionTimeSlack.count());
  REQUIRE(commit_with_stamp(5, 3'000'000) == 2'000'000 + kPartitionTimeSlack.count());
}

TEST_CASE("an empty window lets time pass when ids leave dedupe.remember, and then only", "[window]") {
  NoReader reader;
  RawEncoder encoder;
  DedupeIndex index{16s, reader};
  PartitionWindow window{PartitionId{0}, {}, {}, version_of(encoder, Digest128{7, 0}), index};
  window.restart({PartitionId{0}, Epoch{1}, CommitSequence{0}, Offset{0}}, CommitMeta{}, 1);
  const UnixMicros start = 1'000'000'000;
  CHECK_FALSE(window.let_time_pass(start));  // nothing is remembered
  const auto admit = [&](const std::string& id, std::int64_t stamp) {
    IngestBatchBuilder builder{8};
    builder.add({"good:1", id, 0, {}, 1});
    REQUIRE(window.admit(window.expected(), *IngestBatch::decode(builder.finish({FrameFormat::json, stamp, 0, "d", ""})), stamp));
    for (const ChainRound& round : window.take_rounds()) {
      run_stages(*round.batch);
      REQUIRE(window.round_done(round.drive, round.serial, round.round));
    }
    window.durable(window.expected());
  };
  admit("a", start);
  CHECK_FALSE(window.let_time_pass(start + 60'000'000));  // something is in flight: its commit does it
  REQUIRE(window.prepare(start));
  CHECK_FALSE(window.let_time_pass(start + 60'000'000));
  static_cast<void>(window.committed());
  CHECK_FALSE(window.let_time_pass(start + 16'999'999));
  CHECK_FALSE(window.let_time_pass(start - 60'000'000));
  const auto passing = window.let_time_pass(start + 17'000'000);
  REQUIRE(passing);
  CHECK(passing->part.from == Offset{1});
  CHECK(passing->part.to == Offset{1});
  CHECK(passing->part.sequence == CommitSequence{2});
  CHECK(passing->body->batches.empty());
  CHECK(passing->body->meta.partition_time == start + 17'000'000);
  CHECK(passing->body->meta.event_time_max == 1);
  CHECK(passing->body->meta.ledger.served == 1);
  CHECK(passing->body->meta.rules_hash == Digest128{7, 0});
  // A batch with an older stamp comes while it is on its way: partition time does not go back.
  admit("a", start + 16'000'000);
  CHECK(index.size() == 1);
  static_cast<void>(window.committed());
  CHECK(index.size() == 0);
  const auto next = window.prepare(start + 17'500'000);
  REQUIRE(next);
  CHECK(next->body->meta.partition_time == start + 17'000'000);
  CHECK(next->part.from == Offset{1});
  CHECK(next->part.to == Offset{2});
}
