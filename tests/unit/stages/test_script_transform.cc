// The stage transform with a script: what becomes of events by what the script answers.
#include "actors/transform/script_transformer.h"
#include "runtime/adapters/lua/lua_engine.h"
#include "runtime/adapters/memory/memory_scripts.h"
#include "tests/support/catch.h"
#include "tests/unit/stages/chain_fixture.h"

using namespace weir;
using namespace weir::test;

namespace {
/// transform: {script: folder/t.lua} with this text.
Chain scripted(const std::string& text) {
  Chain chain;
  chain.factory = [](const StageConfig& config, StageContext& context) -> Result<std::unique_ptr<Stage>> {
    static const LuaEngine engine;
    context.scripts = &engine;
    if (std::get<TransformConfig>(config.body).script) return ScriptTransformer::compile(config, context);
    return make_stage(config, context);
  };
  TransformConfig transform;
  transform.script.emplace().file = "folder/t.lua";
  chain.config.stages = {stage("transform", transform)};
  chain.files["folder/t.lua"] = text;
  return chain;
}
std::vector<std::string> fates_of(Chain& chain, const std::vector<std::string>& frames) {
  std::vector<std::string> out;
  for (const Fate& fate : chain.run(frames)) {
    out.push_back(fate.verdict == Verdict::filter   ? "filtered"
                  : fate.verdict == Verdict::reject ? fate.stage + " " + fate.reason + " " + fate.details
                                                    : fate.record);
  }
  return out;
}
const char* const kEveryAnswer = R"(
function transform(e)
  if e.do_it == 'keep' then e.x = 1 return e end
  if e.do_it == 'filter' then return nil end
  if e.do_it == 'reject' then return nil, 'not today' end
  if e.do_it == 'split' then return {{n = 1}, {n = 2}} end
  error('what is ' .. e.do_it .. '?', 0)
end)";
MemoryScripts every_answer() {
  using Kind = ScriptAnswer::Kind;
  MemoryScripts scripts;
  scripts.add("folder/t.lua", [](const std::string& record) -> MemoryScripts::Answer {
    if (record.find("keep") != std::string::npos) return {Kind::keep, "", {R"({"do_it":"keep","x":1})"}};
    if (record.find("filter") != std::string::npos) return {Kind::filter, "", {}};
    if (record.find("reject") != std::string::npos) return {Kind::reject, "not today", {}};
    if (record.find("split") != std::string::npos) return {Kind::split, "", {R"({"n":1})", R"({"n":2})"}};
    return {Kind::fault, "what is juggle?", {}};
  });
  return scripts;
}
}  // namespace

TEST_CASE("every answer decides the event, in Lua and in the stand-in of tests", "[transform]") {
  const MemoryScripts memory = every_answer();
  for (const bool lua : {true, false}) {
    INFO((lua ? "Lua" : "memory"));
    Chain chain = scripted(kEveryAnswer);
    if (!lua) {
      chain.factory = [&memory](const StageConfig& config, StageContext& context) {
        context.scripts = &memory;
        return ScriptTransformer::compile(config, context);
      };
    }
    CHECK(fates_of(chain, {R"({"do_it":"keep"})", R"({"do_it":"filter"})", R"({"do_it":"reject"})",
                           R"({"do_it":"split"})", R"({"do_it":"juggle"})", R"({"do_it":"keep"})"}) ==
          std::vector<std::string>{R"({"do_it":"keep","x":1})", "filtered", R"(transform script ["not today"])",
                                   R"({"n":1})", R"({"n":2})", R"(transform script ["what is juggle?"])",
                                   R"({"do_it":"keep","x":1})"});
    // The parts of one event carry its index and their own numbers.
    const auto events = chain.batch().events();
    REQUIRE(events.size() == 7);
    CHECK((events[3].index == 3 && events[3].part == 0));
    CHECK((events[4].index == 3 && events[4].part == 1));
    CHECK((events[5].index == 4 && events[5].part == 0));
  }
}

TEST_CASE("a script that is not found is refused by name", "[transform]") {
  FieldPlan plan;
  ScriptConfig config;
  config.file = "none.lua";
  CHECK(MemoryScripts{}.load(config, "", ScriptEntry::transform, plan).error().context ==
        "none.lua:1: the file does not define function transform(e)");
  CHECK(LuaEngine{}.load(config, "", ScriptEntry::validate, plan).error().context ==
        "none.lua:1: the file does not define function validate(e)");
}

TEST_CASE("a split of a split numbers its parts anew, and later stages see each part", "[transform]") {
  Chain chain = scripted("function transform(e) return {{n = e.n}, {n = e.n + 1}} end");
  StageConfig second = chain.config.stages.front();
  second.name = "second";
  chain.config.stages.push_back(second);
  CHECK(fates_of(chain, {R"({"n":1})", R"({"n":5})"}) ==
        std::vector<std::string>{R"({"n":1})", R"({"n":2})", R"({"n":2})", R"({"n":3})", R"({"n":5})", R"({"n":6})",
                                 R"({"n":6})", R"({"n":7})"});
  const auto events = chain.batch().events();
  for (std::size_t i = 0; i < events.size(); ++i) {
    CHECK(events[i].index == i / 4);
    CHECK(events[i].part == i % 4);
  }
}

TEST_CASE("an event of too many parts is rejected, its neighbours pass", "[transform]") {
  Chain chain = scripted("function transform(e) local t = {} for i = 1, e.n do t[i] = {i = i} end return t end");
  CHECK(chain.run({R"({"n":4096})"}).size() == kEventPartsMax);
  CHECK(
      fates_of(chain, {R"({"n":4097})", R"({"n":1})"}) ==
      std::vector<std::string>{
          R"(transform script ["transform returns a list of 4097 records, at most 4096 are allowed"])", R"({"i":1})"});
  StageConfig second = chain.config.stages.front();
  second.name = "second";
  std::get<TransformConfig>(second.body).script->file = "twice.lua";
  Chain twice = scripted(chain.files["folder/t.lua"]);
  twice.files["twice.lua"] = "function transform(e) return {e, e} end";
  twice.config.stages.push_back(second);
  CHECK(fates_of(twice, {R"({"n":2049})", R"({"n":1})"}) ==
        std::vector<std::string>{R"(second output_too_large ["part 2048: the event has more than 4096 parts"])",
                                 R"({"i":1})", R"({"i":1})"});
}

TEST_CASE("a script runs only where its condition holds", "[transform]") {
  Chain chain = scripted("function transform(e) return nil end");
  chain.config.stages.front().when = WhenConfig{path("kind"), string("noise")};
  CHECK(fates_of(chain, {R"({"kind":"noise"})", R"({"kind":"sale"})"}) ==
        std::vector<std::string>{"filtered", R"({"kind":"sale"})"});
}
TEST_CASE("fields of CSV are texts, and keep being read as numbers by later stages", "[transform]") {
  // Goal: a stage behind the script sees what it would have seen without it. Method: once with a field the text of the
  // script names, once with a name it makes up, which rewrites the record.
  for (const std::string body : {"e.note = type(e.n)", "e['no' .. 'te'] = type(e['n' .. ''])"}) {
    INFO(body);
    Chain chain = scripted("function transform(e) " + body + " return e end");
    TransformConfig sum;
    sum.set = {{"twice", form(Expression::Kind::add, {copy("n"), copy("n")})}};
    StageConfig later = stage("transform", sum);
    later.name = "later";
    chain.config.stages.push_back(later);
    chain.csv_header = "n,other";
    CHECK(chain.one("1.50,\"a \"\"b\"\"\"").record == R"({"n":"1.50","other":"a \"b\"","note":"string","twice":3.00})");
  }
}
