// Named rules of validate, and how fields, rules and schema stand together.
#include "tests/support/catch.h"
#include "tests/unit/stages/chain_fixture.h"

using namespace weir;
using namespace weir::test;

namespace {

NamedRule compare(const std::string& left, NamedRule::Relation relation, const std::string& right) {
  NamedRule rule;
  rule.name = "r";
  rule.kind = NamedRule::Kind::compare;
  rule.left.path = path(left);
  rule.relation = relation;
  rule.right.path = path(right);
  return rule;
}
NamedRule present(NamedRule::Kind kind, const std::vector<std::string>& fields) {
  NamedRule rule;
  rule.name = "r";
  rule.kind = kind;
  for (const std::string& field : fields) rule.paths.push_back(path(field));
  return rule;
}
NamedRule on_field(FieldRule field) {
  NamedRule rule;
  rule.name = "r";
  rule.field = std::move(field);
  return rule;
}
Chain with(ValidateConfig validate, const std::string& csv_header = "") {
  Chain chain;
  chain.csv_header = csv_header;
  chain.config.stages = {stage("validate", std::move(validate))};
  return chain;
}
Chain with(NamedRule rule, const std::string& csv_header = "") {
  ValidateConfig validate;
  validate.rules = {std::move(rule)};
  return with(std::move(validate), csv_header);
}
std::string letter(const Fate& fate) {
  return fate.verdict == Verdict::pass ? "" : fate.reason + " " + fate.details;
}

using enum NamedRule::Relation;

}  // namespace

TEST_CASE("a pattern is found anywhere unless it is anchored", "[validate]") {
  ValidateConfig validate;
  validate.fields = {rule("sku", FieldType::string)};
  validate.fields[0].pattern = "[0-9]{3}";
  Chain chain = with(validate);
  CHECK(letter(chain.one(R"({"sku":"ab-123-x"})")).empty());
  CHECK(letter(chain.one(R"({"sku":"\u0031\u0032\u0033"})")).empty());
  CHECK(letter(chain.one(R"({"sku":"ab-12"})")) ==
        R"(field_range ["sku: \"ab-12\" does not match the pattern [0-9]{3}"])");
  validate.fields[0].pattern = "^[0-9]{3}$";
  Chain whole = with(validate);
  CHECK(letter(whole.one(R"({"sku":"123"})")).empty());
  CHECK(whole.one(R"({"sku":"1234"})").reason == "field_range");
  CHECK(whole.one(R"({"sku":"123\n"})").reason == "field_range");
}

TEST_CASE("patterns that are none are refused together, each with its place", "[validate]") {
  ValidateConfig validate;
  validate.fields = {rule("a", FieldType::string)};
  validate.fields[0].pattern = "(";
  validate.fields[0].place = {"p.yaml", 3, 9};
  validate.rules = {on_field(rule("b", FieldType::string)), on_field(rule("c", FieldType::string)),
                    on_field(rule("d", FieldType::string))};
  validate.rules[1].name = "s";
  validate.rules[2].name = "t";
  validate.rules[0].field.pattern = "x(?!y)";
  validate.rules[1].place = {"p.yaml", 4, 9};
  validate.rules[1].field.pattern = "[";
  validate.rules[1].field.pattern_place = {"p.yaml", 4, 30};
  validate.rules[1].field.pattern_key = "stages.0.validate.rules.s.pattern";
  validate.rules[2].field.pattern = "]{2,1}";
  validate.rules[2].field.pattern_place = {"--set stages.0.validate.rules.t.pattern=]{2,1}", 0, 0};
  validate.rules[2].field.pattern_key = "stages.0.validate.rules.t.pattern";
  Chain chain = with(validate);
  const auto compiled = chain.compile();
  REQUIRE_FALSE(compiled);
  CHECK(
      compiled.error().context ==
      "p.yaml:3:9: a: the pattern \"(\" is not understood: missing ): (\n"
      "stage \"validate\": b: the pattern \"x(?!y)\" is not understood: invalid perl operator: (?!; look-around is not "
      "supported, because it can take for ever: write two patterns or rules instead\n"
      "p.yaml:4:30: \"stages.0.validate.rules.s.pattern\": the pattern \"[\" is not understood: missing ]: [\n"
      "--set stages.0.validate.rules.t.pattern=]{2,1}: \"stages.0.validate.rules.t.pattern\": the pattern "
      "\"]{2,1}\" is not understood: invalid repetition size: {2,1}");
}

TEST_CASE("a rule on a field checks as fields do, and changes nothing", "[validate]") {
  FieldRule total = rule("total", FieldType::decimal);
  total.above = "0";
  Chain chain = with(on_field(total));
  CHECK(letter(chain.one(R"({"total":1})")).empty());
  CHECK(letter(chain.one(R"({"total":0})")) == R"(rule:r ["r: total: 0 is not above 0"])");
  CHECK(letter(chain.one(R"({"total":"1"})")) == R"(rule:r ["r: total: \"1\" is not of type decimal"])");
  CHECK(letter(chain.one("{}")) == R"(rule:r ["r: total: is missing"])");
  CHECK(with(on_field(total), "total,b").one("007,x").record == R"({"total":"007","b":"x"})");
  FieldRule optional = total;
  optional.required = false;
  CHECK(letter(with(on_field(optional)).one("{}")).empty());
}

TEST_CASE("two fields are compared as numbers, texts or times", "[validate]") {
  const auto outcome = [](NamedRule rule, const std::string& event) {
    return letter(with(std::move(rule)).one(event));
  };
  CHECK(outcome(compare("a", less_equal, "b"), R"({"a":1.50,"b":1.5})").empty());
  CHECK(outcome(compare("a", less, "b"), R"({"a":10,"b":9})") == R"(rule:r ["r: a 10 is not < b 9"])");
  CHECK(outcome(compare("a", less, "b"), R"({"a":"10","b":"9"})").empty());
  CHECK(outcome(compare("a", unequal, "b"), R"({"a":"x","b":"\u0078"})") ==
        R"(rule:r ["r: a \"x\" is not != b \"\\u0078\""])");
  CHECK(outcome(compare("a", equal, "b"), R"({"a":true,"b":true})").empty());
  CHECK_FALSE(outcome(compare("a", equal, "b"), R"({"a":true,"b":"true"})").empty());
  CHECK(outcome(compare("a", unequal, "b"), R"({"a":1,"b":"1"})").empty());
  CHECK(outcome(compare("a", less, "b"), R"({"a":1,"b":"2"})") ==
        R"(rule:r ["r: a 1 and b \"2\" cannot be compared as two numbers or two texts"])");
  NamedRule numbers = compare("a", less, "b");
  numbers.as = NamedRule::As::number;
  CHECK(outcome(numbers, R"({"a":9,"b":"10"})").empty());
  CHECK(outcome(numbers, R"({"a":9,"b":"x"})") == R"(rule:r ["r: a 9 and b \"x\" cannot be compared as numbers"])");
  NamedRule times = compare("a", greater_equal, "b");
  times.as = NamedRule::As::time;
  CHECK(outcome(times, R"({"a":"2026-01-01T01:00:00+01:00","b":"2026-01-01T00:00:00Z"})").empty());
  CHECK_FALSE(outcome(times, R"({"a":"2026-01-01T00:59:59+01:00","b":"2026-01-01T00:00:00Z"})").empty());
  CHECK(outcome(times, R"({"a":"today","b":"2026-01-01T00:00:00Z"})").find("cannot be compared as RFC 3339 times") !=
        std::string::npos);
  CHECK(letter(with(compare("a", less, "b"), "a,b").one("9,10")).empty());  // text of CSV that reads as numbers
  NamedRule constant = compare("a", greater, "b");
  constant.right.path.reset();
  constant.right.constant = number("0.5");
  CHECK(outcome(constant, R"({"a":0.51})").empty());
  CHECK(outcome(constant, R"({"a":0.5})") == R"(rule:r ["r: a 0.5 is not > 0.5"])");
  CHECK(outcome(compare("@time", less, "b"), R"({"b":"2100"})").empty());
}

TEST_CASE("a side that is not there violates a comparison unless the rule says otherwise", "[validate]") {
  NamedRule strict = compare("start", less_equal, "end");
  CHECK(letter(with(strict).one(R"({"start":1})")) == R"(rule:r ["r: end is missing"])");
  CHECK(letter(with(strict).one(R"({"start":null,"end":1})")) == R"(rule:r ["r: start is null"])");
  strict.required = false;
  CHECK(letter(with(strict).one(R"({"start":1})")).empty());
  CHECK(letter(with(strict).one(R"({"start":1,"end":null})")) == R"(rule:r ["r: end is null"])");
  strict.nullable = true;
  CHECK(letter(with(strict).one(R"({"start":1,"end":null})")).empty());
}

TEST_CASE("rules count which fields are there", "[validate]") {
  using Kind = NamedRule::Kind;
  const std::vector<std::string> fields = {"a", "b.c", "d"};
  const auto outcome = [&](Kind kind, const std::string& event) {
    return letter(with(present(kind, fields)).one(event));
  };
  const std::string none = R"({"a":null})", one = R"({"b":{"c":1}})", two = R"({"a":1,"d":""})",
                    all = R"({"a":1,"b":{"c":2},"d":3})";
  CHECK(outcome(Kind::at_least_one, none) == R"(rule:r ["r: at least one of a, b.c, d must be there, none is"])");
  CHECK(outcome(Kind::at_least_one, one).empty());
  CHECK(outcome(Kind::at_most_one, none).empty());
  CHECK(outcome(Kind::at_most_one, one).empty());
  CHECK(outcome(Kind::at_most_one, two) == R"(rule:r ["r: at most one of a, b.c, d may be there, a, d are"])");
  CHECK(outcome(Kind::exactly_one, one).empty());
  CHECK(outcome(Kind::exactly_one, all) == R"(rule:r ["r: exactly one of a, b.c, d must be there, a, b.c, d are"])");
  CHECK(outcome(Kind::all_or_none, none).empty());
  CHECK(outcome(Kind::all_or_none, all).empty());
  CHECK(outcome(Kind::all_or_none, one) == R"(rule:r ["r: all or none of a, b.c, d must be there, b.c is"])");
}

TEST_CASE("a rule applies only where its own when holds", "[validate]") {
  NamedRule rule = compare("a", less, "b");
  rule.when = WhenConfig{path("kind"), string("range")};
  CHECK(letter(with(rule).one(R"({"kind":"point","a":2,"b":1})")).empty());
  CHECK_FALSE(letter(with(rule).one(R"({"kind":"range","a":2,"b":1})")).empty());
}

TEST_CASE("fields, rules and schema are all reported, the first one is the reason", "[validate]") {
  ValidateConfig validate;
  FieldRule quantity = rule("q", FieldType::integer);
  quantity.min = "1";
  validate.fields = {quantity, rule("p", FieldType::decimal)};
  NamedRule first = compare("q", less, "p");
  first.name = "first";
  NamedRule second = compare("p", less, "q");
  second.name = "second";
  validate.rules = {first, second};
  validate.schema = "s.json";
  const auto run = [&](const std::string& event, const std::string& header) {
    Chain chain = with(validate, header);
    chain.files["s.json"] = R"({"properties":{"p":{"type":"number","maximum":5},"q":{"type":"integer"}}})";
    return chain.one(event);
  };
  // Of CSV the rules and the schema see numbers, also of the field behind the one that is wrong.
  CHECK(letter(run("0,7", "q,p")) == R"(field_range ["q: 0 is below 1","second: p 7 is not < q 0","p: 7 is above 5"])");
  CHECK(letter(run("3,2", "q,p")) == R"(rule:first ["first: q 3 is not < p 2"])");
  CHECK(letter(run("3,3", "q,p")) == R"(rule:first ["first: q 3 is not < p 3","second: p 3 is not < q 3"])");
  validate.rules.clear();
  CHECK(run("3,2", "q,p").record == R"({"q":3,"p":2})");
  CHECK(letter(run("3,6", "q,p")) == R"(schema ["p: 6 is above 5"])");
  CHECK(letter(run(R"({"q":3,"p":6})", "")) == R"(schema ["p: 6 is above 5"])");
}

TEST_CASE("a schema sees the record as earlier stages left it", "[validate]") {
  ValidateConfig validate;
  validate.schema = "s.json";
  TransformConfig transform;
  transform.set = {{"b", constant(number("2"))}};
  transform.drop = {"c"};
  Chain chain;
  chain.files["s.json"] =
      R"({"required":["a","b"],"additionalProperties":false,"properties":{"a":true,"b":{"const":2}}})";
  chain.config.stages = {stage("transform", transform), stage("validate", validate)};
  CHECK(chain.one(R"({"a" : [1, 2], "c" : "\u00e9"})").record == R"({"a":[1,2],"b":2})");
  CHECK(letter(chain.one(R"({"c":1})")) == R"(schema ["the record: the field \"a\" is missing"])");
}

TEST_CASE("an event of too many values is refused by a schema, and details end at a limit", "[validate]") {
  ValidateConfig validate;
  validate.schema = "s.json";
  Chain chain = with(validate);
  chain.config.limits.event_bytes_max = 16u << 20;
  chain.files["s.json"] = R"({"properties":{"a":{"items":{"type":"string"}}}})";
  std::string values = "1";
  for (int i = 1; i < 999'998; ++i) values += ",1";
  const Fate most = chain.one(R"({"a":[)" + values + "]}");
  CHECK(most.reason == "schema");
  CHECK(most.details.find("a.31: 1 is not of type string\"]") != std::string::npos);
  const Fate more = chain.one(R"({"a":[)" + values + ",1]}");
  CHECK(letter(more) == R"(schema ["the record: more than 1000000 values"])");
  ValidateConfig fields;
  for (int i = 0; i < 40; ++i) fields.fields.push_back(rule("f" + std::to_string(i), FieldType::string));
  const Fate many = with(fields).one("{}");
  CHECK(many.details.find(R"("f31: is missing","and 8 more"])") != std::string::npos);
}
