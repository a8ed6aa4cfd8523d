#include "actors/supervise/actor_board.h"
#include "tests/support/catch.h"

using namespace weir;

TEST_CASE("the board lists every supervisor before its children, and children in the order in which they came", "[supervise]") {
  ActorBoard board;
  for (const char* path : {"pipeline/door/http", "pipeline", "pipeline/partition/10", "pipeline/partition/9", "pipeline/partition/9/parse",
                           "pipeline/partition/9/validate", "pipeline/partition/10/views", "pipeline/partition/10/parse", "pipeline/partition/9/enrich"})
    (void)board.entry(path);
  std::vector<std::string> listed;
  for (const ActorReport& report : board.report()) listed.push_back(report.path);
  CHECK(listed == std::vector<std::string>{"pipeline", "pipeline/door/http", "pipeline/partition/10", "pipeline/partition/10/views",
                                           "pipeline/partition/10/parse", "pipeline/partition/9", "pipeline/partition/9/parse",
                                           "pipeline/partition/9/validate", "pipeline/partition/9/enrich"});
}

TEST_CASE("an entry outlives its actors: restarts and the last error stay", "[supervise]") {
  ActorBoard board;
  const auto entry = board.entry("pipeline/partition/0", "events");
  entry->state(ActorState::running);
  entry->load(7, 93);
  entry->died("out of luck", 1'000'000);
  entry->state(ActorState::backing_off);
  CHECK(board.entry("pipeline/partition/0", "bytes") == entry);
  entry->restarted();
  const std::vector<ActorReport> all = board.report();
  REQUIRE(all.size() == 1);
  CHECK(all[0].state == ActorState::backing_off);
  CHECK(all[0].restarts == 1);
  CHECK(all[0].last_error == "out of luck");
  CHECK(all[0].died_at == 1'000'000);
  CHECK(all[0].queue == 7);
  CHECK(all[0].credits == 93);
  CHECK(all[0].unit == "events");
  CHECK(all[0].note.empty());
  entry->note("leaves a server alone");
  CHECK(board.report()[0].note == "leaves a server alone");
  entry->note({});
  CHECK(board.report()[0].note.empty());
}

TEST_CASE("a place that is removed is gone, whoever still writes into its entry", "[supervise]") {
  ActorBoard board;
  const auto entry = board.entry("pipeline/partition/0/old");
  board.remove("pipeline/partition/0/old");
  entry->restarted();
  CHECK(board.report().empty());
  CHECK(board.entry("pipeline/partition/0/old") != entry);
}
