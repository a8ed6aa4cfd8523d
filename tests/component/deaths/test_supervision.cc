// Who is restarted when somebody dies, what a quarantined partition costs the others, and what a release gives back.
#include <fmt/format.h>

#include <algorithm>
#include <utility>

#include "tests/component/deaths/small_node.h"
#include "tests/support/catch.h"

using namespace weir;
using namespace weir::deaths;

namespace {

constexpr std::uint32_t kLines = 96;
constexpr PartitionId kSick{1};
constexpr PartitionId kHealthy{0};

const CompiledPipeline& pipeline() {
  static const auto compiled = compiled_pipeline();
  return *compiled;
}

ActorReport report_of(const ActorBoard& board, std::string_view path) {
  for (ActorReport& report : board.report())
    if (report.path == path) return std::move(report);
  throw std::runtime_error("the board has no " + std::string(path));
}

std::string last_words(const NodeEnd& end) {
  std::string text;
  for (const std::string& line : end.log) text += line + "\n";
  return text;
}

}  // namespace

TEST_CASE("a quarantined partition is opened again when it is released, and nothing of it is lost or doubled", "[supervision]") {
  SmallMachine calm{pipeline(), {small_input(kLines)}};
  REQUIRE(calm.run({}).result.value().has_value());
  for (std::uint64_t seed = 1; seed <= 8; ++seed) {
    SmallMachine machine{pipeline(), {small_input(kLines)}};
    bool sick = true;
    std::vector<ActorState> seen;
    std::vector<std::pair<PartitionId, bool>> released;
    const auto board = std::make_shared<ActorBoard>();
    NodeOptions options;
    options.seed = seed;
    options.board = board;
    options.store_refused = [&](PartitionId p) { return sick && p == kSick; };
    options.idle = [&](const caf::actor& root, sim::SimClock&) {
      seen.push_back(report_of(*board, "pipeline/partition/1").state);
      sick = seen.size() < 2;  // the first release comes too early
      if (seen.size() == 3) return false;
      for (const PartitionId p : {kHealthy, PartitionId{77}, kSick}) {
        caf::anon_send(root, ReleasePartition{p, [&released, p](bool done) { released.emplace_back(p, done); }});
      }
      return true;
    };
    const NodeEnd end = machine.run(options);
    INFO("seed " << seed << "\n" << last_words(end));
    CHECK(seen == std::vector{ActorState::quarantined, ActorState::quarantined, ActorState::running});
    const std::vector<std::pair<PartitionId, bool>> once = {{kHealthy, false}, {PartitionId{77}, false}, {kSick, true}};
    CHECK(std::vector(released.begin(), released.begin() + 3) == once);
    CHECK(std::vector(released.begin() + 3, released.end()) == once);
    REQUIRE(end.result);
    CHECK(end.result->has_value());
    CHECK(end.left_over == 0);
    CHECK(machine.answers() == calm.answers());
    const ActorReport sick_report = report_of(*board, "pipeline/partition/1");
    CHECK(sick_report.state == ActorState::stopped);
    CHECK(sick_report.restarts == 10 + 1 + 10 + 1);  // two times all it may, and the two releases
    CHECK(sick_report.last_error.find("the device refused") != std::string::npos);
    CHECK(report_of(*board, "pipeline/partition/0").restarts == 0);
  }
}

TEST_CASE("a node with a quarantined partition decides what the others have accepted before it stops", "[supervision]") {
  // Stopped at every step: whatever the healthy partition has accepted by then is decided, and the end names the sick one.
  SmallMachine whole{pipeline(), {small_input(kLines)}};
  NodeOptions options;
  options.store_refused = [](PartitionId p) { return p == kSick; };
  options.supervision.partition.restarts_max = 0;
  options.idle = [](const caf::actor&, sim::SimClock&) { return false; };
  const NodeEnd undisturbed = whole.run(options);
  REQUIRE(undisturbed.result);
  std::uint64_t good = 0, halves = 0;
  for (std::uint64_t step = 1; step < undisturbed.steps; ++step) {
    SmallMachine machine{pipeline(), {small_input(kLines)}};
    options.idle = [](const caf::actor&, sim::SimClock&) { return true; };
    options.stop_at = step;
    options.stop_patience = std::chrono::hours(1'000);
    const NodeEnd end = machine.run(options);
    INFO("stopped at step " << step << "\n" << last_words(end));
    REQUIRE(end.result);
    REQUIRE_FALSE(end.result->has_value());
    // The scheduler may let half of its patience pass at once, or all of it.
    const std::string words = last_words(end);
    if (end.result->error().code == Errc::cancelled || words.find("could be decided in time") != std::string::npos) continue;
    CHECK(end.result->error().code == Errc::io_failed);
    CHECK(machine.decided(kHealthy) == machine.accepted(kHealthy));
    ++good;
    halves += machine.accepted(kHealthy) != 0 && machine.accepted(kHealthy) < whole.accepted(kHealthy) ? 1 : 0;
  }
  CHECK(good > undisturbed.steps / 2);
  CHECK(halves > 10);
}

TEST_CASE("with a stage those behind it are replaced, those in front of it stay", "[supervision]") {
  SmallMachine calm{pipeline(), {small_input(kLines)}};
  REQUIRE(calm.run({}).result.value().has_value());
  const std::vector<std::string> chain = {"parse", "validate", "enrich", "transform"};
  for (std::size_t dead = 0; dead < chain.size(); ++dead) {
    // How often each was made: once per partition, and once more for each of them when it or one in front of it died.
    auto made = std::make_shared<std::map<std::string, int>>();
    const auto board = std::make_shared<ActorBoard>();
    SmallMachine machine{pipeline(), {small_input(kLines)}};
    NodeOptions options;
    options.death = Death{chain[dead], 3};
    options.board = board;
    options.steps = [made](std::vector<ChainStepFactory> steps) {
      for (ChainStepFactory& step : steps) {
        step = [made, inner = std::move(step)](const StagePorts& ports) {
          auto one = inner(ports);
          ++(*made)[one->name()];
          return one;
        };
      }
      return steps;
    };
    const NodeEnd end = machine.run(options);
    INFO(chain[dead] << " killed\n" << last_words(end));
    REQUIRE(end.killed == 1);
    REQUIRE(end.result);
    CHECK(end.result->has_value());
    CHECK(machine.answers() == calm.answers());
    for (std::size_t i = 0; i < chain.size(); ++i) {
      INFO(chain[i]);
      CHECK((*made)[chain[i]] == (i < dead ? 2 : 3));
      std::uint64_t restarts = 0;
      for (const PartitionId p : {kHealthy, kSick}) restarts += report_of(*board, fmt::format("pipeline/partition/{}/{}", p.value, chain[i])).restarts;
      CHECK(restarts == (i == dead ? 1 : 0));
    }
  }
}

TEST_CASE("a door that keeps dying is tried again for as long as the node runs, and reads everything once it lives", "[supervision]") {
  SmallMachine calm{pipeline(), {small_input(kLines)}};
  REQUIRE(calm.run({}).result.value().has_value());
  // Dies at its first turns, more of them than it may: then every window.
  const auto board = std::make_shared<ActorBoard>();
  SmallMachine machine{pipeline(), {small_input(kLines)}};
  NodeOptions options;
  options.board = board;
  options.supervision.door.restarts_max = 2;
  options.death = Death{"door", std::nullopt};
  options.deaths_max = 5;
  int idle = 0;
  options.idle = [&](const caf::actor&, sim::SimClock&) { return ++idle < 1; };
  const NodeEnd end = machine.run(options);
  INFO(last_words(end));
  CHECK(end.killed == 5);
  REQUIRE(end.result);
  CHECK(end.result->has_value());
  CHECK(machine.answers() == calm.answers());
  CHECK(report_of(*board, "pipeline/door/small0").restarts == 5);
  const auto named = std::count_if(end.log.begin(), end.log.end(), [](const std::string& line) { return line.find("it keeps dying and is tried again every 10 s") != std::string::npos; });
  CHECK(named == 3);
}

TEST_CASE("the tree names every actor of the node with its state and what it has to do", "[supervision]") {
  const auto board = std::make_shared<ActorBoard>();
  SmallMachine machine{pipeline(), {small_input(kLines)}};
  NodeOptions options;
  options.board = board;
  std::vector<std::string> running;
  options.idle = [&](const caf::actor&, sim::SimClock&) {
    for (const ActorReport& report : board->report())
      if (report.state == ActorState::running) running.push_back(report.path);
    return false;
  };
  std::uint64_t busiest = 0;
  options.at_step = [&](std::uint64_t) {
    for (const ActorReport& report : board->report()) {
      if (report.path == "pipeline/partition/0") busiest = std::max(busiest, report.queue);
    }
  };
  const NodeEnd end = machine.run(options);
  REQUIRE(end.result.value().has_value());
  CHECK(running == std::vector<std::string>{"pipeline", "pipeline/committer", "pipeline/partition/0", "pipeline/partition/0/parse",
                                            "pipeline/partition/0/validate", "pipeline/partition/0/enrich", "pipeline/partition/0/transform",
                                            "pipeline/partition/0/views", "pipeline/partition/1", "pipeline/partition/1/parse",
                                            "pipeline/partition/1/validate", "pipeline/partition/1/enrich", "pipeline/partition/1/transform",
                                            "pipeline/partition/1/views"});
  CHECK(busiest > 0);
  for (const ActorReport& report : board->report()) {
    INFO(report.path);
    CHECK(report.queue == 0);
    CHECK(report.state == ActorState::stopped);
  }
}

TEST_CASE("a node that is stopped while its partitions are still opening starts no door any more", "[supervision]") {
  SmallMachine calm{pipeline(), {small_input(kLines)}};
  std::uint64_t steps = 0, first_door = 0;
  NodeOptions watched;
  const auto board = std::make_shared<ActorBoard>();
  watched.board = board;
  watched.at_step = [&](std::uint64_t step) {
    steps = step;
    const auto all = board->report();
    if (first_door == 0 && std::any_of(all.begin(), all.end(), [](const ActorReport& report) { return report.path == "pipeline/door/small0"; })) first_door = step;
  };
  REQUIRE(calm.run(watched).result.value().has_value());
  REQUIRE(first_door > 5);
  std::uint64_t ended_well = 0, without_door = 0;
  for (std::uint64_t step = 1; step + 1 < first_door; ++step) {
    SmallMachine machine{pipeline(), {small_input(kLines)}};
    NodeOptions options;
    options.idle = [](const caf::actor&, sim::SimClock&) { return true; };
    options.stop_at = step;
    options.stop_patience = std::chrono::hours(1'000);
    const NodeEnd end = machine.run(options);
    INFO("stopped at step " << step << " of " << first_door << "\n" << last_words(end));
    REQUIRE(end.result);
    ended_well += end.result->has_value() ? 1 : 0;
    // The wish may reach the supervisor only after it has started the door.
    if (end.turns.count("door") == 0) {
      ++without_door;
      CHECK(machine.accepted(kHealthy) + machine.accepted(kSick) == 0);
    }
  }
  CHECK(without_door > first_door / 3);
  CHECK(ended_well + 2 >= first_door - 2);  // the scheduler may let all its patience pass at once
}

TEST_CASE("partitions run on while the state of another one is still being opened, and it catches up when that is done", "[supervision]") {
  SmallMachine calm{pipeline(), {small_input(kLines)}};
  REQUIRE(calm.run({}).result.value().has_value());
  for (std::uint64_t seed = 1; seed <= 8; ++seed) {
    SmallMachine machine{pipeline(), {small_input(kLines)}};
    const auto board = std::make_shared<ActorBoard>();
    std::vector<std::function<void()>> held;
    bool sick = true, hold = false;
    std::uint32_t looks = 0, released = 0;
    NodeOptions options;
    options.seed = seed;
    options.board = board;
    options.store_refused = [&](PartitionId p) { return sick && p == kSick; };
    options.beside = [&](std::function<void()> job) {
      if (hold) held.push_back(std::move(job));
      else job();
      return true;
    };
    options.idle = [&](const caf::actor& root, sim::SimClock&) {
      switch (++looks) {
        case 1:  // it is quarantined, the others have decided everything that is theirs
          CHECK(report_of(*board, "pipeline/partition/1").state == ActorState::quarantined);
          sick = false;
          hold = true;
          caf::anon_send(root, ReleasePartition{kSick, [&released](bool done) { released += done ? 1 : 0; }});
          return true;
        case 2:  // nothing but the opening is left to do, and whoever released it waits for that alone
          CHECK(held.size() == 1);
          CHECK(released == 0);
          CHECK(report_of(*board, "pipeline/partition/1").state == ActorState::starting);
          CHECK(machine.decided(kHealthy) == machine.accepted(kHealthy));
          CHECK(machine.decided(kSick) == 0);
          for (const auto& job : held) job();
          return true;
        default:
          CHECK(released == 1);
          return false;
      }
    };
    const NodeEnd end = machine.run(options);
    INFO("seed " << seed << "\n" << last_words(end));
    held.clear();
    REQUIRE(end.result);
    CHECK(end.result->has_value());
    CHECK(looks == 3);
    CHECK(end.left_over == 0);
    CHECK(machine.answers() == calm.answers());
  }
}

TEST_CASE("a node that is stopped while a state is being opened ends when that is done", "[supervision]") {
  SmallMachine machine{pipeline(), {small_input(kLines)}};
  std::vector<std::function<void()>> held;
  std::uint32_t looks = 0;
  NodeOptions options;
  options.stop_patience = std::chrono::hours(1'000);
  options.beside = [&](std::function<void()> job) {
    held.push_back(std::move(job));
    return true;
  };
  options.idle = [&](const caf::actor& root, sim::SimClock&) {
    if (++looks != 1) return false;
    caf::anon_send(root, StopNode{});
    for (const auto& job : std::exchange(held, {})) job();  // they come behind the stop
    return true;
  };
  const NodeEnd end = machine.run(options);
  INFO(last_words(end));
  CHECK(held.empty());
  REQUIRE(end.result);
  CHECK(end.result->has_value());
  CHECK(end.turns.count("door") == 0);
  CHECK(end.left_over == 0);
}
