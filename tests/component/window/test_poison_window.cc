// An event that no stage sees any more, met again before its commit.
#include "runtime/base/hash.h"
#include "tests/component/window/window_fixture.h"

using namespace weir;
using namespace weir::window_test;
using namespace std::chrono_literals;

namespace {

IngestBatch batch_of(const std::vector<std::pair<std::string, std::string>>& events) {
  IngestBatchBuilder builder{64};
  for (const auto& [id, raw] : events) builder.add({raw, id, 0, {}, 1});
  return IngestBatch::decode(builder.finish({FrameFormat::json, 1, 0, "test", ""})).value();
}

}  // namespace

TEST_CASE("an event left out as poison stays so when the commit of its first copy clears the suspicion", "[window][poison]") {
  NoReader reader;
  RawEncoder encoder;
  DedupeIndex index{24h, reader};
  PoisonBook book(1);
  PartitionWindow window{PartitionId{0}, {}, {}, version_of(encoder), index, &book};
  window.restart({PartitionId{0}, Epoch{1}, CommitSequence{0}, Offset{0}}, CommitMeta{}, CommitOwner{1, {}, {}});

  REQUIRE(window.admit(Offset{0}, batch_of({{"a", "venom:a:1"}}), 1'000'000));
  auto rounds = window.take_rounds();
  REQUIRE(rounds.size() == 1);
  CHECK(window.crashed({rounds[0].drive, rounds[0].serial, rounds[0].round, std::nullopt, "validate", "venom"}).poison == "a");
  REQUIRE(window.redrive());
  window.durable(Offset{1});
  REQUIRE(window.prepare(1'000'000));
  const auto run = [&] {
    std::vector<ChainRound> taken = window.take_rounds();
    REQUIRE(taken.size() == 1);
    return std::move(taken[0]);
  };
  // With other bytes it is rejected, so the first bytes may come again; beside another event, and before the commit of the first copy.
  REQUIRE(window.admit(Offset{1}, batch_of({{"a", "bad:a:2"}}), 1'000'000));
  const ChainRound other = run();
  run_stages(*other.batch);
  REQUIRE(window.round_done(other.drive, other.serial, other.round));
  REQUIRE(window.admit(Offset{2}, batch_of({{"b", "good:b:3"}, {"a", "venom:a:1"}}), 1'000'000));
  const ChainRound without_it = run();
  CHECK(without_it.batch->events().size() == 1);
  (void)window.committed();
  CHECK(book.empty());
  run_stages(*without_it.batch);
  REQUIRE(window.round_done(without_it.drive, without_it.serial, without_it.round));
  window.durable(Offset{4});
  const auto last = window.prepare(1'000'000);
  REQUIRE(last);
  REQUIRE(last->part.to == Offset{4});
  const OutcomeBatch& decided = last->body->batches.back();
  REQUIRE(decided.outcomes() == 2);
  CHECK(decided.outcome(0).outcome == Outcome::served);
  CHECK(decided.outcome(1).outcome == Outcome::dead_lettered);
  CHECK(decided.letter(decided.outcome(1).first_record).reason == "poison");
}

TEST_CASE("a redriven poison letter is tried again, edited or not, although earlier lives of the process know it", "[window][poison]") {
  const bool edited = GENERATE(false, true);
  CAPTURE(edited);
  NoReader reader;
  RawEncoder encoder;
  DedupeIndex index{24h, reader};
  PoisonBook book(3);
  RetrySet retries;
  PartitionWindow window{PartitionId{0}, {}, {}, version_of(encoder), index, &book, &retries};
  window.restart({PartitionId{0}, Epoch{1}, CommitSequence{0}, Offset{0}}, CommitMeta{}, CommitOwner{1, {}, {}});
  const std::string raw = "venom:a:1";
  const std::vector<Suspect> known = {{Offset{0}, 1, xxh3_128(raw).low, "validate", 3, "SIGSEGV", 0}};

  book.remember(known);
  REQUIRE(window.admit(Offset{0}, batch_of({{"a", raw}}), 1'000'000));
  CHECK(window.take_rounds().empty());
  window.durable(Offset{1});
  const auto decided = window.prepare(1'000'000);
  REQUIRE(decided);
  const OutcomeBatch& outcomes = decided->body->batches.front();
  StoredLetter letter{"a", outcomes.letter(outcomes.outcome(0).first_record), xxh3_128(raw), 1, 0, decided->part.sequence, false};
  REQUIRE(letter.letter.reason == "poison");
  const std::string mended = "good:a:1";
  if (edited) letter.letter.edited = mended;
  const std::vector<LetterCopy> letters = {{Offset{0}, encode_letter(letter)}};
  (void)window.committed();

  // The next life knows of it all the same.
  book.remember(known);
  LetterOrder order;
  order.kind = LetterOrder::Kind::redrive;
  order.who = "ann";
  order.offsets = {Offset{0}};
  REQUIRE(window.change_letters(order, "", letters, 1'000'000).value() == std::vector{LetterFate::changed});
  (void)window.committed();
  // What crashed the process was not what is given to the stages now.
  if (edited) book.remember(known);
  REQUIRE(window.admit_due(1'000'000));
  const auto rounds = window.take_rounds();
  REQUIRE(rounds.size() == 1);
  REQUIRE(rounds[0].batch->events().size() == 1);
  CHECK(rounds[0].batch->raw(rounds[0].batch->events().front()).raw == (edited ? mended : raw));
}
