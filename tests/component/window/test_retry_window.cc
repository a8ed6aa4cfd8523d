// Parking, held events and retries in the window. The commits are judged from outside: by what they say of each offset in turn, and in
// the end by what one event at a time would have become had nothing ever been out of order.
#include <deque>
#include <map>
#include <optional>
#include <random>
#include <set>

#include <fmt/format.h>

#include "runtime/base/hash.h"
#include "runtime/engine/id_state.h"
#include "tests/component/window/window_fixture.h"

using namespace weir;
using namespace weir::window_test;
using namespace std::chrono_literals;

namespace {

struct Sent {
  std::string id, key, raw;
};

std::string raw_of(const std::string& kind, const std::string& id, const std::string& key) {
  return fmt::format(R"({{"key":"{}","x":"{}:{}:1"}})", key, kind, id);
}

bool has(std::string_view raw, std::string_view kind) { return raw.find(kind) != std::string_view::npos; }

/// What a commit said last of an offset.
struct Fate {
  Outcome outcome = Outcome::retrying;
  std::string reason;
  friend bool operator==(const Fate&, const Fate&) = default;
};

/// One event at a time, no outage.
struct Calm {
  OnConflict on_conflict = OnConflict::dead_letter;
  std::map<std::string, std::pair<std::string, Fate>> entries;
  Ledger ledger;
  Digest128 sum;

  Fate take(const Sent& event) {
    const auto known = entries.find(event.id);
    if (known != entries.end()) {
      const auto& [raw, fate] = known->second;
      const bool dead = fate.outcome == Outcome::dead_lettered;
      if (raw == event.raw || (!dead && on_conflict == OnConflict::ignore)) {
        ++ledger.duplicate;
        return {Outcome::duplicate, ""};
      }
      if (!dead) {
        ++ledger.dead_lettered;
        ++ledger.conflicts;
        return {Outcome::dead_lettered, "conflict"};
      }
      --ledger.dead_lettered;
      ++ledger.superseded;
      sum -= id_state_hash(event.id, fate.outcome, fate.reason);
    }
    Fate fate{Outcome::served, ""};
    if (has(event.raw, "skip")) fate = {Outcome::filtered, ""};
    if (has(event.raw, "bad")) fate = {Outcome::dead_lettered, "field_range"};
    if (has(event.raw, "huge")) fate = {Outcome::dead_lettered, "output_too_large"};
    if (has(event.raw, "torn")) fate = {Outcome::dead_lettered, "time"};
    ledger.served += fate.outcome == Outcome::served;
    ledger.records += fate.outcome == Outcome::served;
    ledger.filtered += fate.outcome == Outcome::filtered;
    ledger.dead_lettered += fate.outcome == Outcome::dead_lettered;
    entries[event.id] = {event.raw, fate};
    sum += id_state_hash(event.id, fate.outcome, fate.reason);
    return fate;
  }
};

/// Reads the commits as they come.
struct Judge {
  const std::vector<Sent>& sent;
  bool by_key = false;
  std::vector<std::optional<Fate>> fates{};
  std::map<std::string, std::set<std::uint64_t>> parked_ids{}, parked_keys{};
  std::uint64_t parked = 0, parks = 0, helds = 0, retried = 0;
  std::uint64_t most_parked = 0;

  void take(const OutcomeBatch& batch) {
    for (std::uint32_t i = 0; i < batch.outcomes(); ++i) {
      const std::uint64_t offset = batch.offset(i).value;
      CAPTURE(offset);
      const OutcomeEntry& outcome = batch.outcome(i);
      const Sent& event = sent.at(offset);
      REQUIRE(batch.id(i) == event.id);
      REQUIRE(outcome.digest == xxh3_128(event.raw));
      Fate fate{outcome.outcome, ""};
      if (outcome.outcome == Outcome::dead_lettered) fate.reason = batch.letter(outcome.first_record).reason;
      if (batch.redecided()) {
        REQUIRE(offset < fates.size());
        REQUIRE(fates[offset]->outcome == Outcome::retrying);
        ++retried;
        leave(event, offset);
      } else {
        REQUIRE(offset == fates.size());
        fates.emplace_back();
      }
      // Whoever is decided by the stages has nobody of his id or key in front of him that is not.
      const bool by_id_alone = outcome.outcome == Outcome::duplicate || (outcome.flags & outcome_flag::conflict) != 0;
      const bool stages = outcome.outcome != Outcome::retrying && !by_id_alone;
      const auto first_of = [](const auto& parked_of, const std::string& of) {
        const auto found = parked_of.find(of);
        return found == parked_of.end() || found->second.empty() ? UINT64_MAX : *found->second.begin();
      };
      if (stages) REQUIRE(offset < first_of(parked_ids, event.id));
      if (stages && by_key && !event.key.empty()) REQUIRE(offset < first_of(parked_keys, event.key));
      if (outcome.outcome == Outcome::retrying) {
        const ParkView park = batch.park(outcome.record_count);
        REQUIRE(batch.letter(outcome.first_record).original == event.raw);
        REQUIRE(park.key == (by_key ? event.key : ""));
        ++parks;
        helds += park.held;
        parked_ids[event.id].insert(offset);
        parked_keys[event.key].insert(offset);
        most_parked = std::max(most_parked, ++parked);
      }
      fates[offset] = fate;
    }
  }
  void leave(const Sent& event, std::uint64_t offset) {
    parked_ids[event.id].erase(offset);
    parked_keys[event.key].erase(offset);
    --parked;
  }
};

}  // namespace

TEST_CASE("whatever fails for a while and whatever the timing, all becomes what it would have, each in its order", "[window][retry]") {
  const auto seed = GENERATE(range(1u, 61u));
  CAPTURE(seed);
  std::mt19937_64 random(seed);
  WindowRules rules;
  rules.on_conflict = seed % 4 == 0 ? OnConflict::ignore : OnConflict::dead_letter;
  rules.retry.order = seed % 3 == 0 ? RetryOrder::deferred : RetryOrder::blocking;
  if (seed % 3 == 1) rules.retry.order_by = FieldPath{{"key"}, "key"};
  rules.retry.attempts_max = 1'000;
  rules.retry.retry_age_max = std::chrono::hours(24 * 7);
  rules.retry.backoff_min = 1ms;
  rules.retry.backoff_max = 20ms;
  const bool tight = seed % 5 == 0;
  if (tight) rules.retry.parked_events_max = 24;
  if (seed % 5 == 1) rules.retry.held_keys_max = 6;
  const std::uint64_t ids = (seed % 2 == 0 ? 100 : 5) + random() % 30;
  NoReader reader;
  RawEncoder encoder;
  DedupeIndex index{24h, reader};
  auto retries = std::make_unique<RetrySet>();
  const WindowLimits limits{.events_max = 200, .bytes_max = 1'000'000, .commit_bytes_max = 20'000, .batch_events_max = 16};
  PartitionWindow window{PartitionId{0}, limits, rules, version_of(encoder), index, nullptr, retries.get()};
  PartitionPosition log{PartitionId{0}, Epoch{1}, CommitSequence{0}, Offset{0}};
  window.restart(log, CommitMeta{}, CommitOwner{1, {}, {}});

  std::vector<std::pair<Offset, IngestBatch>> ingest;
  std::vector<Sent> sent;
  std::deque<ChainRound> running;
  Judge judge{sent, rules.retry.order_by.has_value()};
  Offset durable{0};
  UnixMicros wall = 1'000'000;
  bool outage = false;
  std::uint64_t fulls = 0;
  CommitMeta meta;

  const auto feed_from_log = [&] {
    for (const auto& [first, batch] : ingest) {
      if (window.has_room() && first <= window.expected() && window.expected() < first + batch.count()) REQUIRE(window.admit(first, batch, wall));
    }
  };
  const auto stages = [&](ChainBatch& batch) {
    run_stages(batch);
    for (ChainEvent& event : batch.events()) {
      const std::string_view raw = batch.raw(event).raw;
      if (!has(raw, "needs") || !outage) continue;
      // Of some nobody asks at all, and then it is no attempt.
      const bool asked = random() % 4 != 0;
      const std::int64_t not_before = random() % 2 == 0 ? 0 : wall + static_cast<std::int64_t>(random() % 5'000);
      batch.retry(event, "geo", "lookup", asked ? "503" : "the breaker is open", {not_before, asked});
    }
  };
  const auto step = [&](bool calm) {
    window.set_time(wall);
    if (random() % 3 == 0) REQUIRE(window.admit_due(wall));
    for (ChainRound& round : window.take_rounds()) running.push_back(std::move(round));
    fulls += window.parked_full();
    const std::uint64_t action = random() % 100;
    if (!calm && action < 25 && window.has_room()) {
      const Offset first{sent.size()};
      if (window.expected() != first) return feed_from_log();
      IngestBatchBuilder builder{64};
      for (std::uint64_t i = 1 + random() % 12; i-- > 0;) {
        static const char* const kinds[] = {"good", "good2", "bad", "bad2", "skip", "huge", "torn", "needs", "needs2", "needs3", "needs bad"};
        const std::string id = "id" + std::to_string(sent.size() / 4 + random() % ids);  // of few at a time, but always new ones
        const std::string key = random() % 10 == 0 ? "" : "k" + std::to_string(random() % 9);
        const std::string raw = raw_of(kinds[random() % std::size(kinds)], id, key);
        builder.add({raw, id, 0, {}, sent.size() + 1});
        sent.push_back({id, key, raw});
      }
      auto batch = IngestBatch::decode(builder.finish({FrameFormat::json, static_cast<std::int64_t>(wall), 0, "test", ""}));
      REQUIRE(batch);
      ingest.emplace_back(first, *batch);
      REQUIRE(window.admit(first, *batch, wall));
    } else if (action < 60 && !running.empty()) {
      ChainRound round = std::move(running.front());
      running.pop_front();
      stages(*round.batch);
      REQUIRE(window.round_done(round.drive, round.serial, round.round));
    } else if (action < 70) {
      durable = Offset{sent.size()};
      window.durable(durable);
    } else if (action < 88) {
      if (!window.commit_outstanding()) return (void)window.prepare(wall);
      if (!calm && random() % 8 == 0) {  // refused
        log.epoch = Epoch{log.epoch.value + 1};
        window.restart(log, window.meta(), CommitOwner{1, {}, {}});
        return feed_from_log();
      }
      const PreparedCommit commit = window.committed();
      REQUIRE(commit.part.sequence == next(log.sequence));
      REQUIRE(commit.part.from == log.committed);
      REQUIRE(commit.part.to <= durable);
      log.sequence = commit.part.sequence;
      log.committed = commit.part.to;
      // As it will be read back.
      std::string bytes;
      for (const SharedBytes& piece : commit.part.body) bytes += piece.view();
      const auto body = CommitBody::decode(SharedBytes::copy_of(bytes));
      REQUIRE(body);
      for (const OutcomeBatch& batch : body->batches) judge.take(batch);
      REQUIRE(body->meta.partition_time >= meta.partition_time);
      meta = body->meta;
      REQUIRE(meta.ledger.retrying == judge.parked);
      REQUIRE(judge.parked == retries->size());
      REQUIRE(judge.fates.size() == log.committed.value);
      if (tight) REQUIRE(judge.parked <= rules.retry.parked_events_max);
      if (judge.parked == 0 && random() % 4 == 0) {
        // Whoever reads all of it now finds what one event at a time has led to.
        Calm model{rules.on_conflict, {}, {}, {}};
        for (std::size_t i = 0; i < judge.fates.size(); ++i) {
            const Fate want = model.take(sent[i]);
            CAPTURE(i, sent[i].id, sent[i].raw, want.reason, judge.fates[i]->reason, int(want.outcome), int(judge.fates[i]->outcome));
            REQUIRE(want == judge.fates[i]);
          }
        REQUIRE(model.ledger == meta.ledger);
        REQUIRE(model.sum == meta.state_sum);
      }
    } else if (!calm && action < 92) {
      REQUIRE(window.redrive());
      if (random() % 2 == 0) running.clear();
    } else if (!calm && action < 94 && !window.commit_outstanding() && Offset{sent.size()} > durable) {
      window.withdraw(durable);
      while (!ingest.empty() && ingest.back().first >= durable) ingest.pop_back();
      sent.resize(durable.value);
      feed_from_log();
    } else if (action < 97) {
      wall += static_cast<std::int64_t>(random() % 6'000);
      if (random() % 6 == 0) outage = !calm && random() % 4 == 0;
    } else if (!calm) {
      window.restart(log, window.meta(), CommitOwner{2, {}, {}});
      feed_from_log();
    }
  };
  for (int i = 0; i < 6000; ++i) step(false);
  outage = false;
  for (int i = 0; i < 200'000 && !(log.committed == Offset{sent.size()} && judge.parked == 0); ++i) {
    feed_from_log();
    step(true);
    if (const auto due = window.next_due(); due && *due > wall && running.empty() && window.idle()) wall = *due;
  }
  REQUIRE(judge.parked == 0);
  REQUIRE(log.committed == Offset{sent.size()});
  Calm model{rules.on_conflict, {}, {}, {}};
  for (std::size_t i = 0; i < sent.size(); ++i) {
    CAPTURE(i, sent[i].id, sent[i].raw);
    {
            const Fate want = model.take(sent[i]);
            CAPTURE(i, sent[i].id, sent[i].raw, want.reason, judge.fates[i]->reason, int(want.outcome), int(judge.fates[i]->outcome));
            REQUIRE(want == judge.fates[i]);
          }
  }
  REQUIRE(model.ledger == meta.ledger);
  REQUIRE(model.sum == meta.state_sum);
  CHECK(sent.size() > 300);
  CHECK(judge.retried > 50);
  CHECK(judge.helds > 10);
  if (tight) CHECK(fulls > 0);
}

namespace {

/// A window, a clock moved by hand, and one batch at a time.
struct Bench {
  explicit Bench(RetrySettings retry) {
    WindowRules rules;
    rules.retry = std::move(retry);
    window.emplace(PartitionId{0}, WindowLimits{}, rules, version_of(encoder), index, nullptr, &retries);
    window->restart({PartitionId{0}, Epoch{1}, CommitSequence{0}, Offset{0}}, CommitMeta{}, CommitOwner{1, {}, {}});
  }
  void send(const std::vector<Sent>& events) {
    IngestBatchBuilder builder{64};
    for (const Sent& event : events) builder.add({event.raw, event.id, 0, {}, 1});
    REQUIRE(window->admit(window->expected(), IngestBatch::decode(builder.finish({FrameFormat::json, wall, 0, "test", ""})).value(), wall));
    window->durable(window->expected());
  }
  /// Everything that can be done now is; of all commits the outcomes by offset.
  std::map<std::uint64_t, Outcome> settle(const std::function<void(ChainBatch&, ChainEvent&)>& stage) {
    std::map<std::uint64_t, Outcome> outcomes;
    window->set_time(wall);
    for (;;) {
      REQUIRE(window->admit_due(wall));
      auto rounds = window->take_rounds();
      for (ChainRound& round : rounds) {
        run_stages(*round.batch);
        for (ChainEvent& event : round.batch->events()) stage(*round.batch, event);
        REQUIRE(window->round_done(round.drive, round.serial, round.round));
      }
      const auto commit = window->prepare(wall);
      if (!commit && rounds.empty()) return outcomes;
      if (!commit) continue;
      (void)window->committed();
      last = commit->body;
      for (const OutcomeBatch& batch : commit->body->batches) {
        for (std::uint32_t i = 0; i < batch.outcomes(); ++i) outcomes[batch.offset(i).value] = batch.outcome(i).outcome;
      }
    }
  }
  [[nodiscard]] LetterView letter() const { return last->batches.back().letter(0); }

  NoReader reader;
  RawEncoder encoder;
  DedupeIndex index{24h, reader};
  RetrySet retries;
  std::optional<PartitionWindow> window;
  UnixMicros wall = 1'000'000'000'000'000;
  std::shared_ptr<const CommitBody> last;
};

const auto kFails = [](ChainBatch& batch, ChainEvent& event) {
  if (has(batch.raw(event).raw, "needs")) batch.retry(event, "geo", "lookup", "503");
};
const auto kWorks = [](ChainBatch&, ChainEvent&) {};

Sent event(const std::string& id, const std::string& kind, const std::string& key = "") { return {id, key, raw_of(kind, id, key)}; }

}  // namespace

TEST_CASE("after attempts_max attempts an event is a dead letter that tells them all", "[window][retry]") {
  RetrySettings retry;
  retry.attempts_max = 3;
  Bench bench(retry);
  bench.send({event("a", "needs")});
  CHECK(bench.settle(kFails) == std::map<std::uint64_t, Outcome>{{0, Outcome::retrying}});
  const UnixMicros first = bench.wall;
  for (int attempt = 2; attempt <= 3; ++attempt) {
    const auto due = bench.window->next_due();
    REQUIRE(due);
    REQUIRE(*due > bench.wall);
    bench.wall = *due - 1;
    CHECK(bench.settle(kFails).empty());
    bench.wall = *due;
    CHECK(bench.settle(kFails).size() == 1);
  }
  CHECK(bench.window->meta().ledger.dead_lettered == 1);
  CHECK(bench.window->meta().ledger.retrying == 0);
  CHECK_FALSE(bench.window->next_due());
  CHECK(bench.letter().reason == "retries_exhausted");
  CHECK(bench.letter().stage == "geo");
  CHECK(bench.letter().attempts == 3);
  CHECK(std::string(bench.letter().details).starts_with(R"(["attempts 1 to 3, 2001-09-09T01:46:40Z to )"));
  CHECK(std::string(bench.letter().details).ends_with(R"(: geo: lookup: 503","retry.attempts_max (3) is reached"])"));
  CHECK(bench.wall - first < 600'000);
}

TEST_CASE("no attempt is made later than retry_age_max after the first", "[window][retry]") {
  RetrySettings retry;
  retry.retry_age_max = 10s;
  Bench bench(retry);
  bench.send({event("a", "needs")});
  const UnixMicros first = bench.wall;
  (void)bench.settle(kFails);
  UnixMicros last = first;
  while (const auto due = bench.window->next_due()) {
    last = bench.wall = *due;
    (void)bench.settle(kFails);
  }
  CHECK(last - first <= 10'000'000);
  CHECK(bench.letter().reason == "retries_exhausted");
  CHECK(std::string(bench.letter().details).find("retry.retry_age_max (10s)") != std::string::npos);
}

TEST_CASE("who was put off without being asked has made no attempt, and comes back when it makes sense", "[window][retry]") {
  RetrySettings retry;
  retry.attempts_max = 2;
  Bench bench(retry);
  bench.send({event("a", "needs")});
  for (int i = 0; i < 5; ++i) {
    const UnixMicros open_until = bench.wall + 2'000'000;
    (void)bench.settle([&](ChainBatch& batch, ChainEvent& e) { batch.retry(e, "geo", "lookup", "the breaker is open", {open_until, false}); });
    REQUIRE(bench.window->next_due());
    CHECK(*bench.window->next_due() >= open_until);
    bench.wall = *bench.window->next_due();
  }
  CHECK(bench.retries.events().begin()->second.attempts == 0);
  CHECK(bench.settle(kWorks) == std::map<std::uint64_t, Outcome>{{0, Outcome::served}});
}

TEST_CASE("with blocking order the events of a key wait behind the one that fails, and others go on", "[window][retry]") {
  RetrySettings retry;
  retry.order_by = FieldPath{{"key"}, "key"};
  Bench bench(retry);
  // The second of "k" has run when the first one fails; the third comes later.
  bench.send({event("a", "needs", "k"), event("b", "good", "k"), event("c", "good", "other"), event("d", "good")});
  CHECK(bench.settle(kFails) ==
        std::map<std::uint64_t, Outcome>{{0, Outcome::retrying}, {1, Outcome::retrying}, {2, Outcome::served}, {3, Outcome::served}});
  bench.send({event("e", "good", "k"), event("f", "good", "other")});
  std::uint64_t seen = 0;
  CHECK(bench.settle([&](ChainBatch&, ChainEvent&) { ++seen; }) == std::map<std::uint64_t, Outcome>{{4, Outcome::retrying}, {5, Outcome::served}});
  CHECK(seen == 1);  // no stage has seen the one that is held
  bench.wall = *bench.window->next_due();
  CHECK(bench.settle(kWorks) == std::map<std::uint64_t, Outcome>{{0, Outcome::served}, {1, Outcome::served}, {4, Outcome::served}});
  CHECK(bench.window->meta().ledger.served == 6);
  CHECK(bench.retries.size() == 0);
}

TEST_CASE("with deferred order the events of a key go on, but those of one id wait", "[window][retry]") {
  RetrySettings retry;
  retry.order = RetryOrder::deferred;
  Bench bench(retry);
  bench.send({event("a", "needs", "k"), event("b", "good", "k"), event("a", "good2", "k"), event("a", "needs", "k")});  // whether the last repeats the first is known when the third is decided
  CHECK(bench.settle(kFails) ==
        std::map<std::uint64_t, Outcome>{{0, Outcome::retrying}, {1, Outcome::served}, {2, Outcome::retrying}, {3, Outcome::retrying}});
  bench.send({event("a", "good2", "k"), event("a", "good3", "k")});
  CHECK(bench.settle(kFails) == std::map<std::uint64_t, Outcome>{{4, Outcome::retrying}, {5, Outcome::retrying}});
  bench.wall = *bench.window->next_due();
  CHECK(bench.settle(kWorks) == std::map<std::uint64_t, Outcome>{
                                    {0, Outcome::served}, {2, Outcome::dead_lettered}, {3, Outcome::duplicate}, {4, Outcome::dead_lettered}, {5, Outcome::dead_lettered}});
  CHECK(bench.window->meta().ledger.conflicts == 3);
}

TEST_CASE("a repeat of the event that is parked is a duplicate at once", "[window][retry]") {
  Bench bench({});
  bench.send({event("a", "needs")});
  (void)bench.settle(kFails);
  bench.send({event("a", "needs"), event("a", "needs")});
  CHECK(bench.settle(kFails) == std::map<std::uint64_t, Outcome>{{1, Outcome::duplicate}, {2, Outcome::duplicate}});
}
