#include "runtime/engine/digest.h"
#include "runtime/engine/state_difference.h"
#include "tests/unit/state/scene.h"

namespace weir::test {
namespace {

ViewSet by_id() {
  ViewConfig view;
  view.name = "by_id";
  view.latest = path("id");
  return ViewSet::compile({view}).value();
}

Decided sale(const std::string& id, int amount) {
  Decided event = decided(id);
  event.records = {fmt::format(R"({{"id":"{}","amount":{}}})", id, amount)};
  return event;
}

/// What is said of the states that two logs lead to.
std::optional<std::string> difference(const TestLog& left_log, const TestLog& right_log) {
  const ViewSet views = by_id();
  Partition left(0, views, left_log), right(0, views, right_log);
  left.apply();
  right.apply();
  right.flush();  // where things lie makes no difference
  const auto found = first_difference(left.picture(), right.picture(), views, "the left one", "the right one").value();
  CHECK(found.has_value() == (left.state().state_digest().value() != right.state().state_digest().value()));
  return found;
}

TestLog log_of(const std::vector<std::vector<Decided>>& commits) {
  TestLog log;
  for (const auto& events : commits) log.commit(events);
  return log;
}

}  // namespace

TEST_CASE("states of the same commits have no difference, however they lie", "[state_difference]") {
  CHECK_FALSE(difference(log_of({{sale("a", 1), sale("b", 2)}, {decided("c", Outcome::dead_lettered)}}),
                         log_of({{sale("a", 1), sale("b", 2)}, {decided("c", Outcome::dead_lettered)}})));
}

TEST_CASE("the position is compared before anything that follows from it", "[state_difference]") {
  const auto found = difference(log_of({{sale("a", 1)}}), log_of({{sale("a", 2)}, {sale("b", 2)}}));
  REQUIRE(found);
  CHECK(*found == "newest commit: the left one has 1, the right one has 2");
}

TEST_CASE("a row that differs is named with its view and its key, and both values are shown", "[state_difference]") {
  const auto found = difference(log_of({{sale("a", 1), sale("b", 2)}}), log_of({{sale("a", 1), sale("b", 3)}}));
  REQUIRE(found);
  CHECK(found->starts_with("view by_id, key "));
  CHECK(found->find("the left one has ") != std::string::npos);
  CHECK(found->find("the right one has ") != std::string::npos);
}

TEST_CASE("a row that one of them lacks is named by who has it", "[state_difference]") {
  Decided silent = sale("b", 2);
  silent.records.clear();  // the same ledger, without a row
  for (const bool left_lacks : {true, false}) {
    const TestLog whole = log_of({{sale("a", 1), sale("b", 2), sale("c", 3)}}), lacking = log_of({{sale("a", 1), silent, sale("c", 3)}});
    const auto found = left_lacks ? difference(lacking, whole) : difference(whole, lacking);
    REQUIRE(found);
    CHECK(found->starts_with(left_lacks ? "view by_id: only the right one has the key" : "view by_id: only the left one has the key"));
  }
}

TEST_CASE("a dead letter that differs is found behind rows that are the same", "[state_difference]") {
  Decided left = decided("x", Outcome::dead_lettered), right = left;
  right.reason = "schema";
  const auto found = difference(log_of({{sale("a", 1), left}}), log_of({{sale("a", 1), right}}));
  REQUIRE(found);
  CHECK(found->starts_with("dead letters, key hex "));
}

}  // namespace weir::test
