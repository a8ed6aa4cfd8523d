// A table that changes while the pipeline runs: from the next batch on, without a pause, and every event under one
// version.
#include <fmt/format.h>

#include <set>

#include "runtime/base/hash.h"
#include "tests/component/deaths/small_node.h"
#include "tests/support/catch.h"

using namespace weir;
using namespace weir::deaths;

namespace {

const CompiledPipeline& pipeline() {
  static const auto compiled = compiled_pipeline();
  return *compiled;
}

/// The pipeline's rules with another table, whose regions end in the version's number.
std::shared_ptr<const ChainRules> version(int number) {
  auto rules = compile_rules(pipeline().config(), pipeline().views().paths(),
                             [number](const std::string&) -> Result<std::string> {
                               return fmt::format("country,region\nFrance,south{0}\nNorway,north{0}\n", number);
                             });
  REQUIRE(rules);
  return rules->rules;
}

/// The version that decided a record, by what it says.
std::string said_by(const SmallMachine::Record& record) {
  const std::size_t at = record.payload.find("\"region\":\"") + 10;
  const std::size_t digits = record.payload.find_first_of("0123456789\"", at);
  return record.payload.substr(digits, record.payload.find('"', digits) - digits);
}

/// 200 events, hardly one like the other.
std::string fresh_ids() {
  std::string text;
  for (int tens = 0; tens < 20; ++tens) text += small_input(10, fmt::format("{}x", tens));
  return text;
}

}  // namespace

TEST_CASE("every event is decided by one version of a table, which its commit names, and nothing pauses", "[reload]") {
  for (std::uint64_t seed = 1; seed <= 20; ++seed) {
    SmallMachine calm_machine{pipeline(), {fresh_ids()}};
    const NodeEnd calm = calm_machine.run({.seed = seed});
    std::map<std::string, Digest128> hashes{{"", pipeline().rules()->version.hash}};
    NodeOptions options{.seed = seed};
    std::vector<std::weak_ptr<const ChainRules>> all;
    for (int number = 1; number <= 6; ++number) {
      auto rules = version(number);
      hashes[std::to_string(number)] = rules->version.hash;
      all.push_back(rules);
      options.rules_at[calm.steps * static_cast<std::uint64_t>(number) / 8] = std::move(rules);
    }
    SmallMachine machine{pipeline(), {fresh_ids()}};
    const NodeEnd end = machine.run(options);
    options.rules_at.clear();
    INFO("seed " << seed);
    REQUIRE(end.result);
    REQUIRE(end.result->has_value());
    CHECK(end.log.empty());
    CHECK(machine.decided(PartitionId{0}) + machine.decided(PartitionId{1}) == 200);
    std::set<std::string> seen;
    for (const SmallMachine::Record& record : machine.records()) {
      const std::string said = said_by(record);
      INFO(record.payload);
      REQUIRE(hashes.contains(said));
      CHECK(record.rules == hashes.at(said));
      CHECK(record.epoch == Epoch{1});  // nobody fenced
      seen.insert(said);
    }
    INFO(fmt::format("versions {}, calm {} steps, {} with changes", fmt::join(seen, ","), calm.steps, end.steps));
    CHECK(seen.size() >= 4);
    CHECK(seen.contains(""));
    // Old plans and tables go when nobody uses them, and the last ones with the node.
    CHECK(std::all_of(all.begin(), all.end(), [](const auto& rules) { return rules.expired(); }));
  }
}

TEST_CASE("an old version ends while the node still runs", "[reload]") {
  auto first = version(1);
  std::weak_ptr<const ChainRules> watched = first;
  NodeOptions options;
  options.rules_at[60] = std::move(first);
  options.rules_at[120] = version(2);
  bool gone = false;
  SmallMachine machine{pipeline(), {small_input(400)}};
  options.at_step = [&](std::uint64_t step) {
    if (step == 100) options.rules_at.erase(60);
    gone = gone || (step > 120 && watched.expired());
  };
  const NodeEnd end = machine.run(options);
  REQUIRE(end.result);
  CHECK(end.result->has_value());
  CHECK(gone);
}

TEST_CASE("stages killed while two versions are at work change no answer", "[reload]") {
  // All versions say the same here, so the answers are those of a run without a change.
  const auto same = [](int number) {
    auto rules = compile_rules(pipeline().config(), pipeline().views().paths(),
                               [number](const std::string&) -> Result<std::string> {
                                 return fmt::format("country,region\nFrance,south\nNorway,north\nNowhere{},\n", number);
                               });
    REQUIRE(rules);
    return rules->rules;
  };
  SmallMachine calm_machine{pipeline(), {small_input(60)}};
  const NodeEnd calm = calm_machine.run({.seed = 3});
  const std::string answers = calm_machine.answers();
  for (const char* name : {"enrich", "parse", "partition"}) {
    for (std::uint64_t turn = 1; turn <= calm.turns.at(name); turn += 2) {
      NodeOptions options{.seed = 3, .death = Death{name, turn}};
      for (std::uint64_t step = 20; step < calm.steps; step += 20)
        options.rules_at[step] = same(static_cast<int>(step));
      SmallMachine machine{pipeline(), {small_input(60)}};
      const NodeEnd end = machine.run(options);
      INFO(name << " killed at turn " << turn);
      REQUIRE(end.result);
      CHECK(end.result->has_value());
      CHECK(end.left_over == 0);
      CHECK(machine.answers() == answers);
    }
  }
}
