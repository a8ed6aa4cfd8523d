// What `weir plan` says of views whose rows stay: decided from facts alone.
#include "cluster/node/change_plan.h"
#include "tests/support/catch.h"

namespace weir {
namespace {

using std::chrono::hours;
constexpr std::int64_t kCut = 1'700'000'000'000'000;  // since when the log has everything

ViewConfig days(std::optional<int> retain_days) {
  ViewConfig view;
  view.name = "days";
  view.windows = {{WindowConfig::Unit::day, {}, "day"}};
  view.measures = {{"n", MeasureKind::count, {}}};
  if (retain_days) view.retain = hours(24 * *retain_days);
  return view;
}

/// Data of two partitions whose pipeline had `before`; commits up to 10 are no longer in the log.
struct Data {
  DataFacts facts;
  PipelineConfig wanted;

  Data(std::vector<ViewConfig> before, const ViewConfig& now) {
    wanted.name = "p";
    wanted.views = {now};
    facts.identity.pipeline = wanted.name;
    facts.identity.partitions = wanted.partitions;
    facts.identity.wall_text = wall_text(wanted);
    facts.remember = wanted.dedupe.remember;
    facts.views = std::move(before);
    facts.log_since = kCut;
    ViewState state;
    state.name = now.name;
    state.hash = ViewSet::compile({now}).value().views()[0].hash;
    state.through = CommitSequence{20};
    facts.view_states = {{state}, {state}};
    facts.trimmed = {CommitSequence{10}, CommitSequence{10}};
  }
  [[nodiscard]] PlannedChange plan() const {
    const ViewSet views = ViewSet::compile(wanted.views).value();
    return plan_changes(facts, wanted, {}, views).at(1);  // behind the stages
  }
};

}  // namespace

TEST_CASE("a view that comes back says since when it is complete where the log lacks what came since", "[plan]") {
  Data data({}, days(7));
  CHECK(data.plan().kind == ChangeKind::in_place);
  CHECK(data.plan().complete_since == kNoTime);
  CHECK(data.plan().detail == "was taken away and comes back: its kept rows go on where they stopped");
  data.facts.view_states[1][0].through = CommitSequence{10};  // nothing is missing yet
  CHECK(data.plan().complete_since == kNoTime);
  data.facts.view_states[1][0].through = CommitSequence{9};
  CHECK(data.plan().kind == ChangeKind::in_place);
  CHECK(data.plan().complete_since == kCut);
  CHECK(data.plan().detail.find("no longer in the log is missing") != std::string::npos);
  // What it lacked before stays said.
  data.facts.view_states[0][0].complete_since = kCut + 1;
  CHECK(data.plan().complete_since == kCut + 1);
}

TEST_CASE("a longer retain is told what it does not bring back", "[plan]") {
  const std::string nothing = "retain changes: nothing is rebuilt for that";
  Data data({days(7)}, days(400));
  CHECK(data.plan().detail == nothing);
  data.facts.view_states[0][0].dropped_before = kCut;
  CHECK(data.plan().kind == ChangeKind::in_place);
  CHECK(data.plan().detail == nothing + ", windows that were hidden do not come back");
  data.wanted.views = {days(std::nullopt)};
  CHECK(data.plan().detail == nothing + ", windows that were hidden do not come back");
  data.wanted.views = {days(6)};
  CHECK(data.plan().detail == nothing);
  data.wanted.views = {days(7)};
  CHECK(data.plan().kind == ChangeKind::unchanged);
}

}  // namespace weir
