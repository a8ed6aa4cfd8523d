#include <cstring>
#include <string>
#include <vector>

#include "runtime/event/commit_body.h"
#include "tests/support/catch.h"

using namespace weir;

namespace {

OutcomeBatchBuilder::Event event(std::string_view id) {
  OutcomeBatchBuilder::Event made;
  made.id = id;
  made.digest = {id.size(), 7};
  made.accepted_at = 1'000'000;
  return made;
}

void add_record(OutcomeBatchBuilder& out, std::string_view payload) {
  const std::uint16_t attributes = out.attributes("order", "file");
  out.begin_record().append(payload);
  out.end_record(42, attributes);
}

LetterView letter(std::string_view original) {
  LetterView made;
  made.original = original;
  made.stage = "validate";
  made.reason = "invalid";
  made.details = R"(["because"])";
  made.door = "file";
  made.csv_header = "a,b";
  made.attempts = 3;
  made.line = 9;
  return made;
}

/// One outcome of every kind that is written for an event, with records and letters.
OutcomeBatch sample() {
  OutcomeBatchBuilder out{Offset{100}};
  out.add_served(event("first"));
  add_record(out, R"({"id":"first","n":1})");
  out.id_may_stand_at(7, 5);
  out.add(event("second"), Outcome::dead_lettered, outcome_flag::conflict);
  out.letter(letter("raw bytes"));
  out.add(event("third"), Outcome::duplicate);
  out.add(event("fourth"), Outcome::filtered);
  out.add_served(event("fifth"), outcome_flag::supersedes);
  add_record(out, R"({"part":0})");
  add_record(out, R"({"part":1})");
  return out.finish();
}

}  // namespace

TEST_CASE("a packed batch says what was put into it, also to one who decodes its bytes", "[commit_body]") {
  const OutcomeBatch made = sample();
  const auto decoded = OutcomeBatch::decode(SharedBytes::copy_of(made.bytes().view()));
  REQUIRE(decoded);
  for (const OutcomeBatch& batch : {made, *decoded}) {
    REQUIRE(batch.outcomes() == 5);
    REQUIRE(batch.records() == 3);
    REQUIRE(batch.letters() == 1);
    const std::vector<std::string> ids = {"first", "second", "third", "fourth", "fifth"};
    const std::vector<Outcome> outcomes = {Outcome::served, Outcome::dead_lettered, Outcome::duplicate, Outcome::filtered,
                                           Outcome::served};
    for (std::uint32_t i = 0; i < 5; ++i) {
      CAPTURE(i);
      CHECK(batch.id(i) == ids[i]);
      CHECK(batch.outcome(i).outcome == outcomes[i]);
      CHECK(batch.outcome(i).digest == Digest128{ids[i].size(), 7});
      CHECK(batch.offset(i) == Offset{100 + i});
    }
    CHECK(batch.record(0).payload == R"({"id":"first","n":1})");
    CHECK(batch.record(2).payload == R"({"part":1})");
    CHECK(batch.record(2).outcome_index == 4);
    CHECK(batch.record(2).index == 1);
    CHECK(batch.record(1).type == "order");
    CHECK(batch.record(1).source == "file");
    CHECK(batch.letter(0).original == "raw bytes");
    CHECK(batch.letter(0).details == R"(["because"])");
    CHECK(batch.letter(0).csv_header == "a,b");
    CHECK(batch.letter(0).line == 9);
    CHECK(batch.letter(0).outcome_index == 1);
  }
}

TEST_CASE("an id that stands in its record is written once, any other beside it", "[commit_body]") {
  const std::string id = "0190e1f0-aaaa-bbbb-cccc-1234567890ab";
  const std::string payload = R"({"id":")" + id + R"(","n":1})";
  const auto pack = [&](std::size_t offset, std::size_t length) {
    OutcomeBatchBuilder out{Offset{1}};
    out.add_served(event(id));
    add_record(out, payload);
    out.id_may_stand_at(offset, length);
    OutcomeBatch batch = out.finish();
    CHECK(batch.id(0) == id);
    CHECK(batch.record(0).payload == payload);
    std::size_t copies = 0;
    for (std::size_t at = 0; (at = batch.bytes().view().find(id, at)) != std::string_view::npos; ++at) ++copies;
    return copies;
  };
  CHECK(pack(7, id.size()) == 1);
  CHECK(pack(6, id.size()) == 2);      // other bytes of that length
  CHECK(pack(7, id.size() - 1) == 2);  // only the front of it
  CHECK(pack(0, 0) == 2);
}

TEST_CASE("an outcome taken back leaves neither its id nor its records", "[commit_body]") {
  OutcomeBatchBuilder out{Offset{1}};
  out.add_served(event("kept"));
  add_record(out, R"({"id":"kept"})");
  out.id_may_stand_at(7, 4);
  out.add_served(event("taken-back"));
  add_record(out, R"({"id":"taken-back"})");
  out.id_may_stand_at(7, 10);
  out.abandon_last();
  out.add(event("taken-back"), Outcome::dead_lettered);
  out.letter(letter("its original"));
  const OutcomeBatch batch = out.finish();
  REQUIRE(batch.outcomes() == 2);
  REQUIRE(batch.records() == 1);
  CHECK(batch.id(0) == "kept");
  CHECK(batch.id(1) == "taken-back");
  CHECK(batch.outcome(1).outcome == Outcome::dead_lettered);
  CHECK(batch.letter(0).original == "its original");
}

TEST_CASE("a packed batch that is cut or points outside itself is damaged, and never read beyond its end", "[commit_body]") {
  const std::string whole(sample().bytes().view());
  for (std::size_t size = 0; size < whole.size(); ++size) {
    CAPTURE(size);
    const auto cut = OutcomeBatch::decode(SharedBytes::copy_of(whole.substr(0, size)));
    REQUIRE_FALSE(cut);
    REQUIRE(cut.error().code == Errc::log_damaged);
  }
  // Every byte set to its greatest value: refused, or still inside itself.
  for (std::size_t at = 0; at < whole.size(); ++at) {
    CAPTURE(at);
    std::string changed = whole;
    changed[at] = '\xff';
    const auto batch = OutcomeBatch::decode(SharedBytes::copy_of(changed));
    if (!batch) continue;
    const std::string_view bytes = batch->bytes().view();
    const auto inside = [&](std::string_view part) {
      return part.data() >= bytes.data() && part.data() + part.size() <= bytes.data() + bytes.size();
    };
    for (std::uint32_t i = 0; i < batch->outcomes(); ++i) REQUIRE(inside(batch->id(i)));
    for (std::uint32_t i = 0; i < batch->records(); ++i) REQUIRE(inside(batch->record(i).payload));
    for (std::uint32_t i = 0; i < batch->letters(); ++i) REQUIRE(inside(batch->letter(i).original));
  }
}

TEST_CASE("a parked event is packed with what it is and what it waits for, and its batch has another version", "[commit_body]") {
  OutcomeBatchBuilder out{Offset{7}};
  out.add(event("first"), Outcome::duplicate);
  out.add(event("second"), Outcome::retrying);
  out.park(letter("raw bytes"), {1'000, 2'000, "customer 9", false});
  out.add(event("third"), Outcome::dead_lettered);
  out.letter(letter("other bytes"));
  out.add(event("fourth"), Outcome::retrying);
  out.park(letter("held bytes"), {0, 3'000, "customer 9", true});
  const OutcomeBatch made = out.finish();
  const auto decoded = OutcomeBatch::decode(SharedBytes::copy_of(made.bytes().view()));
  REQUIRE(decoded);
  REQUIRE(decoded->parks() == 2);
  REQUIRE(decoded->letters() == 3);
  const OutcomeEntry& second = decoded->outcome(1);
  CHECK(decoded->letter(second.first_record).original == "raw bytes");
  CHECK(decoded->park(second.record_count).key == "customer 9");
  CHECK(decoded->park(second.record_count).due_at == 2'000);
  CHECK_FALSE(decoded->park(second.record_count).held);
  CHECK(decoded->letter(decoded->outcome(2).first_record).original == "other bytes");
  const OutcomeEntry& fourth = decoded->outcome(3);
  CHECK(decoded->letter(fourth.first_record).original == "held bytes");
  CHECK(decoded->park(fourth.record_count).held);
  // Who knows no parks is told so, and does not take the batch for damaged; who has none need not know.
  CHECK(made.bytes().view()[4] == 2);
  CHECK(sample().bytes().view()[4] == 1);
  std::string newer(made.bytes().view());
  newer[4] = 3;
  CHECK(OutcomeBatch::decode(SharedBytes::copy_of(newer)).error().code == Errc::format_newer);
  for (std::size_t size = 0; size < made.size(); size += 8)
    CHECK_FALSE(OutcomeBatch::decode(SharedBytes::copy_of(made.bytes().view().substr(0, size))));
}
