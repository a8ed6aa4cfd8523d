// The stage validate with a script: what it says against events, beside what else is wrong with them.
#include <fstream>

#include "runtime/adapters/lua/lua_engine.h"
#include "runtime/adapters/memory/memory_scripts.h"
#include "tests/support/catch.h"
#include "tests/unit/stages/chain_fixture.h"

using namespace weir;
using namespace weir::test;

namespace {
const ScriptEngine& lua() {
  static const LuaEngine engine;
  return engine;
}
StageFactory with(const ScriptEngine& engine) {
  return [&engine](const StageConfig& config, StageContext& context) {
    context.scripts = &engine;
    return make_stage(config, context);
  };
}
/// validate: {rules: {lua: folder/r.lua}} with this text, and whatever else it checks.
Chain checked(const std::string& text, ValidateConfig validate = {}) {
  Chain chain;
  chain.factory = with(lua());
  validate.script.emplace().file = "folder/r.lua";
  chain.config.stages = {stage("validate", std::move(validate))};
  chain.files["folder/r.lua"] = text;
  return chain;
}
std::string fate_of(Chain& chain, const std::string& frame) {
  const Fate fate = chain.one(frame);
  return fate.verdict == Verdict::reject ? fate.stage + " " + fate.reason + " " + fate.details : fate.record;
}
std::string fate_of(const std::string& body, const std::string& frame) {
  Chain chain = checked("function validate(e) " + body + " end");
  return fate_of(chain, frame);
}
NamedRule some_rule() {
  NamedRule rule;
  rule.name = "a_below_b";
  rule.kind = NamedRule::Kind::compare;
  rule.left.path = path("a");
  rule.right.path = path("b");
  rule.relation = NamedRule::Relation::less;
  return rule;
}
}  // namespace

TEST_CASE("what a script lists are violations, all of them, in Lua and in the stand-in of tests", "[validate]") {
  MemoryScripts memory;
  memory.add("folder/r.lua", [](const std::string& record) -> ScriptViolations {
    if (record.find("good") != std::string::npos) return {};
    if (record.find("fail") != std::string::npos) return {true, {{"", "", "no"}}};
    return {false, {{"sums", "total", "is 3"}, {"", "", "too late"}, {"x", "", ""}}};
  });
  for (const ScriptEngine* engine : {&lua(), static_cast<const ScriptEngine*>(&memory)}) {
    Chain chain = checked(R"(
function validate(e)
  if e.good then return {} end
  if e.fail then error('no', 0) end
  return {{rule = 'sums', field = 'total', message = 'is ' .. e.total}, 'too late', {rule = 'x'}}
end)");
    chain.factory = with(*engine);
    CHECK(fate_of(chain, R"({"good":1,"x":1.50})") == R"({"good":1,"x":1.50})");
    CHECK(fate_of(chain, R"({"total":3})") == R"(validate rule:sums ["sums: total: is 3","lua: too late","x"])");
    CHECK(fate_of(chain, R"({"fail":1})") == R"(validate script ["no"])");
    // Of one batch: what is said of an event is never said of another.
    const auto fates = chain.run({R"({"total":3})", R"({"good":2})", R"({"fail":1})", R"({"good":3})"});
    CHECK(fates[0].reason == "rule:sums");
    CHECK(fates[1].record == R"({"good":2})");
    CHECK(fates[2].reason == "script");
    CHECK(fates[3].record == R"({"good":3})");
  }
}

TEST_CASE("a violation without a rule's name is of the rule lua", "[validate]") {
  CHECK(fate_of("return {'no'}", "{}") == R"(validate rule:lua ["lua: no"])");
  CHECK(fate_of("return {{field = 'a.b', message = 'is \"odd\"'}}", "{}") ==
        R"(validate rule:lua ["lua: a.b: is \"odd\""])");
  CHECK(fate_of("return {}", "{}") == "{}");
  CHECK(fate_of("", "{}") == "{}");
}

TEST_CASE("fields, rules, script, schema: the reason is the first one's, the details are all of them", "[validate]") {
  ValidateConfig validate;
  validate.fields = {rule("q", FieldType::integer)};
  validate.rules = {some_rule()};
  validate.schema = "s.json";
  Chain chain = checked("function validate(e) if e.bad then return {{rule = 'r', message = 'bad'}} end end", validate);
  chain.files["s.json"] = R"({"required": ["z"]})";
  CHECK(fate_of(chain, R"({"q":1,"a":1,"b":2,"z":0})") == R"({"q":1,"a":1,"b":2,"z":0})");
  CHECK(
      fate_of(chain, R"({"q":"x","a":2,"b":2,"bad":1})") ==
      R"(validate field_type ["q: \"x\" is not of type integer","a_below_b: a 2 is not < b 2","r: bad","the record: the field \"z\" is missing"])");
  CHECK(fate_of(chain, R"({"q":1,"a":2,"b":2,"bad":1,"z":0})") ==
        R"(validate rule:a_below_b ["a_below_b: a 2 is not < b 2","r: bad"])");
  CHECK(fate_of(chain, R"({"q":1,"a":1,"b":2,"bad":1})") ==
        R"(validate rule:r ["r: bad","the record: the field \"z\" is missing"])");
}

TEST_CASE("a script that fails is the reason only where nothing else is wrong", "[validate]") {
  ValidateConfig validate;
  validate.fields = {rule("q", FieldType::integer)};
  validate.schema = "s.json";
  Chain chain = checked("function validate(e) if e.q + 1 > 5 then return {'big'} end end", validate);
  chain.files["s.json"] = R"({"maxProperties": 2})";
  CHECK(fate_of(chain, R"({"q":7})") == R"(validate rule:lua ["lua: big"])");
  CHECK(fate_of(chain, "{}") == R"(validate field_missing ["q: is missing"])");  // not: arithmetic on a nil value
  Chain alone = checked("function validate(e) if e.q + 1 > 5 then return {'big'} end end");
  CHECK(fate_of(alone, "{}") ==
        R"x(validate script ["r.lua:1: attempt to perform arithmetic on a nil value (field 'q')"])x");
  Chain schema = checked("function validate(e) error('x', 0) end", validate);
  schema.files = chain.files;
  schema.files["folder/r.lua"] = "function validate(e) error('x', 0) end";
  CHECK(fate_of(schema, R"({"q":1,"r":1,"s":1})").find("validate schema [") == 0);
  CHECK(fate_of(schema, R"({"q":1})") == R"(validate script ["x"])");
}

TEST_CASE("answers that mean nothing, and what goes over a limit, are the reason script", "[validate]") {
  CHECK(fate_of("return 'no'", "{}") ==
        R"(validate script ["validate returns a string value; it returns a list of violations"])");
  CHECK(fate_of("e.x = 1", "{}") ==
        R"(validate script ["r.lua:1: validate looks at the event and may not change it"])");
  Chain chain = checked("function validate(e) while true do end end");
  std::get<ValidateConfig>(chain.config.stages[0].body).script->instructions_max = 5'000;
  CHECK(fate_of(chain, "{}") == R"x(validate script ["r.lua:1: stopped after 5000 instructions (instructions_max)"])x");
}

TEST_CASE("a long list of violations says how many there are", "[validate]") {
  const auto last = [](int count) {
    const std::string said =
        fate_of("local t = {} for i = 1, " + std::to_string(count) + " do t[i] = 'v' .. i end return t", "{}");
    return said.substr(said.rfind('"', said.size() - 3));
  };
  CHECK(last(32) == R"("lua: v32"])");
  CHECK(last(33) == R"("and 1 more"])");
  CHECK(last(100) == R"("and 68 more"])");
  CHECK(last(1'000) == R"("and 968 more"])");
}

TEST_CASE("a script sees what fields have converted, and only events that `when` lets through", "[validate]") {
  ValidateConfig validate;
  validate.fields = {rule("n", FieldType::decimal)};
  Chain chain = checked("function validate(e) if e.n * 2 ~= decimal('3') then return {e.n} end end", validate);
  chain.csv_header = "n,type";
  chain.config.stages[0].when = WhenConfig{path("type"), string("a")};
  CHECK(fate_of(chain, "1.50,a") == R"({"n":1.50,"type":"a"})");
  CHECK(fate_of(chain, "1.51,a") ==
        R"(validate script ["a violation is a text or {rule = …, field = …, message = …}, not a userdata value"])");
  CHECK(fate_of(chain, "1.51,b") == R"({"n":"1.51","type":"b"})");
}

TEST_CASE("a script that does not load is named with its line, beside the other findings", "[validate]") {
  ValidateConfig validate;
  FieldRule odd = rule("a", FieldType::string);
  odd.pattern = "(";
  validate.fields = {odd};
  Chain chain = checked("function validate(e)\n  retrun e\nend", validate);
  const auto compiled = chain.compile();
  REQUIRE_FALSE(compiled);
  CHECK(compiled.error().context.find("\nfolder/r.lua:2: syntax error near 'e'") != std::string::npos);
  Chain other = checked("function transform(e) return e end");
  CHECK(other.compile().error().context == "folder/r.lua:1: the file does not define function validate(e)");
  Chain gone = checked("");
  gone.files.clear();
  CHECK(gone.compile().error().code == Errc::input_unreadable);
}

TEST_CASE("the example of the documentation checks bookings", "[validate]") {
  std::ifstream in("configs/pipelines/bookings.lua");
  const std::string text((std::istreambuf_iterator<char>(in)), std::istreambuf_iterator<char>());
  Chain chain = checked(text);
  CHECK(fate_of(chain, R"({"price":80.50,"guests":2})") == R"({"price":80.50,"guests":2})");
  CHECK(fate_of(chain, R"({"price":80.50,"deposit":8.05,"guests":2,"extras":["cot"]})").front() == '{');
  CHECK(
      fate_of(chain, R"({"price":80.50,"deposit":8,"guests":12,"extras":["parking","cot"]})") ==
      R"(validate rule:deposit_share ["deposit_share: deposit: 8 is not 10, 20 or 50 percent of 80.50","lua: extras: no cot fits beside 12 guests"])");
}
