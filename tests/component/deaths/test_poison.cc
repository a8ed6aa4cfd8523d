// Events that crash a stage: who is blamed, after how many crashes it is given up, and that its neighbours pass in their order.
#include <fmt/format.h>

#include <algorithm>
#include <set>

#include "runtime/base/hash.h"
#include "runtime/event/stage.h"
#include "tests/component/deaths/small_node.h"
#include "tests/support/catch.h"

using namespace weir;
using namespace weir::deaths;

namespace {

constexpr std::uint32_t kLines = 96;

const CompiledPipeline& pipeline() {
  static const auto compiled = compiled_pipeline();
  return *compiled;
}

/// Every id once, all of them served.
std::string plain_input(std::uint32_t lines) {
  std::string text;
  for (std::uint32_t i = 0; i < lines; ++i)
    text += fmt::format(R"({{"id":"e{}","country":"France","at":{},"price":{}.50}})", i, 1'600'000'000'000 + i, i + 1) + "\n";
  return text;
}

/// What of the events throws, and how often it may.
struct Poison {
  std::function<bool(std::string_view id)> hits;
  int left = 1'000'000;
  bool marked = false;  // the stage says which event it has in its hands
  int thrown = 0;
};

class PoisonedStep final : public ChainStep {
 public:
  PoisonedStep(std::unique_ptr<ChainStep> step, std::shared_ptr<Poison> poison) : step_(std::move(step)), poison_(std::move(poison)) {}
  [[nodiscard]] std::string name() const override { return step_->name(); }
  void run(ChainBatch& batch, CodeMark& mark) override {
    for (const ChainEvent& event : batch.events()) {
      if (poison_->marked) mark.enter(batch.offset(event), 1, event.fingerprint);
      if (!poison_->hits(batch.raw(event).id) || poison_->left-- <= 0) continue;
      ++poison_->thrown;
      throw std::runtime_error("poison in " + std::string(batch.raw(event).id));
    }
    mark_all(mark, batch);
    step_->run(batch, mark);
  }

 private:
  std::unique_ptr<ChainStep> step_;
  std::shared_ptr<Poison> poison_;
};

NodeOptions options_with(const std::shared_ptr<Poison>& poison) {
  NodeOptions options;
  options.steps = [poison](std::vector<ChainStepFactory> steps) {
    ChainStepFactory inner = std::move(steps[1]);
    steps[1] = [inner, poison](const StagePorts& ports) { return std::make_unique<PoisonedStep>(inner(ports), poison); };
    return steps;
  };
  return options;
}

std::string last_words(const NodeEnd& end) {
  std::string text;
  for (const std::string& line : end.log) text += line + "\n";
  return text;
}

/// Of all records, by partition, in the order of its log.
std::vector<std::string> payloads(const SmallMachine& machine) {
  std::vector<std::string> all;
  for (const SmallMachine::Record& record : machine.records()) all.push_back(record.payload);
  return all;
}

std::string undisturbed() {
  SmallMachine machine{pipeline(), {plain_input(kLines)}};
  REQUIRE(machine.run({}).result.value().has_value());
  return machine.answers();
}

bool is_e2(std::string_view id) { return id == "e2"; }

}  // namespace

TEST_CASE("a stage that throws for a while is replaced and changes no answer", "[poison]") {
  const std::string calm = undisturbed();
  // Two crashes with its batch, then alone: the third one alone would be one too many. With the event known from the first on, two.
  for (const auto& [marked, times] : {std::pair{false, 1}, {false, 2}, {false, 4}, {true, 1}, {true, 2}}) {
    const auto poison = std::make_shared<Poison>(Poison{is_e2, times, marked});
    SmallMachine machine{pipeline(), {plain_input(kLines)}};
    const NodeEnd end = machine.run(options_with(poison));
    INFO(times << " times\n" << last_words(end));
    REQUIRE(end.result);
    CHECK(end.result->has_value());
    CHECK(poison->thrown == times);
    CHECK(machine.answers() == calm);
  }
}

TEST_CASE("an event that crashes its stage again and again becomes a dead letter, its neighbours pass in their order", "[poison]") {
  SmallMachine calm{pipeline(), {plain_input(kLines)}};
  REQUIRE(calm.run({}).result.value().has_value());
  std::vector<std::string> served = payloads(calm);
  CHECK(std::erase_if(served, [](const std::string& payload) { return payload.find("\"e2\"") != std::string::npos; }) == 1);
  REQUIRE(served.size() == kLines - 1);
  for (const bool marked : {false, true}) {
    for (std::uint64_t seed = 1; seed <= 10; ++seed) {
      const auto poison = std::make_shared<Poison>(Poison{is_e2, 1'000'000, marked});
      SmallMachine machine{pipeline(), {plain_input(kLines)}};
      NodeOptions options = options_with(poison);
      options.seed = seed;
      const NodeEnd end = machine.run(options);
      INFO("seed " << seed << (marked ? ", marked" : "") << "\n" << last_words(end));
      REQUIRE(end.result);
      CHECK(end.result->has_value());
      // The batch may have been as small as this one event: then nobody else was suspected.
      CHECK(poison->thrown >= 3);
      CHECK(poison->thrown <= (marked ? 3 : 5));
      const std::string answers = machine.answers();
      CHECK(answers.find("poison") != std::string::npos);
      CHECK(answers.find("3 crashes of this stage, the last: poison in e2") != std::string::npos);
      CHECK(payloads(machine) == served);
    }
  }
}

TEST_CASE("several poison events of one batch are found, each once, while their stage lives on", "[poison]") {
  const std::set<std::string, std::less<>> bad = {"e2", "e5", "e9", "e12"};
  for (const bool marked : {false, true}) {
    const auto poison = std::make_shared<Poison>(Poison{[&bad](std::string_view id) { return bad.contains(id); }, 1'000'000, marked});
    SmallMachine machine{pipeline(), {plain_input(kLines)}};
    NodeOptions options = options_with(poison);
    options.supervision.stage.restarts_max = 20;
    options.supervision.partition.restarts_max = 0;
    const NodeEnd end = machine.run(options);
    INFO((marked ? "marked\n" : "") << last_words(end));
    REQUIRE(end.result);
    CHECK(end.result->has_value());
    for (const std::string& id : bad) {
      const auto named = std::count_if(end.log.begin(), end.log.end(), [&](const std::string& line) { return line.find("event " + id + " crashes it again and again and became") != std::string::npos; });
      CHECK(named == 1);
    }
  }
}

TEST_CASE("a stage that crashes on every event quarantines its partition instead of making everything a dead letter", "[poison]") {
  // The door may have 12 events undecided: the quarantined partition must not keep those credits.
  const std::string input = plain_input(400);
  SmallMachine whole{pipeline(), {input}};
  REQUIRE(whole.run({}).result.value().has_value());
  const PartitionId sick = partition_of("e2", 2);
  const PartitionId healthy{1 - sick.value};
  const auto poison = std::make_shared<Poison>(Poison{[sick](std::string_view id) { return partition_of(id, 2) == sick; }});
  SmallMachine machine{pipeline(), {input}};
  const NodeEnd end = machine.run(options_with(poison));
  INFO(last_words(end));
  REQUIRE(end.result);
  REQUIRE_FALSE(end.result->has_value());
  CHECK(end.result->error().code == Errc::stage_failed);
  CHECK(end.result->error().context.find("poison in e") != std::string::npos);
  CHECK(machine.accepted(sick) == whole.accepted(sick));
  CHECK(machine.decided(sick) < 70);  // eleven lives, each of which may find some five of them
  CHECK(whole.decided(healthy) > 100);
  CHECK(machine.decided(healthy) == whole.decided(healthy));
}

TEST_CASE("with poison_crashes_max 1 the first crash that one event is blamed for makes it a dead letter", "[poison]") {
  const auto poison = std::make_shared<Poison>(Poison{is_e2, 1'000'000, true});
  SmallMachine machine{pipeline(), {plain_input(kLines)}};
  NodeOptions options = options_with(poison);
  options.poison_crashes_max = 1;
  const NodeEnd end = machine.run(options);
  INFO(last_words(end));
  REQUIRE(end.result);
  CHECK(end.result->has_value());
  CHECK(poison->thrown == 1);
}

TEST_CASE("poison is found whoever else dies meanwhile", "[poison]") {
  const auto once = std::make_shared<Poison>(Poison{is_e2, 1'000'000, true});
  SmallMachine first{pipeline(), {plain_input(kLines)}};
  const NodeEnd calm = first.run(options_with(once));
  REQUIRE(calm.result.value().has_value());
  const std::string answers = first.digest();
  for (const char* name : {"partition", "committer", "views", "door", "parse", "transform"}) {
    const std::uint64_t turns = calm.turns.at(name);
    for (std::uint64_t turn = 1; turn <= turns; turn += 3) {
      const auto poison = std::make_shared<Poison>(Poison{is_e2, 1'000'000, true});
      SmallMachine machine{pipeline(), {plain_input(kLines)}};
      NodeOptions options = options_with(poison);
      options.death = Death{name, turn};
      const NodeEnd end = machine.run(options);
      INFO(name << " killed at turn " << turn << "\n" << last_words(end));
      REQUIRE(end.result);
      CHECK(end.result->has_value());
      // The partition's death makes nobody forget, but for a crash that nobody had told it yet.
      CHECK(poison->thrown >= 3);
      CHECK(poison->thrown <= (name == std::string_view("partition") ? 4 : 3));
      CHECK(machine.digest() == answers);
    }
  }
}
