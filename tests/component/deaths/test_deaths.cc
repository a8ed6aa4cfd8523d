// Killing any one actor at any of its turns changes no answer; one that keeps dying ends the run, with its words, in bounded time.
#include <fmt/format.h>

#include <sstream>

#include "runtime/base/hash.h"
#include "tests/component/deaths/small_node.h"
#include "tests/support/catch.h"

using namespace weir;
using namespace weir::deaths;

namespace {

constexpr std::uint32_t kLines = 48;
constexpr std::uint64_t kSeeds[] = {1, 2, 3, 4};
const std::vector<std::string> kNames = {"committer", "door", "enrich", "parse", "partition", "pipeline", "transform", "validate", "views"};

const CompiledPipeline& pipeline() {
  static const auto compiled = compiled_pipeline();
  return *compiled;
}

struct Undisturbed {
  NodeEnd end;
  std::string answers;
};

Undisturbed undisturbed(std::uint64_t seed) {
  SmallMachine machine{pipeline(), {small_input(kLines)}};
  NodeEnd end = machine.run({.seed = seed});
  REQUIRE(end.result);
  REQUIRE(end.result->has_value());
  REQUIRE(machine.decided(PartitionId{0}) + machine.decided(PartitionId{1}) == kLines);
  return {std::move(end), machine.answers()};
}

/// The first line in which two answers differ; empty: they are equal.
std::string difference(const std::string& got, const std::string& wanted) {
  std::istringstream left(got), right(wanted);
  for (std::string a, b;;) {
    const bool more_left = static_cast<bool>(std::getline(left, a));
    const bool more_right = static_cast<bool>(std::getline(right, b));
    if (!more_left && !more_right) return {};
    if (a != b || more_left != more_right) return fmt::format("got    {}\nwanted {}", more_left ? a : "the end", more_right ? b : "the end");
  }
}

std::string last_words(const NodeEnd& end) {
  std::string text;
  for (const std::string& line : end.log) text += line + "\n";
  return text;
}

/// A stage of the pipeline that waits for each of its rounds, for some more turns than for the one before: rounds overtake each other.
class LateStep final : public ChainStep {
 public:
  explicit LateStep(std::unique_ptr<ChainStep> step) : step_(std::move(step)) {}
  [[nodiscard]] std::string name() const override { return step_->name(); }
  void attach(StageWorkHost host) override { host_ = std::move(host); }
  void run(ChainBatch&, CodeMark&) override { throw std::logic_error("it is begun"); }
  [[nodiscard]] bool begin(ChainBatch&, RoundNumber round, CodeMark&) override {
    wait(round, 5 - 2 * (round % 3));
    return false;
  }
  void finish(ChainBatch& batch, RoundNumber, CodeMark& mark) override { step_->run(batch, mark); }

 private:
  void wait(RoundNumber round, std::uint64_t turns) {
    host_.post([this, round, turns] { turns == 0 ? host_.ready(round) : wait(round, turns - 1); });
  }
  std::unique_ptr<ChainStep> step_;
  StageWorkHost host_;
};

std::vector<ChainStepFactory> with_late(std::vector<ChainStepFactory> steps, std::size_t late) {
  steps.at(late) = [inner = steps.at(late)](const StagePorts& ports) { return std::make_unique<LateStep>(inner(ports)); };
  return steps;
}

/// Every turn of `name` in turn. `steps`: in place of the pipeline's, with the same answers.
void kill_at_every_turn(const std::string& name, const std::function<std::vector<ChainStepFactory>(std::vector<ChainStepFactory>)>& steps = {}) {
  for (const std::uint64_t seed : kSeeds) {
    Undisturbed calm = undisturbed(seed);
    if (steps) {
      SmallMachine machine{pipeline(), {small_input(kLines)}};
      calm.end = machine.run({.seed = seed, .steps = steps});
      INFO(last_words(calm.end));
      REQUIRE(calm.end.result.value().has_value());
      CHECK(difference(machine.answers(), calm.answers) == "");
    }
    const std::uint64_t turns = calm.end.turns.at(name);
    REQUIRE(turns > 10);
    for (std::uint64_t turn = 1; turn <= turns; ++turn) {
      SmallMachine machine{pipeline(), {small_input(kLines)}};
      const NodeEnd end = machine.run({.seed = seed, .death = Death{name, turn}, .steps = steps});
      INFO("seed " << seed << ", " << name << " killed at turn " << turn << " of " << turns << "\n" << last_words(end));
      REQUIRE(end.killed == 1);
      CHECK(end.left_over == 0);
      REQUIRE(end.result);
      CHECK(end.result->has_value());
      CHECK(difference(machine.answers(), calm.answers) == "");
    }
  }
}

/// Dies at each of its turns, from the first on.
void keeps_dying(const std::string& name) {
  SmallMachine machine{pipeline(), {small_input(kLines)}};
  const NodeEnd end = machine.run({.death = Death{name, std::nullopt}});
  INFO(last_words(end));
  CHECK(end.killed > 3);
  REQUIRE(end.result);
  REQUIRE_FALSE(end.result->has_value());
  CHECK_FALSE(end.result->error().context.empty());
}

}  // namespace

TEST_CASE("the small run has every outcome, and every kind of actor has its turn", "[deaths]") {
  const Undisturbed calm = undisturbed(1);
  std::vector<std::string> names;
  for (const auto& [name, turns] : calm.end.turns) names.push_back(name);
  CHECK(names == kNames);
  for (const char* word : {"served", "duplicate", "validate field_range", "enrich enrich_miss", "malformed", "conflict", "superseded 7"}) {
    INFO(word << "\n" << calm.answers);
    CHECK(calm.answers.find(word) != std::string::npos);
  }
  CHECK(difference(undisturbed(2).answers, calm.answers) == "");
}

TEST_CASE("a partition killed at any of its turns changes no answer", "[deaths]") { kill_at_every_turn("partition"); }
TEST_CASE("a parsing step killed at any of its turns changes no answer", "[deaths]") { kill_at_every_turn("parse"); }
TEST_CASE("a validate stage killed at any of its turns changes no answer", "[deaths]") { kill_at_every_turn("validate"); }
TEST_CASE("an enrich stage killed at any of its turns changes no answer", "[deaths]") { kill_at_every_turn("enrich"); }
TEST_CASE("a transform stage killed at any of its turns changes no answer", "[deaths]") { kill_at_every_turn("transform"); }
TEST_CASE("a stage that waits changes no answer, killed at any of its turns or not, nor does the death of its neighbours", "[deaths]") {
  const auto late = [](std::vector<ChainStepFactory> steps) { return with_late(std::move(steps), 2); };
  kill_at_every_turn("enrich", late);
  kill_at_every_turn("validate", late);
  kill_at_every_turn("transform", late);
}
TEST_CASE("the committer killed at any of its turns changes no answer", "[deaths]") { kill_at_every_turn("committer"); }
TEST_CASE("views killed at any of their turns change no answer", "[deaths]") { kill_at_every_turn("views"); }
TEST_CASE("a door killed at any of its turns changes no answer", "[deaths]") { kill_at_every_turn("door"); }

TEST_CASE("a door killed at any of its turns while appends are given up neither loses an event nor makes one up", "[deaths]") {
  // Two doors: what the dead one had handed on ahead of its sync has offsets that the other one gets again.
  const std::vector<std::string> inputs = {small_input(24, "e"), small_input(30, "f")};
  for (const std::uint64_t seed : kSeeds) {
    SmallMachine calm{pipeline(), inputs};
    const NodeEnd whole = calm.run({.seed = seed});
    REQUIRE(whole.result.value().has_value());
    const std::string answers = calm.digest();
    REQUIRE(answers.starts_with("answers "));
    for (std::uint64_t step = 1; step < whole.steps; step += whole.steps / 10) {
      for (std::uint64_t turn = 1; turn <= whole.turns.at("door"); ++turn) {
        SmallMachine machine{pipeline(), inputs};
        const NodeEnd end = machine.run({.seed = seed, .death = Death{"door", turn}, .fail_append_at = step});
        INFO("seed " << seed << ", an append given up from step " << step << ", door killed at turn " << turn << "\n" << last_words(end));
        REQUIRE(end.result);
        CHECK(end.result->has_value());
        CHECK(machine.digest() == answers);
      }
    }
  }
}

TEST_CASE("the committer killed at any of its turns while the disk is full is handed no part twice", "[deaths]") {
  // A part that failed is tried again after a while; its partition may have fenced meanwhile, and have another one on its way.
  const std::string input = small_input(200);
  for (const std::uint64_t seed : kSeeds) {
    SmallMachine calm{pipeline(), {input}};
    const NodeEnd whole = calm.run({.seed = seed});
    REQUIRE(whole.result.value().has_value());
    const std::string answers = calm.digest();
    for (std::uint64_t step = whole.steps / 4; step < whole.steps; step += whole.steps / 4) {
      for (std::uint64_t turn = 1; turn <= whole.turns.at("committer"); turn += 3) {
        SmallMachine machine{pipeline(), {input}};
        const NodeEnd end = machine.run({.seed = seed, .death = Death{"committer", turn}, .disk_full_at = step});
        const std::string words = last_words(end);
        INFO("seed " << seed << ", the disk full from step " << step << ", committer killed at turn " << turn << "\n" << words);
        REQUIRE(end.result);
        CHECK(end.result->has_value());
        CHECK(machine.digest() == answers);
        CHECK(words.find("invariant broken") == std::string::npos);
      }
    }
  }
}

TEST_CASE("a supervisor killed at any of its turns ends the run with internal, and the next run gives the same answers", "[deaths]") {
  for (const std::uint64_t seed : kSeeds) {
    const Undisturbed calm = undisturbed(seed);
    const std::uint64_t turns = calm.end.turns.at("pipeline");
    for (std::uint64_t turn = 1; turn <= turns; ++turn) {
      SmallMachine machine{pipeline(), {small_input(kLines)}};
      const NodeEnd end = machine.run({.seed = seed, .death = Death{"pipeline", turn}});
      INFO("seed " << seed << ", killed at turn " << turn << " of " << turns << "\n" << last_words(end));
      REQUIRE(end.killed == 1);
      CHECK(end.left_over == 0);
      REQUIRE(end.result);
      REQUIRE_FALSE(end.result->has_value());
      CHECK(end.result->error().code == Errc::internal);
      const NodeEnd again = machine.run({.seed = seed});
      REQUIRE(again.result);
      CHECK(again.result->has_value());
      CHECK(difference(machine.answers(), calm.answers) == "");
    }
  }
}

TEST_CASE("an actor that dies at every turn ends the run with an error", "[deaths]") {
  for (const std::string& name : kNames) {
    if (name == "pipeline") continue;
    SECTION(name) { keeps_dying(name); }
  }
}

TEST_CASE("a supervisor that throws ends the run with what it threw", "[deaths]") {
  SmallMachine machine{pipeline(), {small_input(kLines)}};
  const NodeEnd end = machine.run({.open_store = [](PartitionId) -> Result<std::shared_ptr<StateStore>> { throw std::runtime_error("no store today"); }});
  REQUIRE(end.result);
  REQUIRE_FALSE(end.result->has_value());
  CHECK(end.result->error().code == Errc::internal);
  CHECK(end.result->error().context.find("no store today") != std::string::npos);
}

TEST_CASE("a store that cannot be opened for a while is opened again, one that never can quarantines its partition", "[deaths]") {
  const Undisturbed calm = undisturbed(1);
  for (const std::uint32_t times : {1, 5, 20}) {  // of two partitions, each of which is tried 11 times
    SmallMachine machine{pipeline(), {small_input(kLines)}};
    const NodeEnd end = machine.run({.stores_refused = times});
    INFO(times << " times\n" << last_words(end));
    REQUIRE(end.result);
    CHECK(end.result->has_value());
    CHECK(difference(machine.answers(), calm.answers) == "");
  }
  SmallMachine machine{pipeline(), {small_input(kLines)}};
  const NodeEnd end = machine.run({.stores_refused = 1'000});
  INFO(last_words(end));
  REQUIRE(end.result);
  REQUIRE_FALSE(end.result->has_value());
  CHECK(end.result->error().code == Errc::io_failed);
  CHECK(end.result->error().context.find("the device refused") != std::string::npos);
}
