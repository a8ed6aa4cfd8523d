// Stages that answer later, in a test: held, answered by hand, late, given up.
#include <weir/testkit.h>

#include <set>

#include "tests/support/catch.h"
#include "tests/unit/plugin/later.h"

namespace {

using namespace std::chrono_literals;

constexpr const char* kPipeline = "pipeline: t\npartitions: 1\nrecord: {id: id}\nstages: [{later: {deadline: 5s}}]\nretry: {backoff_min: 1s, backoff_max: 1s}\n";

std::string event(const std::string& id, const std::string& what) { return R"({"id": ")" + id + R"(", "do": ")" + what + "\"}\n"; }
std::vector<std::string> answers(weir::TestPipeline& pipeline) {
  std::vector<std::string> out;
  for (const weir::TestRow& row : pipeline.records()) out.push_back(row["@id"] + "=" + (row.has("answer") ? row["answer"] : ""));
  return out;
}
using Lines = std::vector<std::string>;

struct Clean {
  Clean() { later::clear(); }
  ~Clean() { later::clear(); }
};

TEST_CASE("an event waits until its test answers it, and the ledger says so", "[testkit]") {
  const Clean clean;
  weir::TestPipeline pipeline(kPipeline);
  pipeline.feed(event("a", "ask") + event("b", "pass"));
  CHECK(pipeline.pending() == 1);
  CHECK(pipeline.ledger()["accepted"] == "2");
  CHECK(pipeline.ledger()["in_flight"] == "2");  // in order: b is decided, and committed behind a
  later::answer(0, "yes");
  pipeline.run();
  CHECK(pipeline.pending() == 0);
  CHECK(answers(pipeline) == Lines{"a=yes", "b="});
  CHECK(pipeline.ledger()["served"] == "2");
}

TEST_CASE("more may be fed while events wait, in order of their ids", "[testkit]") {
  const Clean clean;
  weir::TestPipeline pipeline("pipeline: t\npartitions: 2\nrecord: {id: id}\nstages: [{later: {}}]\n");
  pipeline.feed(event("a", "ask"));
  for (const char* id : {"b", "c", "d", "e", "f", "g"}) pipeline.feed(event(id, "pass"));
  const auto before = answers(pipeline).size();
  CHECK((before > 0 && before < 6));  // the other partition goes on
  CHECK(pipeline.ledger()["balanced"] == "true");
  later::answer(0, "yes");
  pipeline.run();
  CHECK(answers(pipeline).size() == 7);
}

TEST_CASE("at its deadline an event is tried again, and what comes late is nobody's", "[testkit]") {
  const Clean clean;
  weir::TestPipeline pipeline(kPipeline);
  pipeline.feed(event("a", "ask"));
  pipeline.advance(4s);
  CHECK(later::asked() == 1);
  pipeline.advance(3s);  // the deadline, the pause, and it is asked for again
  REQUIRE(later::asked() == 2);
  later::answer(0, "late");
  pipeline.run();
  CHECK(pipeline.pending() == 1);
  CHECK(pipeline.records().empty());
  later::answer(1, "in time");
  pipeline.run();
  CHECK(answers(pipeline) == Lines{"a=in time"});
}

TEST_CASE("a crash of the stage asks again, and the older answer is nobody's", "[testkit]") {
  const Clean clean;
  weir::TestPipeline pipeline(kPipeline);
  pipeline.feed(event("a", "ask"));
  pipeline.crash("later", 1).feed(event("b", "ask"));
  pipeline.advance(4s);
  CHECK(pipeline.crashes() == 1);
  REQUIRE(later::asked() == 3);  // a, and behind the crash a and b
  later::answer(0, "of the dead");
  later::answer(1, "one");
  later::answer(2, "two");
  pipeline.run();
  CHECK(answers(pipeline) == Lines{"a=one", "b=two"});
}

TEST_CASE("an event that crashes resume again and again is a dead letter, its neighbours pass", "[testkit]") {
  const Clean clean;
  weir::TestPipeline pipeline(kPipeline);
  pipeline.feed(event("a", "ask") + event("b", "ask") + event("c", "pass"));
  for (int i = 0; i < 10 && pipeline.pending() != 0; ++i) {
    for (std::size_t which = 0; which < later::asked(); ++which) later::answer(which, later::id(which) == "b" ? "throw" : "fine");
    pipeline.run();
  }
  CHECK(pipeline.ledger()["served"] == "2");
  const auto letters = pipeline.dead_letters();
  REQUIRE(letters.size() == 1);
  CHECK(letters[0]["id"] == "b");
  CHECK(letters[0]["reason"] == "poison");
  CHECK(letters[0]["details"].find("thrown on the answer for b") != std::string::npos);
}

TEST_CASE("a test that ends while events wait loses nothing but them, and their answers find nobody", "[testkit]") {
  const Clean clean;
  {
    weir::TestPipeline pipeline(kPipeline);
    pipeline.feed(event("a", "ask"));
    CHECK(pipeline.pending() == 1);
  }
  later::answer(0, "to nobody");
}

TEST_CASE("answers of a stage's own threads are waited for in real time", "[testkit]") {
  weir::TestPipeline pipeline("pipeline: t\nrecord: {id: id}\nstages: [{later: {by: thread}}]\n");
  std::string events;
  for (int i = 0; i < 1'000; ++i) events += event("e" + std::to_string(i), "q" + std::to_string(i));
  pipeline.feed(events).wait();
  CHECK(pipeline.pending() == 0);
  CHECK(pipeline.ledger()["served"] == "1000");
  for (const weir::TestRow& row : pipeline.records()) CHECK(row["answer"] == row["do"]);
}

}  // namespace
