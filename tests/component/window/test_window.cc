// The window against a model that takes one event at a time. Whatever the order in which rounds come back, stages die, commits
// are cut, appends are given up or the log refuses: the committed outcomes are those of the model.
#include <deque>
#include <map>
#include <random>

#include "runtime/base/hash.h"
#include "runtime/engine/id_state.h"
#include "tests/component/window/window_fixture.h"

using namespace weir;
using namespace weir::window_test;
using namespace std::chrono_literals;

namespace {

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
    } else if (raw.starts_with("venom")) {
      decided = {Outcome::dead_lettered, flags, "poison", ""};
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

/// The first event that crashes the stages; null: none does.
const ChainEvent* venom_in(ChainBatch& batch) {
  for (const ChainEvent& event : batch.events()) {
    if (batch.raw(event).raw.starts_with("venom")) return &event;
  }
  return nullptr;
}

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

  // What most ingest batches become is longer than the small limit, so that they are taken again in parts.
  const bool narrow = seed % 5 < 2;
  const std::size_t batch_bytes_max = narrow ? 700 : 100'000;
  NoReader reader;
  RawEncoder encoder;
  DedupeIndex index{24h, reader};
  const std::size_t bytes_max = seed % 7 == 0 ? 3'000 : 1'000'000;  // or the stages wait for commits now and then
  const WindowLimits limits{.events_max = 4000, .bytes_max = bytes_max, .commit_bytes_max = 20'000, .batch_bytes_max = batch_bytes_max};
  PartitionWindow window{PartitionId{0}, limits, {on_conflict, late, {}}, version_of(encoder), index};
  PartitionPosition log{PartitionId{0}, Epoch{1}, CommitSequence{0}, Offset{0}};
  window.restart(log, CommitMeta{}, CommitOwner{1, {}, {}});

  Model model{on_conflict, late};
  std::vector<std::pair<Offset, IngestBatch>> ingest;  // what the log holds
  std::vector<Sent> sent;                               // by offset
  std::vector<Decided> committed;                       // by offset
  std::deque<ChainRound> running;
  Offset durable{0};
  std::uint64_t redrives = 0, withdrawals = 0, restarts = 0, refused = 0, parts = 0, crashes = 0, poisoned = 0;

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
                                            "split", "split less", "split worse", "split huge", "split bad", "split skip", "venom"};
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
      if (const ChainEvent* venom = venom_in(*round.batch)) {
        // The stage may know which event it had in its hands, or not; whoever starts it again drives everything again.
        StageCrash crash{round.drive, round.serial, round.round, std::nullopt, "validate", "venom"};
        if (random() % 2 == 0) crash.event = round.batch->offset(*venom);
        poisoned += window.crashed(crash).poison.has_value();
        ++crashes;
        REQUIRE(window.redrive());
        if (random() % 2 == 0) running.clear();
        return;
      }
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
          window.restart(log, window.meta(), CommitOwner{1, {}, {}});
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
          REQUIRE((batch.outcomes() == 1 || batch.size() < batch_bytes_max + 16));  // the last id, and up to 7 bytes of padding
          parts += std::none_of(ingest.begin(), ingest.end(), [&](const auto& of) { return of.first == batch.offset(0); });
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
      REQUIRE(window.redrive());
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
      window.restart(log, window.meta(), CommitOwner{2, {}, {}});
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
  REQUIRE(poisoned > 0);
  REQUIRE(crashes > 2 * poisoned);
  REQUIRE((parts > 100 || !narrow));  // and where a batch crashes a stage
  if (!many_ids) return;
  REQUIRE(model.capped > 0);
  REQUIRE((model.lates > 0) == (late.then != OnLate::accept));
  REQUIRE((model.reopened > 0) == (late.then == OnLate::expire));
  REQUIRE(window.idle());
  REQUIRE(window.events() == 0);
}
