// Tests that are made of what came by: only what stands for itself goes into one.
#include "cluster/cli/tap_test.h"
#include "tests/support/catch.h"

using namespace weir;
using namespace weir::cli;

namespace {

TappedEvent event(const std::string& id, std::uint64_t offset, const std::string& original = "{}") { return {id, offset, "json", "", original, true}; }

Biography life(const std::string& id, std::uint64_t offset, const std::string& outcome, const std::string& reason = "") {
  Biography made;
  made.id = id;
  Attempt& attempt = made.attempts.emplace_back();
  attempt.offset = Offset{offset};
  attempt.outcome = outcome;
  attempt.stage = "validate";
  attempt.reason = reason;
  if (outcome == "served") attempt.records = {R"({"id":")" + id + R"(","amount":15.30})"};
  return made;
}

}  // namespace

TEST_CASE("an item of a door or a letter is an event, another one is refused", "[tap]") {
  const auto made = tapped_event(R"({"id":"a","partition":0,"offset":7,"format":"csv","header":"x,y","original":"1,\"2\n3\""})");
  REQUIRE(made);
  CHECK(made->id == "a");
  CHECK(made->offset == 7);
  CHECK(made->format == "csv");
  CHECK(made->header == "x,y");
  CHECK(made->original == "1,\"2\n3\"");
  CHECK(made->text);
  CHECK_FALSE(tapped_event(R"({"id":"a","offset":7,"format":"json","original_base64":"/w=="})")->text);
  CHECK(tapped_event(R"({"id":"a","offset":7,"record":{}})").error().code == Errc::invalid_argument);
}

TEST_CASE("a test holds the events, what became of them, and their records as they were spelled", "[tap]") {
  const std::vector<TappedEvent> events = {event("a", 1, R"({"id":"a"})"), event("b", 2, R"({"id":"b"})"), event("c", 3, R"({"id":"c"})")};
  const auto written = write_tests("seen", events, {life("a", 1, "served"), life("b", 2, "dead_lettered", "schema"), life("c", 3, "filtered")});
  CHECK(written.events == 3);
  CHECK(written.left_out == 0);
  CHECK(written.yaml ==
        "tests:\n"
        "  - name: \"seen\"\n"
        "    input: {format: ndjson, text: \"{\\\"id\\\":\\\"a\\\"}\\n{\\\"id\\\":\\\"b\\\"}\\n{\\\"id\\\":\\\"c\\\"}\\n\"}\n"
        "    expect:\n"
        "      ledger: {accepted: 3, served: 1, filtered: 1, dead_lettered: 1}\n"
        "      dead_letters:\n"
        "        - {id: \"b\", stage: \"validate\", reason: \"schema\"}\n"
        "      records:\n"
        "        - {\"id\":\"a\",\"amount\":15.30}\n");
}

TEST_CASE("what depends on more than the event itself is left out of a test", "[tap]") {
  std::vector<TappedEvent> events;
  std::vector<Biography> lives;
  const auto add = [&](TappedEvent tapped, Biography its) {
    events.push_back(std::move(tapped));
    lives.push_back(std::move(its));
  };
  add(event("repeat", 1), life("repeat", 1, "duplicate"));
  add(event("open", 2), life("open", 2, "in_flight"));
  for (const char* reason : {"conflict", "late", "poison", "retries_exhausted"}) add(event(reason, 3), life(reason, 3, "dead_lettered", reason));
  add(event("elsewhere", 4), life("elsewhere", 5, "served"));
  add(event("twice", 6), life("twice", 6, "served"));
  add(event("twice", 7), life("twice", 7, "served"));
  add(event("lines", 8, "{\n}"), life("lines", 8, "served"));
  add({"bytes", 9, "json", "", "", false}, life("bytes", 9, "dead_lettered", "encoding"));
  Biography redriven = life("redriven", 10, "served");
  redriven.attempts[0].changes.emplace_back();
  add(event("redriven", 10), std::move(redriven));
  const auto none = write_tests("seen", events, lives);
  CHECK(none.events == 0);
  CHECK(none.left_out == events.size());
  CHECK(none.yaml.empty());
}

TEST_CASE("events of different formats and headers are tests of their own", "[tap]") {
  std::vector<TappedEvent> events = {event("a", 1, R"({"id":"a"})"), {"b", 2, "csv", "id", "b", true}, {"c", 3, "csv", "id,x", "c,1", true}};
  const auto written = write_tests("seen", events, {life("a", 1, "filtered"), life("b", 2, "filtered"), life("c", 3, "filtered")});
  CHECK(written.events == 3);
  CHECK(written.yaml.find("  - name: \"seen, 1\"\n    input: {format: csv, text: \"id\\nb\\n\"}\n") != std::string::npos);
  CHECK(written.yaml.find("  - name: \"seen, 2\"\n    input: {format: csv, text: \"id,x\\nc,1\\n\"}\n") != std::string::npos);
  CHECK(written.yaml.find("  - name: \"seen, 3\"\n    input: {format: ndjson") != std::string::npos);
}
