// Orders for dead letters in the window, among everything else that happens there: what the commits say is counted from outside.
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
  std::string id, raw;
};

bool has(std::string_view raw, std::string_view kind) { return raw.find(kind) != std::string_view::npos; }

/// What the commits have made of all events, counted anew from what they say of each.
struct Books {
  struct Now {
    Outcome outcome = Outcome::retrying;
    bool superseded = false;
    bool conflict = false;
    std::string reason;
  };
  const std::vector<Sent>& sent;
  std::vector<Now> events{};
  std::map<std::string, std::uint64_t> owners{};  // of ids: the event that owns the entry
  std::map<std::uint64_t, std::string> letters{};  // as a state would keep them
  std::map<std::string, int> served{};
  std::uint64_t redriven = 0, edited = 0, dropped = 0, superseded = 0, conflicts = 0, records = 0;

  void take(const CommitBody& body, CommitSequence sequence) {
    for (const OutcomeBatch& batch : body.batches) {
      for (std::uint32_t i = 0; i < batch.outcomes(); ++i) take(batch, i, sequence);
    }
  }
  void take(const OutcomeBatch& batch, std::uint32_t i, CommitSequence sequence) {
    const OutcomeEntry& outcome = batch.outcome(i);
    const std::uint64_t offset = batch.offset(i).value;
    const std::string id(batch.id(i));
    const bool from_letter = (outcome.flags & outcome_flag::from_letter) != 0;
    CAPTURE(offset, id, static_cast<int>(outcome.outcome), from_letter);
    REQUIRE(id == sent.at(offset).id);
    REQUIRE(outcome.digest == xxh3_128(sent[offset].raw));  // of the bytes as they came
    if (!batch.redecided()) {
      REQUIRE(offset == events.size());
      events.emplace_back();
    } else {
      // Out of dead-letter by an order, out of the retry set by itself.
      REQUIRE(events.at(offset).outcome == (from_letter ? Outcome::dead_lettered : Outcome::retrying));
      REQUIRE_FALSE(events[offset].superseded);
    }
    Now& now = events[offset];
    if ((outcome.flags & outcome_flag::supersedes) != 0) {
      const std::uint64_t closed = owners.at(id);
      REQUIRE(events.at(closed).outcome == Outcome::dead_lettered);
      events[closed].superseded = true;
      letters.erase(closed);
      ++superseded;
    }
    if (from_letter) {
      redriven += outcome.outcome == Outcome::retrying;
      edited += outcome.outcome == Outcome::dead_lettered;
      dropped += outcome.outcome == Outcome::dropped;
      if (outcome.outcome == Outcome::retrying) REQUIRE_FALSE(now.conflict);
    }
    letters.erase(offset);
    now.outcome = outcome.outcome;
    now.conflict = (outcome.flags & outcome_flag::conflict) != 0;
    conflicts += now.conflict && !from_letter;
    if (outcome.outcome == Outcome::dead_lettered) {
      const LetterView letter = batch.letter(outcome.first_record);
      REQUIRE(letter.original == sent[offset].raw);
      now.reason = letter.reason;
      letters[offset] = encode_letter({id, letter, outcome.digest, outcome.accepted_at, 0, sequence, now.conflict});
    }
    const bool behind = (outcome.flags & outcome_flag::behind_id) != 0;
    if (!now.conflict && !behind && outcome.outcome != Outcome::duplicate) owners[id] = offset;
    if (outcome.outcome == Outcome::served) {
      REQUIRE(++served[id] == 1);
      records += outcome.record_count;
      REQUIRE(outcome.record_count == 1);
    }
  }
  void compare(const CommitMeta& meta) const {
    Ledger ledger;
    for (const Now& now : events) {
      if (now.superseded) continue;
      ledger.served += now.outcome == Outcome::served;
      ledger.filtered += now.outcome == Outcome::filtered;
      ledger.duplicate += now.outcome == Outcome::duplicate;
      ledger.dead_lettered += now.outcome == Outcome::dead_lettered;
      ledger.retrying += now.outcome == Outcome::retrying;
      ledger.dropped += now.outcome == Outcome::dropped;
      ledger.expired += now.outcome == Outcome::expired;
    }
    ledger.superseded = superseded;
    ledger.redriven = redriven;
    ledger.edited = edited;
    ledger.records = records;
    ledger.conflicts = conflicts;
    REQUIRE(meta.ledger == ledger);
    Digest128 sum;
    for (const auto& [id, owner] : owners) {
      const Now& now = events[owner];
      sum += id_state_hash(id, now.outcome, now.outcome == Outcome::dead_lettered ? std::string_view(now.reason) : std::string_view{});
    }
    REQUIRE(meta.state_sum == sum);
  }
};

}  // namespace

TEST_CASE("whatever is ordered and whatever comes meanwhile, letters are changed once and everything adds up", "[window][orders]") {
  const auto seed = GENERATE(range(1u, 41u));
  CAPTURE(seed);
  std::mt19937_64 random(seed);
  WindowRules rules;
  rules.on_conflict = seed % 4 == 0 ? OnConflict::ignore : OnConflict::dead_letter;
  rules.retry.attempts_max = seed % 2 == 0 ? 2 : 1'000;
  rules.retry.backoff_min = 1ms;
  rules.retry.backoff_max = 10ms;
  if (seed % 5 == 0) rules.retry.parked_events_max = 6;
  NoReader reader;
  RawEncoder encoder;
  DedupeIndex index{24h, reader};
  RetrySet retries;
  const WindowLimits limits{.events_max = 200, .bytes_max = 1'000'000, .commit_bytes_max = 20'000, .batch_events_max = 16};
  PartitionWindow window{PartitionId{0}, limits, rules, version_of(encoder), index, nullptr, &retries};
  PartitionPosition log{PartitionId{0}, Epoch{1}, CommitSequence{0}, Offset{0}};
  window.restart(log, CommitMeta{}, CommitOwner{1, {}, {}});

  std::vector<Sent> sent;
  std::vector<std::pair<Offset, IngestBatch>> ingest;
  std::deque<ChainRound> running;
  Books books{sent};
  UnixMicros wall = 1'000'000;
  bool outage = false;
  std::map<LetterFate, std::uint64_t> fates;
  std::uint64_t mended = 0, early = 0;
  std::vector<std::uint64_t> ordered;  // by the order that is outstanding

  const auto feed_from_log = [&] {
    for (const auto& [first, batch] : ingest) {
      if (window.has_room() && first <= window.expected() && window.expected() < first + batch.count()) REQUIRE(window.admit(first, batch, wall));
    }
  };
  const auto order = [&] {
    LetterOrder wanted;
    wanted.kind = static_cast<LetterOrder::Kind>(1 + random() % 3);
    wanted.who = "ann";
    // Letters as they were read: all of them are there, for no order came between.
    std::vector<LetterCopy> letters;
    for (const auto& [offset, bytes] : books.letters) {
      if (random() % 4 == 0) letters.push_back({Offset{offset}, bytes});
      if (letters.size() == 5 || (wanted.kind == LetterOrder::Kind::edit && letters.size() == 1)) break;
    }
    if (letters.empty()) return;
    std::string payload;
    if (wanted.kind == LetterOrder::Kind::edit) payload = fmt::format(R"({{"x":"mended:{}:1"}})", decode_letter(letters[0].bytes)->id);
    const auto said = window.change_letters(wanted, payload, letters, wall);
    REQUIRE(said);
    REQUIRE(said->size() == letters.size());
    ordered.clear();
    for (std::size_t i = 0; i < said->size(); ++i) {
      ++fates[(*said)[i]];
      const bool conflict = decode_letter(letters[i].bytes)->conflict;
      if (wanted.kind == LetterOrder::Kind::drop) REQUIRE((*said)[i] != LetterFate::conflict);
      if (wanted.kind != LetterOrder::Kind::drop) REQUIRE(((*said)[i] == LetterFate::conflict) == conflict);
      if ((*said)[i] == LetterFate::changed) ordered.push_back(letters[i].offset.value);
    }
    if (!window.commit_outstanding()) return;
    REQUIRE(window.outstanding().part.from == window.outstanding().part.to);
  };
  const auto step = [&](bool calm) {
    window.set_time(wall);
    if (random() % 3 == 0) REQUIRE(window.admit_due(wall));
    for (ChainRound& round : window.take_rounds()) running.push_back(std::move(round));
    const std::uint64_t action = random() % 100;
    if (!calm && action < 20 && window.has_room()) {
      const Offset first{sent.size()};
      if (window.expected() != first) return feed_from_log();
      IngestBatchBuilder builder{64};
      for (std::uint64_t i = 1 + random() % 8; i-- > 0;) {
        static const char* const kinds[] = {"good", "bad", "bad2", "skip", "needs", "needs bad", "huge"};
        const std::string id = "id" + std::to_string(sent.size() / 4 + random() % 12);
        const std::string raw = fmt::format(R"({{"x":"{}:{}:1"}})", kinds[random() % std::size(kinds)], id);
        builder.add({raw, id, 0, {}, sent.size() + 1});
        sent.push_back({id, raw});
      }
      ingest.emplace_back(first, IngestBatch::decode(builder.finish({FrameFormat::json, wall, 0, "test", ""})).value());
      early += window.commit_outstanding() && !ordered.empty();
      REQUIRE(window.admit(first, ingest.back().second, wall));
      window.durable(Offset{sent.size()});
    } else if (action < 50 && !running.empty()) {
      ChainRound round = std::move(running.front());
      running.pop_front();
      run_stages(*round.batch);
      for (ChainEvent& event : round.batch->events()) {
        if (outage && has(round.batch->raw(event).raw, "needs")) round.batch->retry(event, "geo", "lookup", "503");
      }
      REQUIRE(window.round_done(round.drive, round.serial, round.round));
    } else if (action < 60 && !window.commit_outstanding()) {
      order();
    } else if (action < 85) {
      if (!window.commit_outstanding()) {
        ordered.clear();
        return (void)window.prepare(wall);
      }
      if (!calm && random() % 8 == 0) {  // refused
        ordered.clear();
        log.epoch = Epoch{log.epoch.value + 1};
        window.restart(log, window.meta(), CommitOwner{1, {}, {}});
        return feed_from_log();
      }
      ordered.clear();
      const PreparedCommit commit = window.committed();
      REQUIRE(commit.part.sequence == next(log.sequence));
      REQUIRE(commit.part.from == log.committed);
      log.sequence = commit.part.sequence;
      log.committed = commit.part.to;
      std::string bytes;
      for (const SharedBytes& piece : commit.part.body) bytes += piece.view();
      const auto body = CommitBody::decode(SharedBytes::copy_of(bytes));
      REQUIRE(body);
      REQUIRE(body->orders == commit.body->orders);
      books.take(*body, log.sequence);
      REQUIRE(books.events.size() == log.committed.value);
      books.compare(body->meta);
      for (const OutcomeBatch& batch : body->batches) {
        for (std::uint32_t r = 0; r < batch.records(); ++r) mended += has(batch.record(r).payload, "mended");
      }
    } else if (!calm && action < 88) {
      REQUIRE(window.redrive());
      if (random() % 2 == 0) running.clear();
    } else {
      wall += static_cast<std::int64_t>(random() % 4'000);
      if (random() % 6 == 0) outage = !calm && random() % 3 == 0;
    }
  };
  for (int i = 0; i < 6000; ++i) step(false);
  outage = false;
  for (int i = 0; i < 200'000 && !(log.committed == Offset{sent.size()} && retries.size() == 0); ++i) {
    feed_from_log();
    step(true);
    if (const auto due = window.next_due(); due && *due > wall && running.empty() && window.idle()) wall = *due;
  }
  REQUIRE(retries.size() == 0);
  REQUIRE(log.committed == Offset{sent.size()});
  CHECK(fates[LetterFate::changed] > 20);
  CHECK(fates[LetterFate::later] + fates[LetterFate::conflict] > 0);
  CHECK(mended > 0);
  CHECK(books.redriven > 5);
  CHECK(books.dropped > 5);
  CHECK(books.superseded > 0);
  CHECK(early > 0);
}
