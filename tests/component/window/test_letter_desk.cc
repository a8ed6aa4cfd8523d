// Requests for dead letters, one after another, and what their senders are told.
#include <map>
#include <optional>

#include "actors/partition/letter_desk.h"
#include "tests/component/window/window_fixture.h"

using namespace weir;
using namespace weir::window_test;
using namespace std::chrono_literals;

namespace {

using Fates = std::vector<LetterFate>;

/// A window with dead letters, and what a state would keep of them.
struct Office {
  explicit Office(std::uint64_t letters, std::uint16_t frame_flags = 0) {
    window.emplace(PartitionId{0}, WindowLimits{}, WindowRules{}, version_of(encoder), index, nullptr, &retries);
    window->restart({PartitionId{0}, Epoch{1}, CommitSequence{0}, Offset{0}}, CommitMeta{}, CommitOwner{1, {}, {}});
    IngestBatchBuilder builder{64};
    for (std::uint64_t i = 0; i < letters; ++i) builder.add({"bad:" + std::to_string(i) + ":1", "id" + std::to_string(i), frame_flags, {}, i + 1});
    REQUIRE(window->admit(Offset{0}, IngestBatch::decode(builder.finish({FrameFormat::json, 1, 0, "test", ""})).value(), 1));
    window->durable(Offset{letters});
    settle();
    REQUIRE(stored.size() == letters);
  }
  /// Everything that the window can do without orders.
  void settle() {
    for (;;) {
      REQUIRE(window->admit_due(1));
      for (ChainRound& round : window->take_rounds()) {
        run_stages(*round.batch);
        REQUIRE(window->round_done(round.drive, round.serial, round.round));
      }
      if (!window->prepare(1)) return;
      commit();
    }
  }
  /// `told`: the desk hears of it.
  void commit(bool told = true) {
    const PreparedCommit done = window->committed();
    position = {PartitionId{0}, Epoch{1}, done.part.sequence, done.part.to};
    for (const OutcomeBatch& batch : done.body->batches) {
      for (std::uint32_t i = 0; i < batch.outcomes(); ++i) {
        const OutcomeEntry& outcome = batch.outcome(i);
        stored.erase(batch.offset(i).value);
        if (outcome.outcome != Outcome::dead_lettered) continue;
        stored[batch.offset(i).value] = encode_letter({batch.id(i), batch.letter(outcome.first_record), outcome.digest, 1, 0, done.part.sequence, false});
      }
    }
    if (!told) return;
    desk.committed(done.part.sequence);
    if (answered_before_applied) CHECK(answers.size() == *answered_before_applied);
    desk.applied(done.part.sequence);
  }
  void read() {
    const auto wanted = desk.to_read();
    if (!wanted) return;
    std::vector<LetterCopy> letters;
    for (const Offset offset : wanted->offsets) {
      if (const auto found = stored.find(offset.value); found != stored.end()) letters.push_back({offset, found->second});
    }
    desk.read(wanted->generation, std::move(letters));
  }
  /// The answer ends up in answers, in the order of the answers.
  void ask(LetterOrder::Kind kind, std::vector<Offset> offsets, const std::string& payload = {}) {
    LetterOrder order;
    order.kind = kind;
    order.offsets = std::move(offsets);
    desk.take(std::make_shared<LetterRequest>(std::move(order), payload, [this](Result<Fates> fates) { answers.push_back(std::move(fates)); }));
  }

  NoReader reader;
  RawEncoder encoder;
  DedupeIndex index{24h, reader};
  RetrySet retries;
  std::optional<PartitionWindow> window;
  std::vector<Result<Fates>> answers;  // in front of the desk: its requests may answer when it goes
  std::optional<std::size_t> answered_before_applied;  // answers there may be when a commit is durable and the views have not applied it
  LetterDesk desk;
  std::map<std::uint64_t, std::string> stored;
  PartitionPosition position;
};

}  // namespace

TEST_CASE("two who press the button at once change each letter once, and each is told", "[orders]") {
  Office office(3);
  office.ask(LetterOrder::Kind::drop, {Offset{0}, Offset{1}});
  office.ask(LetterOrder::Kind::drop, {Offset{0}, Offset{1}, Offset{2}});
  office.answered_before_applied = 0;
  office.read();
  REQUIRE(office.desk.prepare(*office.window, 1).value());
  CHECK(office.answers.empty());  // nothing is true before it is durable
  CHECK_FALSE(office.desk.to_read());
  office.commit();
  REQUIRE(office.answers.size() == 1);
  office.answered_before_applied = 1;
  CHECK(*office.answers[0] == Fates{LetterFate::changed, LetterFate::changed});
  office.read();
  REQUIRE(office.desk.prepare(*office.window, 1).value());
  office.commit();
  REQUIRE(office.answers.size() == 2);
  CHECK(*office.answers[1] == Fates{LetterFate::gone, LetterFate::gone, LetterFate::changed});
  CHECK(office.window->meta().ledger.dropped == 3);
  CHECK(office.desk.idle());
}

TEST_CASE("an order that changes nothing is answered without a commit", "[orders]") {
  Office office(1);
  office.ask(LetterOrder::Kind::redrive, {Offset{5}});
  office.read();
  CHECK_FALSE(office.desk.prepare(*office.window, 1).value());
  REQUIRE(office.answers.size() == 1);
  CHECK(*office.answers[0] == Fates{LetterFate::gone});
}

TEST_CASE("an order whose reply was lost is settled by reading again, and not done twice", "[orders]") {
  Office office(2);
  office.ask(LetterOrder::Kind::redrive, {Offset{0}, Offset{1}});
  office.read();
  REQUIRE(office.desk.prepare(*office.window, 1).value());
  const bool was_written = GENERATE(true, false);
  if (was_written) office.commit(false);
  office.window->restart(office.position, office.window->meta(), CommitOwner{1, {}, {}});
  office.desk.begin_again();
  office.read();
  CHECK(office.desk.prepare(*office.window, 1).value() != was_written);
  if (!was_written) office.commit();
  REQUIRE(office.answers.size() == 1);
  CHECK(*office.answers[0] == Fates{LetterFate::changed, LetterFate::changed});
  CHECK(office.window->meta().ledger.redriven == 2);
  CHECK(office.window->meta().ledger.retrying == 2);
}

TEST_CASE("an edit is what is redriven, its original bytes stay, and to write the same again is no change", "[orders]") {
  Office office(1);
  office.ask(LetterOrder::Kind::edit, {Offset{0}}, "good:0:1");
  office.read();
  REQUIRE(office.desk.prepare(*office.window, 1).value());
  office.commit();
  office.ask(LetterOrder::Kind::edit, {Offset{0}}, "good:0:1");
  office.read();
  CHECK_FALSE(office.desk.prepare(*office.window, 1).value());
  REQUIRE(office.answers.size() == 2);
  CHECK(*office.answers[1] == Fates{LetterFate::changed});
  CHECK(office.window->meta().ledger.edited == 1);
  CHECK(decode_letter(office.stored.at(0))->letter.original == "bad:0:1");
  office.ask(LetterOrder::Kind::redrive, {Offset{0}});
  office.read();
  REQUIRE(office.desk.prepare(*office.window, 1).value());
  office.commit();
  CHECK(office.window->meta().ledger.retrying == 1);
  office.settle();
  CHECK(office.window->meta().ledger.served == 1);
  CHECK(office.window->meta().ledger.dead_lettered == 0);
}

TEST_CASE("an edited letter that dies again still says what its door found wrong with the bytes that came", "[orders]") {
  Office office(1, frame_flag::bad_frame);
  office.ask(LetterOrder::Kind::edit, {Offset{0}}, "bad:still:1");
  office.read();
  REQUIRE(office.desk.prepare(*office.window, 1).value());
  office.commit();
  office.ask(LetterOrder::Kind::redrive, {Offset{0}});
  office.read();
  REQUIRE(office.desk.prepare(*office.window, 1).value());
  office.commit();
  office.settle();
  const StoredLetter again = decode_letter(office.stored.at(0)).value();
  CHECK(again.letter.frame_flags == frame_flag::bad_frame);
  CHECK(again.letter.edited == "bad:still:1");
  CHECK(again.letter.original == "bad:0:1");
}

TEST_CASE("too much at once is refused, and whoever still waits when the partition goes is told to ask again", "[orders]") {
  std::vector<Result<Fates>> answers;
  {
    Office office(1);
    std::vector<Offset> many;
    for (std::uint64_t i = 0; i <= LetterDesk::kLettersMax; ++i) many.push_back(Offset{i});
    office.ask(LetterOrder::Kind::drop, many);
    REQUIRE(office.answers.size() == 1);
    CHECK(office.answers[0].error().code == Errc::limit_reached);
    for (std::size_t i = 0; i < LetterDesk::kRequestsMax; ++i) office.ask(LetterOrder::Kind::drop, {Offset{0}});
    CHECK(office.answers.size() == 1);
    office.ask(LetterOrder::Kind::drop, {Offset{0}});
    REQUIRE(office.answers.size() == 2);
    CHECK(office.answers[1].error().code == Errc::limit_reached);
    office.desk = LetterDesk();
    answers = std::move(office.answers);
  }
  REQUIRE(answers.size() == 2 + LetterDesk::kRequestsMax);
  for (std::size_t i = 2; i < answers.size(); ++i) CHECK(answers[i].error().code == Errc::not_ready);
}
