// Which events the window decides together: under one version of the rules, and no more than fit into a commit.
#include <deque>
#include <functional>
#include <map>
#include <random>

#include "tests/component/window/window_fixture.h"

using namespace weir;
using namespace weir::window_test;
using namespace std::chrono_literals;

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
  window.restart({PartitionId{0}, Epoch{1}, CommitSequence{0}, Offset{0}}, CommitMeta{}, CommitOwner{1, {}, {}});
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
      REQUIRE(window.redrive());
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

namespace {

/// Event "eN" becomes `bytes(N)` bytes, however short it is.
class Filling final : public ChainEncoder {
 public:
  std::function<std::size_t(std::uint64_t)> bytes = [](std::uint64_t) { return 100'000; };
  bool encode(const ChainBatch& batch, std::span<const ChainEvent> parts, OutcomeBatchBuilder& out, TokenTable*) const override {
    const std::uint16_t attributes = out.attributes("t", "s");
    const std::string id(batch.raw(parts.front()).id);
    out.begin_record().append(std::string(bytes(std::stoull(id.substr(1))), 'x'));
    out.end_record(parts.front().event_time, attributes);
    return true;
  }
  std::shared_ptr<TokenTable> token_table() const override { return nullptr; }
};

/// 512 events each, by first offset.
std::map<std::uint64_t, IngestBatch> short_events(std::uint64_t count) {
  std::map<std::uint64_t, IngestBatch> log;
  for (std::uint64_t first = 0; first < count; first += 512) {
    IngestBatchBuilder builder{512};
    for (std::uint64_t i = first; i < first + 512; ++i) builder.add({"good:1", "e" + std::to_string(i), 0, {}, 1});
    log.emplace(first, *IngestBatch::decode(builder.finish({FrameFormat::json, 1, 0, "d", ""})));
  }
  return log;
}

}  // namespace

TEST_CASE("events that become longer than a batch may be are decided in smaller ones, and then in larger ones again", "[window]") {
  NoReader reader;
  Filling encoder;
  encoder.bytes = [](std::uint64_t n) { return n < 512 ? 100'000 : n < 520 ? 17'000'000 : 10; };
  DedupeIndex index{24h, reader};
  PartitionWindow window{PartitionId{0}, {}, {}, version_of(encoder), index};
  window.restart({PartitionId{0}, Epoch{1}, CommitSequence{0}, Offset{0}}, CommitMeta{}, CommitOwner{1, {}, {}});
  constexpr std::uint64_t kEvents = 8'192;  // twice the window, which is filled with small batches once
  const auto log = short_events(kEvents);
  window.durable(Offset{kEvents});
  std::vector<std::uint32_t> sizes;
  std::size_t longest = 0;
  while (window.position().committed < Offset{kEvents}) {
    for (auto of = std::prev(log.upper_bound(window.expected().value)); of != log.end() && window.has_room(); ++of) {
      if (Offset{of->first} <= window.expected() && window.expected() < Offset{of->first} + of->second.count())
        REQUIRE(window.admit(Offset{of->first}, of->second, 1'000'000));
    }
    for (const ChainRound& round : window.take_rounds()) {
      run_stages(*round.batch);
      REQUIRE(window.round_done(round.drive, round.serial, round.round));
    }
    if (!window.prepare(1'000'000)) continue;
    const PreparedCommit commit = window.committed();
    longest = std::max(longest, commit.bytes);
    for (const OutcomeBatch& batch : commit.body->batches) {
      REQUIRE((batch.size() <= 16u << 20 || batch.outcomes() == 1));
      sizes.push_back(batch.outcomes());
    }
  }
  CHECK(window.meta().ledger.served == kEvents);
  CHECK(window.idle());
  CHECK(longest < 18u << 20);
  CHECK(std::count(sizes.begin(), sizes.end(), 167) >= 3);  // 16 MiB of 100 KB
  CHECK(std::count(sizes.begin(), sizes.end(), 1) >= 8);
  CHECK(std::count(sizes.begin(), sizes.end(), 512) >= 3);
}

TEST_CASE("the stages wait while what they made waits for its commit and is long", "[window]") {
  NoReader reader;
  Filling encoder;
  DedupeIndex index{24h, reader};
  PartitionWindow window{PartitionId{0}, {}, {}, version_of(encoder), index};
  window.restart({PartitionId{0}, Epoch{1}, CommitSequence{0}, Offset{0}}, CommitMeta{}, CommitOwner{1, {}, {}});
  constexpr std::uint64_t kEvents = 2'048;
  const auto log = short_events(kEvents);
  std::size_t driven = 0;
  const auto drive = [&] {
    for (bool more = true; more;) {
      for (const auto& [first, batch] : log) {
        if (Offset{first} <= window.expected() && window.expected() < Offset{first} + batch.count()) REQUIRE(window.admit(Offset{first}, batch, 1'000'000));
      }
      more = false;
      for (const ChainRound& round : window.take_rounds()) {
        more = true;
        driven += round.batch->events().size();
        run_stages(*round.batch);
        REQUIRE(window.round_done(round.drive, round.serial, round.round));
      }
    }
  };
  drive();
  CHECK(window.events() == kEvents);
  // Three batches of 512 until the first is seen to be too long, then some of 167, 16 MiB each, until 16 MiB wait.
  CHECK(driven <= 3 * 512 + 4 * 167);
  window.durable(Offset{kEvents});
  while (window.prepare(1'000'000)) {
    static_cast<void>(window.committed());
    drive();
  }
  CHECK(window.idle());
  CHECK(window.meta().ledger.served == kEvents);
}
