// What a script may give back.
#include "tests/support/catch.h"
#include "tests/unit/lua/script_fixture.h"

using namespace weir;
using namespace weir::test;

TEST_CASE("records of a split keep the order of the event, then go by name", "[lua]") {
  Scripted script(R"(
function transform(e)
  local out = {}
  for i, item in ipairs(e.items) do
    local r = copy(e)
    r.items = nil
    r.sku = item.sku
    r.amount = item.n * item.price
    out[i] = r
  end
  return out
end)");
  CHECK(script.one(R"({"z":1e0,"items":[{"sku":"a","n":2,"price":1.25},{"sku":"b","n":1,"price":3}],"a":"\u0041"})") ==
        "{\"z\":1e0,\"a\":\"\\u0041\",\"amount\":2.50,\"sku\":\"a\"}\n"
        "{\"z\":1e0,\"a\":\"\\u0041\",\"amount\":3,\"sku\":\"b\"}");
}

TEST_CASE("the event itself may be one of the records, and one table takes its place", "[lua]") {
  Scripted script("function transform(e) e.x = 2 return {e, {x = 3}, e} end");
  CHECK(script.one(R"({"a":1})") == "{\"a\":1,\"x\":2}\n{\"x\":3}\n{\"a\":1,\"x\":2}");
  CHECK(body_of("return {b = 2, a = e.a}", R"({"a":1.0,"c":1})") == R"({"a":1.0,"b":2})");
  CHECK(body_of("return {}", "{}") == "filtered");
  CHECK(body_of("return {{}}", R"({"a":1})") == "{}");
}

TEST_CASE("an answer that means nothing is a fault of the script", "[lua]") {
  CHECK(body_of("return 5", "{}") ==
        R"(script ["transform returns a number value; it returns e, a list of records, nil, or nil and a reason"])");
  CHECK(body_of("return {1, 2}", "{}") == R"(script ["record 1: must be the event or a table, it is a number value"])");
  CHECK(body_of("return {{1}}", "{}") == R"(script ["record 1: is a list, not an object"])");
  CHECK(body_of("return {{}, a = 1}", "{}") ==
        R"(script ["a list with gaps or names is neither a list nor an object"])");
  CHECK(body_of("return {{x = 0.5}}", "{}").find("record 1: 0.5 is a binary fraction") != std::string::npos);
}

TEST_CASE("a reason is cut to a kilobyte of valid text", "[lua]") {
  const std::string cut = body_of("local s = '\xc3\xa4' while #s < 2000 do s = s .. s end return nil, s", "{}");
  CHECK(cut.size() == std::string("script [\"\"]").size() + kScriptTextMax + 3);
  CHECK(body_of("return nil, '\\xff\\xfe'", "{}") == R"(script ["??"])");
  CHECK(body_of("return nil, {1}", "{}") == R"(script ["table"])");
  CHECK(body_of("error({1})", "{}") == R"(script ["an error that is a table value"])");
}

TEST_CASE("a refusal is no fault, an error is", "[lua]") {
  Scripted script("function transform(e) if e.bad then error('x') end return nil, 'no' end");
  CHECK(script.one("{}") == R"(script ["no"])");
  CHECK(!script.fault());
  CHECK(script.one(R"({"bad":1})") == R"(script ["t.lua:1: x"])");
  CHECK(script.fault());
}

TEST_CASE("validate gives a list of violations, with and without a rule's name", "[lua]") {
  const auto of = [](const std::string& body, const std::string& frame) {
    Scripted script("function validate(e) " + body + " end", 100'000, 1u << 20, ScriptEntry::validate);
    if (script.problem() != "good") return script.problem();
    const ScriptViolations found = script.violations(frame);
    std::string out = found.fault ? "fault: " : "";
    for (const ScriptViolation& violation : found.list) out += violation.rule + "|" + violation.field + "|" + violation.message + ";";
    return out;
  };
  CHECK(of("return {}", "{}").empty());
  CHECK(of("", "{}").empty());
  CHECK(of("local v = {} if e.a > e.b then v[#v + 1] = {rule = 'a_below_b', message = 'a is ' .. e.a} end "
           "v[#v + 1] = 'and more' return v",
           R"({"a":2.50,"b":2})") == "a_below_b||a is 2.50;||and more;");
  CHECK(of("return {{rule = 'x'}, {rule = 'y', message = 5}, {field = 'a', message = e.a}, {field = 'b.c'}}", R"({"a":null})") ==
        "x||;y||5;|a|null;|b.c|;");
  CHECK(of("return {{rule = 'no spaces'}}", "{}") ==
        "fault: ||a violation's rule is named by 1 to 64 letters, digits, '_', '-' or '.';");
  CHECK(of("return {5}", "{}") ==
        "fault: ||a violation is a text or {rule = …, field = …, message = …}, not a number value;");
  CHECK(of("return {{'x', 'y'}}", "{}") == "fault: ||a violation is a text or {rule = …, field = …, message = …}, not a list;");
  CHECK(of("return {{rule = 'a b', mesage = 'x', massage = 'y'}}", "{}") ==
        "fault: ||a violation has rule, field and message, no 'massage';");
  CHECK(of("return {{}}", "{}") ==
        "fault: ||a violation says nothing; write a text or {rule = …, field = …, message = …};");
  CHECK(of("return {e}", "{}") ==
        "fault: ||a violation is a text or {rule = …, field = …, message = …}, not a userdata value;");
  CHECK(of("return {rule = 'x'}", "{}") ==
        "fault: ||validate returns a table that is no list; write {{message = …}};");
  CHECK(of("return 'x'", "{}") == "fault: ||validate returns a string value; it returns a list of violations;");
  CHECK(of("e.a = 1", "{}") == "fault: ||t.lua:1: validate looks at the event and may not change it;");
  CHECK(of("e.l[1] = 5 return {}", R"({"l":[1]})").empty());  // a copy, which goes nowhere
  CHECK(of("while true do end", "{}") == "fault: ||t.lua:1: stopped after 100000 instructions (instructions_max);");
  CHECK(of("local t = {} for i = 1, 1000 do t[i] = 'v' end return t", "{}").size() == 4 * kScriptViolationsMax);
  Scripted many("function validate(e) local t = {} for i = 1, 1000 do t[i] = 'v' end return t end", 100'000, 1u << 20,
                ScriptEntry::validate);
  CHECK(many.violations("{}").left_out == 900);
  CHECK(of("return nil + 1", "{}") == "fault: ||t.lua:1: attempt to perform arithmetic on a nil value;");
}
