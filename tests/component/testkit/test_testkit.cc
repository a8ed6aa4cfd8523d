// What authors of stages test with, used as they use it.
#include <weir/testkit.h>

#include <set>

#include "tests/support/catch.h"

namespace {

constexpr const char* kPipeline = R"(
pipeline: test
partitions: 2
record: {id: id}
stages:
  - score: {threshold: 50}
views:
  scores: {group_by: [score], measures: {events: count}}
)";

std::string event(int id, const std::string& more) { return "{\"id\": \"e" + std::to_string(id) + "\"" + more + "}\n"; }
/// `count` good events.
std::string events(int count, int first = 0) {
  std::string text;
  for (int i = 0; i < count; ++i) text += event(first + i, ", \"amount\": 60");
  return text;
}
std::multiset<std::string> ids(std::vector<weir::TestRow> records) {
  std::multiset<std::string> out;
  for (const weir::TestRow& row : records) out.insert(row["@id"]);
  return out;
}

TEST_CASE("records, dead letters, views and the ledger are those of the engine", "[testkit]") {
  weir::TestPipeline pipeline(kPipeline);
  pipeline.feed(event(1, ", \"amount\": 60") + event(2, ", \"amount\": 5") + event(3, "") + event(4, ", \"do\": \"filter\"") + event(1, ", \"amount\": 60"));
  CHECK(ids(pipeline.records()) == std::multiset<std::string>{"e1", "e2"});
  const auto letters = pipeline.dead_letters();
  REQUIRE(letters.size() == 1);
  CHECK(letters[0]["id"] == "e3");
  CHECK(letters[0]["stage"] == "score");
  CHECK(letters[0]["reason"] == "stage:no_amount");
  CHECK(letters[0]["details"] == R"(["amount is \"\""])");
  const auto rows = pipeline.view("scores");
  REQUIRE(rows.size() == 2);
  CHECK(rows[0].json() == R"({"score":0,"events":1})");
  CHECK(rows[1].json() == R"({"score":15.00,"events":1})");
  const auto ledger = pipeline.ledger();
  CHECK(ledger["accepted"] == "5");
  CHECK(ledger["served"] == "2");
  CHECK(ledger["filtered"] == "1");
  CHECK(ledger["duplicate"] == "1");
  CHECK(ledger["dead_lettered"] == "1");
  CHECK(ledger["balanced"] == "true");
  CHECK_THROWS_WITH(ledger["serfed"], Catch::Contains("has no field \"serfed\""));
}

TEST_CASE("time is moved by hand, and an id that is forgotten is new again", "[testkit]") {
  weir::TestPipeline pipeline("pipeline: t\npartitions: 1\nrecord: {id: id}\nstages: [{score: {}}]\ndedupe: {remember: 1h}\n");
  pipeline.feed(events(1)).advance(std::chrono::minutes(30)).feed(events(1));
  CHECK(pipeline.ledger()["duplicate"] == "1");
  pipeline.advance(std::chrono::hours(2)).feed(event(9, ", \"amount\": 1")).advance(std::chrono::minutes(1)).feed(events(1));
  CHECK(pipeline.ledger()["served"] == "3");
}

TEST_CASE("a crash at any event loses and doubles nothing", "[testkit]") {
  for (std::uint64_t nth = 1; nth <= 20; ++nth) {
    weir::TestPipeline pipeline(kPipeline);
    pipeline.crash("score", nth).feed(events(20));
    CHECK(pipeline.crashes() == 1);
    CHECK(ids(pipeline.records()).size() == 20);
    CHECK(pipeline.ledger()["served"] == "20");
  }
}

TEST_CASE("an event that crashes the stage again and again is a dead letter, its neighbours pass", "[testkit]") {
  weir::TestPipeline pipeline(kPipeline);
  pipeline.feed(events(10) + event(100, ", \"do\": \"throw\"") + events(10, 10));
  CHECK(pipeline.ledger()["served"] == "20");
  const auto letters = pipeline.dead_letters();
  REQUIRE(letters.size() == 1);
  CHECK(letters[0]["id"] == "e100");
  CHECK(letters[0]["reason"] == "poison");
  CHECK(letters[0]["details"].find("thrown on e100") != std::string::npos);
}

TEST_CASE("so is one among several that the form for several gets, found by looking at each alone", "[testkit]") {
  weir::TestPipeline pipeline("pipeline: t\npartitions: 1\nrecord: {id: id}\nstages: [{together: {}}]\n");
  pipeline.feed(events(5) + event(100, ", \"do\": \"throw\"") + events(5, 5));
  CHECK(pipeline.ledger()["served"] == "10");
  REQUIRE(pipeline.dead_letters().size() == 1);
  CHECK(pipeline.dead_letters()[0]["reason"] == "poison");
}

TEST_CASE("what a stage cannot decide now is tried again in virtual time, until it can or the attempts are used up", "[testkit]") {
  weir::TestPipeline pipeline(kPipeline);
  pipeline.feed(event(1, ", \"amount\": 60, \"do\": \"retry twice\"") + event(2, ", \"do\": \"retry\"") + events(3, 10));
  CHECK(ids(pipeline.records()) == std::multiset<std::string>{"e1", "e10", "e11", "e12"});
  const auto letters = pipeline.dead_letters();
  REQUIRE(letters.size() == 1);
  CHECK(letters[0]["id"] == "e2");
  CHECK(letters[0]["reason"] == "retries_exhausted");
  CHECK(letters[0]["details"].find("stage:busy") != std::string::npos);
  CHECK(pipeline.ledger()["retrying"] == "0");
  pipeline.feed(events(1, 20));  // time has not gone back
  CHECK(pipeline.ledger()["served"] == "5");
}

TEST_CASE("what is wrong is said as the commands say it", "[testkit]") {
  using Catch::Contains;
  CHECK_THROWS_WITH(weir::TestPipeline("pipeline: t\nstages: [{scor: {}}]\n"), Contains("test.yaml:2:11: unknown stage \"scor\"") && Contains("did you mean \"score\"?"));
  CHECK_THROWS_WITH(weir::TestPipeline("pipeline: t\nstages: [{score: {threshold: 13}}]\n"), "stage \"score\": 13 brings bad luck; take 12 or 14");
  CHECK_THROWS_WITH(weir::TestPipeline::from_file("no_such.yaml"), Contains("no_such.yaml") && Contains("there is no such file"));
  CHECK_THROWS_WITH(weir::TestPipeline("pipeline: t\nstages: [{enrich: {http: {url: \"http://geo.example/{land}\"}, add: {a: b}}}]\n"),
                    Contains("the stage \"enrich\" asks an HTTP server, and a test has none"));
  weir::TestPipeline pipeline(kPipeline);
  CHECK_THROWS_WITH(pipeline.crash("scores", 1), "the pipeline has no stage, and no sink or source of yours, \"scores\"; there are: score");
  weir::TestPipeline other(kPipeline);
  CHECK_THROWS_WITH(other.view("scored"), Contains("scored"));
}

TEST_CASE("a thousand pipelines, each with its engine, are a matter of seconds", "[testkit]") {
  // Counted, not timed: where it took minutes, the limit of the test would fail it.
  std::uint64_t served = 0, crashes = 0, letters = 0;
  for (int i = 0; i < 1'000; ++i) {
    weir::TestPipeline pipeline(kPipeline);
    if (i % 4 == 0) pipeline.crash("score", static_cast<std::uint64_t>(1 + i % 7));
    pipeline.feed(events(9) + event(100, ""));
    served += std::stoull(pipeline.ledger()["served"]);
    letters += pipeline.dead_letters().size();
    crashes += pipeline.crashes();
  }
  CHECK(served == 9'000);
  CHECK(letters == 1'000);
  CHECK(crashes == 250);
}

}  // namespace
