// What a plugin's stage does to events, and what it may not.
#include <weir/plugin_abi.h>

#include "actors/plugin/plugin_stage.h"
#include "runtime/adapters/yaml/yaml_config_loader.h"
#include "tests/support/catch.h"
#include "tests/unit/config/files.h"
#include "tests/unit/stages/chain_fixture.h"

extern "C" const weir_plugin* weir_plugin_open(const weir_host* host, weir_message* why);

namespace weir {
namespace {

using test::Chain;
using test::Fate;

PluginKinds kinds() { return read_kinds(*weir_plugin_open(&plugin_host(), nullptr), "tests", Digest128{1, 2}).value(); }

/// A pipeline whose only stages are these.
Chain chain_of(const std::string& stages) {
  ScratchFolder folder;
  auto config = YamlConfigLoader(kinds()).pipeline(folder.write("p.yaml", "pipeline: p\nstages:\n" + stages), {});
  if (!config) FAIL(config.error().context);
  Chain chain;
  chain.config = std::move(*config);
  chain.factory = [](const StageConfig& stage, StageContext& context) { return PluginStage::compile(stage, context); };
  return chain;
}
std::string refused(Chain chain) {
  const auto compiled = chain.compile();
  return compiled ? "" : compiled.error().context;
}
std::string fate_text(const Fate& fate) {
  switch (fate.verdict) {
    case Verdict::pass:
      return fate.record;
    case Verdict::filter:
      return "filter";
    case Verdict::reject:
      return "reject " + fate.stage + " " + fate.reason + " " + fate.details;
    case Verdict::retry:
      return "retry " + fate.stage + " " + fate.reason + " " + fate.details;
  }
  return "";
}
std::vector<std::string> texts(const std::vector<Fate>& fates) {
  std::vector<std::string> out;
  for (const Fate& fate : fates) out.push_back(fate_text(fate));
  return out;
}
using Lines = std::vector<std::string>;

TEST_CASE("a plugin's stage gives each of its verdicts, with its own reasons behind stage:", "[plugin]") {
  Chain chain = chain_of("  - score: {label: risky}\n");
  CHECK(texts(chain.run({R"({"amount":200.50,"x":1})", R"({"amount":99})", R"({"do":"filter"})", R"({"amount":"12"})", R"({"do":"retry"})"})) ==
        Lines{R"({"amount":200.50,"x":1,"score":50.1250,"note":"risky"})", R"({"amount":99,"score":0,"note":"risky"})", "filter",
              R"(reject score stage:no_amount ["amount is \"12\""])", R"(retry score stage:busy ["later"])"});
}

TEST_CASE("numbers of CSV are text and count as numbers, as everywhere", "[plugin]") {
  Chain chain = chain_of("  - score: {threshold: 7}\n");
  chain.csv_header = "amount,do";
  CHECK(texts(chain.run({"007.50,", ",", "x,"})) == Lines{R"({"amount":"007.50","score":1.8750})", R"(reject score stage:no_amount ["amount is \"\""])",
                                                          R"(reject score stage:no_amount ["amount is \"x\""])"});
}

TEST_CASE("a stage sees what the stage before it has made, and only events its condition holds for", "[plugin]") {
  Chain chain = chain_of("  - score: {threshold: 10}\n  - score: {when: {score: 5}, label: five}\n    name: again\n");
  CHECK(texts(chain.run({R"({"amount":20})", R"({"amount":24})"})) == Lines{R"({"amount":20,"score":0,"note":"five"})", R"({"amount":24,"score":6.00})"});
}

TEST_CASE("values of every type are read and written", "[plugin]") {
  Chain chain = chain_of("  - types: {}\n");
  CHECK(texts(chain.run({R"({"in":{"text":"a\"b","flag":true,"items":[1,{"x":[2]},3]},"gone":1,"null":2})", R"({"in":7})"})) ==
        Lines{R"({"in":{"text":"a\"b","flag":true,"items":[1,{"x":[2]},3]},"null":null,"out":"a\"b|id-0|1970-01-01T00:00:01Z","flag":true,)"
              R"("when":"1970-01-01T01:00:01Z","item":{"x":[2]},"size":3})",
              R"({"in":7,"out":"none|id-1|1970-01-01T00:00:01Z","null":null,"flag":false,"when":"1970-01-01T01:00:01Z","size":0})"});
}

TEST_CASE("added records take the event's place, in order; a verdict that is not pass drops them", "[plugin]") {
  Chain chain = chain_of("  - lines: {}\n");
  CHECK(texts(chain.run({R"({"n":1,"lines":["a",{"b":2}]})", R"({"n":2})", R"({"n":3,"lines":[1,2,3]})", R"({"n":4,"lines":[]})"})) ==
        Lines{R"({"n":1,"line":"a"})", R"({"n":1,"line":{"b":2}})", R"({"n":2})", R"(reject lines stage:three ["three lines"])", R"({"n":4,"lines":[]})"});
  std::string many = R"({"lines":[0)";
  for (int i = 1; i <= 4'096; ++i) many += ",0";
  CHECK(fate_text(chain.run({many + "]}"}).front()) == R"(reject lines output_too_large ["the event has more than 4096 parts"])");
}

TEST_CASE("the form for several events gets all at once and gives each its verdict", "[plugin]") {
  Chain chain = chain_of("  - together: {}\n");
  CHECK(texts(chain.run({"{}", R"({"do":"reject"})", "{}"})) == Lines{R"({"count":3})", R"(reject together stage:asked ["for"])", R"({"count":3})"});
  CHECK_THROWS_WITH(chain.run({"{}", R"({"do":"throw"})"}), "thrown among several");
  CHECK(texts(chain.run({"{}"})) == Lines{R"({"count":1})"});
}

TEST_CASE("what a plugin throws, and what it may not do, is a crash of the stage that says so", "[plugin]") {
  Chain chain = chain_of("  - score: {}\n");
  CHECK_THROWS_WITH(chain.run({R"({"amount":1})", R"({"do":"throw"})"}), "thrown on id-1");
  CHECK_THROWS_WITH(chain.run({R"({"do":"throw an int"})"}), "an exception that is no std::exception");
  CHECK_THROWS_WITH(chain.run({R"({"do":"bad reason"})"}), "\"not a reason\" is no reason: write 1 to 64 letters, digits, '_', '-' or '.'");
  CHECK_THROWS_WITH(chain.run({R"({"do":"bad split","amount":1})"}), "it adds records and does not say so; write static constexpr bool splits = true");
}

TEST_CASE("a stage without resume() may neither take a completion nor answer pending()", "[plugin]") {
  Chain chain = chain_of("  - never_later: {}\n");
  CHECK_THROWS_WITH(chain.run({"{}"}), "it answers pending() and has no resume(); write weir::Verdict resume(weir::Event event, std::string_view answer) const");
  CHECK_THROWS_WITH(chain.run({R"({"do":"ask"})"}), "it takes a completion where nobody waits for an answer; only decide() of a stage with resume() may");
}

TEST_CASE("text that is not UTF-8 and numbers beyond 38 digits are dead letters with weir's own reasons", "[plugin]") {
  Chain chain = chain_of("  - score: {}\n");
  CHECK(texts(chain.run({R"({"do":"bad text","amount":1})", R"({"do":"huge","amount":1})"})) ==
        Lines{R"(reject score encoding ["note: the text is not valid UTF-8"])",
              R"(reject score number_range ["Decimal *: the result has no place in 38 digits, 18 of them behind the point"])"});
}

TEST_CASE("a stage that cannot be made refuses the pipeline with what it says", "[plugin]") {
  CHECK(refused(chain_of("  - score: {threshold: 13}\n")) == "stage \"score\": 13 brings bad luck; take 12 or 14");
  CHECK(refused(chain_of("  - inner: {}\n    name: mine\n")) == "stage \"mine\": \"a.b\" cannot be written: only top-level fields can");
}

TEST_CASE("the content of a plugin and the values of its keys are part of the rules", "[plugin]") {
  const auto text = [](const std::string& stage, Digest128 content) {
    ScratchFolder folder;
    PluginKinds all = read_kinds(*weir_plugin_open(&plugin_host(), nullptr), "tests", content).value();
    return rules_text(YamlConfigLoader(all).pipeline(folder.write("p.yaml", "pipeline: p\nstages: [" + stage + "]\n"), {}).value());
  };
  const std::string before = text("{score: {}}", {1, 2});
  CHECK(text("{score: {threshold: 100, rate: 0.25}}", {1, 2}) == before);
  CHECK(text("{score: {threshold: 101}}", {1, 2}) != before);
  CHECK(text("{score: {}}", {1, 3}) != before);
}

}  // namespace
}  // namespace weir
