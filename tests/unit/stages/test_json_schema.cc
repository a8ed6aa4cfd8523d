// JSON Schema draft 7: the public test suite, what we refuse, what we say, and that nothing takes for ever.
#include <fstream>
#include <nlohmann/json.hpp>

#include "actors/validate/json_schema.h"
#include "tests/support/catch.h"

using namespace weir;

namespace {

std::string refusal(const std::string& schema) {
  const auto compiled = JsonSchema::compile(schema, "s.json");
  return compiled ? "" : compiled.error().context;
}

/// What is wrong with the value, one violation a line; checked to agree with pass().
std::string wrong(const JsonSchema& schema, const std::string& value) {
  const PaddedText text(value);
  JsonTree tree;
  ParseProblem problem;
  if (!tree.parse(text.view(), problem)) return std::string("no JSON: ") + problem.what;
  std::vector<Violation> violations;
  schema.explain(tree, 32, violations);
  CHECK(schema.pass(tree) == violations.empty());
  std::string out;
  for (const Violation& violation : violations) {
    CHECK(violation.reason == "schema");
    out += (out.empty() ? "" : "\n") + violation.text;
  }
  return out;
}
std::string wrong(const std::string& schema, const std::string& value) {
  const auto compiled = JsonSchema::compile(schema, "s.json");
  REQUIRE(compiled);
  return wrong(**compiled, value);
}

}  // namespace

TEST_CASE("the public test suite of draft 7 passes, but for references out of the file", "[schema]") {
  std::ifstream in("tests/data/json_schema_draft7.ndjson");
  std::string line;
  std::getline(in, line);  // where it comes from, and its licence
  std::size_t tests = 0;
  std::map<std::string, std::size_t> refused;
  while (std::getline(in, line)) {
    const auto group = nlohmann::ordered_json::parse(line);
    const auto compiled = JsonSchema::compile(group["schema"].dump(), "s.json");
    if (!compiled) {
      ++refused[group["file"].get<std::string>()];
      const std::string& said = compiled.error().context;
      INFO(line << "\n" << said);
      CHECK((said.find("$id inside a schema") != std::string::npos ||
             said.find("leads out of this file") != std::string::npos ||
             said.find("is not supported; write #") != std::string::npos));
      continue;
    }
    for (const auto& test : group["tests"]) {
      INFO(group["file"] << ": " << group["description"] << ": " << test["description"]);
      CHECK(wrong(**compiled, test["data"].dump()).empty() == test["valid"].get<bool>());
      ++tests;
    }
  }
  CHECK(tests == 872);
  CHECK(refused ==
        std::map<std::string, std::size_t>{{"definitions.json", 1}, {"ref.json", 14}, {"refRemote.json", 11}});
}

TEST_CASE("numbers are compared exactly, whatever their size and spelling", "[schema]") {
  CHECK(wrong(R"({"multipleOf":0.01})", "19.99").empty());
  CHECK(wrong(R"({"multipleOf":0.01})", "123456789012345678901234567890.12").empty());
  CHECK(wrong(R"({"multipleOf":0.01})", "0.015") == "the record: 0.015 is not a multiple of 0.01");
  CHECK(wrong(R"({"multipleOf":3})", "3e400").empty());
  CHECK(wrong(R"({"multipleOf":3})", "1e400") == "the record: 1e400 is not a multiple of 3");
  CHECK(wrong(R"({"maximum":9007199254740992})", "9007199254740993") ==
        "the record: 9007199254740993 is above 9007199254740992");
  CHECK(wrong(R"({"exclusiveMinimum":0})", "1e-999999999999999999999").empty());
  CHECK(wrong(R"({"exclusiveMinimum":0})", "-0.0") == "the record: -0.0 is not above 0");
  CHECK(wrong(R"({"type":"integer"})", "1.0").empty());
  CHECK(wrong(R"({"type":"integer"})", "12e-1") == "the record: 12e-1 is not of type integer");
  CHECK(wrong(R"({"enum":[1.50]})", "15e-1").empty());
  CHECK(wrong(R"({"minLength":2.0})", R"("a")") == "the record: 1 characters, at least 2 are needed");
}

TEST_CASE("every violation is named with its place", "[schema]") {
  const std::string schema = R"({"type":"object","required":["id","lines"],"additionalProperties":false,
    "properties":{"id":{"type":"string","pattern":"^[A-Z]{2}-"},"mail":{"format":"email"},
    "lines":{"minItems":1,"items":{"required":["price"],"properties":{"price":{"type":"number","minimum":0},"a.b":{"const":1}}}}}})";
  CHECK(wrong(schema, R"({"id":"AB-1","lines":[{"price":1}]})").empty());
  CHECK(wrong(schema, R"({"id":"x","lines":[{"price":-1},{},{"price":"5","a.b":2}],"more":1,"mail":"x"})") ==
        "id: \"x\" does not match the pattern ^[A-Z]{2}-\n"
        "lines.0.price: -1 is below 0\n"
        "lines.1: the field \"price\" is missing\n"
        "lines.2.price: \"5\" is not of type number\n"
        "lines.2.a\\.b: 2 is none of the allowed values\n"
        "more: is not allowed here\n"
        "mail: \"x\" is no email");
  CHECK(wrong(schema, "{}") == "the record: the field \"id\" is missing\nthe record: the field \"lines\" is missing");
  CHECK(wrong(R"({"if":{"required":["a"]},"then":{"required":["b"]},"else":{"required":["c"]}})", R"({"a":1})") ==
        "the record: the field \"b\" is missing");
  CHECK(wrong(R"({"oneOf":[{"required":["a"]},{"required":["b"]}]})", R"({"a":1,"b":1})") ==
        "the record: fits 2 schemas of oneOf, exactly one is allowed");
  CHECK(wrong(R"({"uniqueItems":true})", R"([{"a":1,"b":[2]},3,{"b":[2.0],"a":1e0}])") ==
        R"(the record: the item {"b":[2.0],"a":1e0} stands twice)");
  std::string many;
  for (int i = 0; i < 100; ++i) many += (i == 0 ? "\"" : ",\"") + std::to_string(i) + "\":1";
  const std::string said = wrong(R"({"additionalProperties":false})", "{" + many + "}");
  CHECK(std::count(said.begin(), said.end(), '\n') == 31);
}

TEST_CASE("a schema that is wrong is refused with place and pointer, all findings at once", "[schema]") {
  CHECK(refusal("{\"type\":\"strin\",\n\"properties\":{\"a\":{\"minimum\":\"1\"},\n\"b/c\":5}}") ==
        "s.json:1:9: #/type: must be null, boolean, integer, number, string, object or array; found \"strin\"\n"
        "s.json:2:30: #/properties/a/minimum: must be a number (draft 7); found \"1\"\n"
        "s.json:3:7: #/properties/b/c: a schema is an object, true or false; found 5");
  CHECK(refusal(R"({"requierd":["a"],"x-mine":1,"title":"t","color":"red"})") ==
        "s.json:1:13: #/requierd: there is no keyword \"requierd\"; did you mean \"required\"? (a note of your own may "
        "begin with x-)");
  CHECK(refusal(R"({"$schema":"https://json-schema.org/draft/2020-12/schema"})") ==
        "s.json:1:12: #/$schema: only draft 7 is understood, http://json-schema.org/draft-07/schema#");
  CHECK(refusal(R"({"$ref":"https://example.com/a.json"})").find("leads out of this file") != std::string::npos);
  CHECK(refusal(R"({"$ref":"#/definitions/a"})") ==
        "s.json:1:9: #/$ref: \"#/definitions/a\" leads nowhere: there is no \"definitions\"");
  CHECK(refusal(R"({"$ref":"#"})") ==
        "s.json:1:1: #: leads back to itself without looking deeper into the value: it would never end");
  CHECK(refusal(R"({"allOf":[{"anyOf":[true,{"$ref":"#"}]}]})").find("it would never end") != std::string::npos);
  CHECK(refusal(R"({"definitions":{"unused":{"minimum":true}}})") ==
        "s.json:1:37: #/definitions/unused/minimum: must be a number (draft 7); found true");
  CHECK(refusal(R"({"multipleOf":0})") ==
        "s.json:1:15: #/multipleOf: must be a number above 0 with at most 18 digits; found 0");
  CHECK(refusal(R"({"anyOf":[]})") == "s.json:1:10: #/anyOf: must hold at least one schema");
  CHECK(refusal("{\n\n\"a\":}") == "s.json:3:5: this is no JSON: expected a value");
  CHECK(refusal(R"({"a":1,"a":2})") == "s.json:1:1: this is no JSON: a key stands twice in this object");
  CHECK(refusal("[]") == "s.json:1:1: #: a schema is an object, true or false; found []");
  std::string deep = "true";
  for (int i = 0; i < 31; ++i) deep = R"({"not":)" + deep + "}";
  CHECK(refusal(deep).empty());
  CHECK(refusal(R"({"not":)" + deep + "}").find("more than 32 schemas inside each other") != std::string::npos);
  std::string many;
  for (int i = 0; i < 10'000; ++i) many += (i == 0 ? "\"" : ",\"") + std::to_string(i) + "\":true";
  CHECK(refusal(R"({"properties":{)" + many + "}}").find("more than 10000 schemas in one file") != std::string::npos);
}

TEST_CASE("patterns are linear in the text, and what RE2 cannot do is refused with a hint", "[schema]") {
  CHECK(wrong(R"({"pattern":"^(a+)+$"})", '"' + std::string(100'000, 'a') + "!\"").find("does not match") !=
        std::string::npos);
  CHECK(wrong(R"({"pattern":"^(a|aa)+$"})", '"' + std::string(100'000, 'a') + '"').empty());
  CHECK(wrong(R"({"pattern":"b"})", R"("abc")").empty());
  CHECK(wrong(R"({"pattern":"^\\u00e9\\cJ(?<x>.)$"})", R"("é\nx")").empty());
  CHECK(wrong(R"({"pattern":"^\\ud83d\\ude00$"})", R"("\ud83d\ude00")").empty());
  CHECK(refusal(R"x({"pattern":"a(?=b)"})x").find("look-around is not supported") != std::string::npos);
  CHECK(refusal(R"({"pattern":"(a)\\1"})").find("back-references") != std::string::npos);
CHECK(refusal(R"({"patternProperties":{"(":{}}})").find("missing )") != std::string::npos);
CHECK(refusal(R"({"pattern":")" + std::string(4'097, 'a') + "\"}") ==
      "s.json:1:12: #/pattern: a pattern may have 4096 bytes, this one has 4097");
}

TEST_CASE("a value that makes a schema branch without end is stopped at the limit of steps", "[schema]") {
  // Each level is held against the schema twice, so 60 levels would need 2^60 steps.
  const std::string schema =
      R"({"anyOf":[{"properties":{"a":{"$ref":"#"}},"required":["x"]},{"properties":{"a":{"$ref":"#"}},"required":["y"]}]})";
  std::string value = "{}";
  for (int i = 0; i < 60; ++i) value = R"({"a":)" + value + "}";
  CHECK(wrong(schema, value) == "the record: its schema needs more than 106100 steps");
  // Not even where failing is what is asked for.
  CHECK(
      wrong(
          R"({"not":{"$ref":"#/definitions/s"},"definitions":{"s":)" +
              std::string(
                  R"({"anyOf":[{"properties":{"a":{"$ref":"#/definitions/s"}},"required":["x"]},{"properties":{"a":{"$ref":"#/definitions/s"}},"required":["y"]}]})") +
              "}}",
          value) == "the record: its schema needs more than 106100 steps");
}

TEST_CASE("formats are checked where they are sure", "[schema]") {
  const auto good = [](const char* format, const char* text) { return has_format(text_format(format).value(), text); };
  CHECK(good("date-time", "1850-02-28T23:59:60.123456789012Z"));
  CHECK(good("date-time", "2026-01-01t00:00:00+23:59"));
  CHECK_FALSE(good("date-time", "2026-02-29T00:00:00Z"));
  CHECK_FALSE(good("date-time", "2026-01-01T00:00:00"));
  CHECK_FALSE(good("date-time", "2026-01-01 00:00:00Z"));
  CHECK(good("date", "2024-02-29"));
  CHECK_FALSE(good("date", "2024-2-29"));
  CHECK_FALSE(good("time", "24:00:00Z"));
  CHECK(good("email", "a.b+c@example.com"));
  CHECK_FALSE(good("email", "a..b@example.com"));
  CHECK_FALSE(good("email", "@example.com"));
  CHECK(good("hostname", "a-1.example"));
  CHECK_FALSE(good("hostname", "-a.example"));
  CHECK_FALSE(good("hostname", "a."));
  CHECK(good("ipv4", "255.0.0.1"));
  CHECK_FALSE(good("ipv4", "256.0.0.1"));
  CHECK_FALSE(good("ipv4", "1.2.3"));
  CHECK_FALSE(good("ipv4", "01.2.3.4"));
  CHECK(good("ipv6", "::"));
  CHECK(good("ipv6", "2001:db8::1"));
  CHECK(good("ipv6", "::ffff:1.2.3.4"));
  CHECK(good("ipv6", "1:2:3:4:5:6:7:8"));
  CHECK_FALSE(good("ipv6", "1:2:3:4:5:6:7"));
  CHECK_FALSE(good("ipv6", "1::2::3"));
  CHECK_FALSE(good("ipv6", ":1:2:3:4:5:6:7:8"));
  CHECK(good("uri", "https://example.com/a?b=%20#c"));
  CHECK_FALSE(good("uri", "//example.com"));
  CHECK_FALSE(good("uri", "https://example.com/a b"));
  CHECK_FALSE(good("uri", "https://example.com/%2"));
  CHECK(good("uuid", "123e4567-e89b-12d3-a456-426614174000"));
  CHECK_FALSE(good("uuid", "123e4567-e89b-12d3-a456-42661417400g"));
  CHECK_FALSE(text_format("regex").has_value());
}
