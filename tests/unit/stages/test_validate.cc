#include "tests/support/catch.h"
#include "tests/unit/stages/chain_fixture.h"

using namespace weir;
using namespace weir::test;

namespace {
Chain with(std::vector<FieldRule> rules, const std::string& csv_header = "") {
  Chain chain;
  chain.csv_header = csv_header;
  ValidateConfig validate;
  validate.fields = std::move(rules);
  chain.config.stages = {stage("validate", validate)};
  return chain;
}
std::string letter(const Fate& fate) {
  return fate.reason + " " + fate.details;
}
}  // namespace

TEST_CASE("declared fields must be there and not null unless they say so", "[validate]") {
  FieldRule optional = rule("b", FieldType::string);
  optional.required = false;
  FieldRule nullable = rule("c", FieldType::any);
  nullable.nullable = true;
  Chain chain = with({rule("a", FieldType::any), optional, nullable});
  CHECK(chain.one(R"({"a":1,"b":"x","c":null})").record == R"({"a":1,"b":"x","c":null})");
  CHECK(chain.one(R"({"a":1,"c":2})").verdict == Verdict::pass);
  CHECK(letter(chain.one(R"({"b":"x","c":1})")) == R"(field_missing ["a: is missing"])");
  CHECK(letter(chain.one(R"({"a":null,"c":1})")) == R"(field_type ["a: is null"])");
  CHECK(letter(chain.one(R"({"a":1,"b":null,"c":1})")) == R"(field_type ["b: is null"])");
  CHECK(chain.one("{}").stage == "validate");
}

TEST_CASE("JSON types are checked and never converted by themselves", "[validate]") {
  const std::vector<std::pair<FieldType, std::vector<std::string>>> good = {
      {FieldType::string, {R"("")", R"("5")"}},
      {FieldType::integer, {"0", "-0", "9223372036854775807", "-9223372036854775808"}},
      {FieldType::decimal, {"1", "1.50", "1e3", "12345678901234567890123456789012345678", "0.000000000000000001"}},
      {FieldType::boolean, {"true", "false"}},
      {FieldType::object, {"{}"}},
      {FieldType::array, {"[]"}}};
  for (const auto& [type, values] : good) {
    Chain chain = with({rule("x", type)});
    for (const std::string& value : values) {
      INFO(value);
      CHECK(chain.one(R"({"x":)" + value + "}").record == R"({"x":)" + value + "}");
    }
  }
  const std::vector<std::tuple<FieldType, std::string, std::string>> bad = {
      {FieldType::string, "5", R"(field_type ["x: 5 is not of type string"])"},
      {FieldType::integer, R"("5")", R"(field_type ["x: \"5\" is not of type integer"])"},
      {FieldType::integer, "5.0", R"(field_type ["x: 5.0 is not of type integer"])"},
      {FieldType::integer, "1e3", R"(field_type ["x: 1e3 is not of type integer"])"},
      {FieldType::integer, "9223372036854775808", R"(number_range ["x: 9223372036854775808 is beyond 64 bits"])"},
      {FieldType::integer, "-9223372036854775809", R"(number_range ["x: -9223372036854775809 is beyond 64 bits"])"},
      {FieldType::decimal, "true", R"(field_type ["x: true is not of type decimal"])"},
      {FieldType::decimal, "123456789012345678901234567890123456789",
       R"(number_range ["x: 123456789012345678901234567890123456789 has more than 38 digits or 18 behind the point"])"},
      {FieldType::decimal, "1e99", R"(number_range ["x: 1e99 has more than 38 digits or 18 behind the point"])"},
      {FieldType::decimal, "0.0000000000000000001",
       R"(number_range ["x: 0.0000000000000000001 has more than 38 digits or 18 behind the point"])"},
      {FieldType::boolean, R"("true")", R"(field_type ["x: \"true\" is not of type boolean"])"},
      {FieldType::object, "[1, 2]", R"(field_type ["x: [1,2] is not of type object"])"},
      {FieldType::array, "{}", R"(field_type ["x: {} is not of type array"])"}};
  for (const auto& [type, value, expected] : bad)
    CHECK(letter(with({rule("x", type)}).one(R"({"x":)" + value + "}")) == expected);
}

TEST_CASE("CSV text becomes the declared type, with legal JSON numbers", "[validate]") {
  const auto converted = [](FieldType type, const std::string& text) {
    const Fate fate = with({rule("x", type)}, "x,y").one(text + ",1");
    return fate.verdict == Verdict::pass ? fate.record : letter(fate);
  };
  CHECK(converted(FieldType::integer, "6") == R"({"x":6,"y":"1"})");
  CHECK(converted(FieldType::integer, "007") == R"({"x":7,"y":"1"})");
  CHECK(converted(FieldType::integer, "+3") == R"({"x":3,"y":"1"})");
  CHECK(converted(FieldType::integer, "-12") == R"({"x":-12,"y":"1"})");
  CHECK(converted(FieldType::decimal, ".5") == R"({"x":0.5,"y":"1"})");
  CHECK(converted(FieldType::decimal, "17850.10") == R"({"x":17850.10,"y":"1"})");
  CHECK(converted(FieldType::decimal, "1.") == R"({"x":1,"y":"1"})");
  CHECK(converted(FieldType::decimal, "-00.50") == R"({"x":-0.50,"y":"1"})");
  CHECK(converted(FieldType::boolean, "TRUE") == R"({"x":true,"y":"1"})");
  CHECK(converted(FieldType::boolean, "false") == R"({"x":false,"y":"1"})");
  CHECK(converted(FieldType::string, "17850.0") == R"({"x":"17850.0","y":"1"})");
  CHECK(converted(FieldType::any, "6") == R"({"x":"6","y":"1"})");
  CHECK(converted(FieldType::integer, "6.0") == R"(field_type ["x: \"6.0\" is not of type integer"])");
  CHECK(converted(FieldType::integer, "007.0") == R"(field_type ["x: \"007.0\" is not of type integer"])");
  CHECK(converted(FieldType::integer, " 6") == R"(field_type ["x: \" 6\" is not of type integer"])");
  CHECK(converted(FieldType::decimal, "1,5").substr(0, 9) == "malformed");
  CHECK(converted(FieldType::decimal, "abc") == R"(field_type ["x: \"abc\" is not of type decimal"])");
  CHECK(converted(FieldType::boolean, "yes") == R"(field_type ["x: \"yes\" is not of type boolean"])");
  CHECK(converted(FieldType::integer, "") == R"(field_missing ["x: is missing"])");
  CHECK(converted(FieldType::decimal, "00000000000000000000000000000000000000000001") == R"({"x":1,"y":"1"})");
}

TEST_CASE("coercion on JSON text replaces the value where it stands, also below a field", "[validate]") {
  FieldRule top = rule("q", FieldType::integer);
  top.coerce = true;
  FieldRule inner = rule("attrs.qty", FieldType::decimal);
  inner.coerce = true;
  Chain chain = with({top, inner});
  CHECK(chain.one(R"({"q":"5","attrs":{"a":1,"qty":"007.50"},"z":1})").record ==
        R"({"q":5,"attrs":{"a":1,"qty":7.50},"z":1})");
  CHECK(chain.one(R"({"q":5,"attrs":{"qty":"1.5"}})").record == R"({"q":5,"attrs":{"qty":1.5}})");
  CHECK(chain.one(R"({"q":"\u0035","attrs":{"qty":1}})").record == R"({"q":5,"attrs":{"qty":1}})");
  FieldRule off = rule("x", FieldType::integer);
  off.coerce = false;
  CHECK(with({off}, "x").one("5").reason == "field_type");
}

TEST_CASE("min and max are inclusive, above and below are not, whatever the number's spelling", "[validate]") {
  const auto passes = [](auto set, const std::string& value) {
    FieldRule bounded = rule("x", FieldType::decimal);
    set(bounded);
    return with({bounded}).one(R"({"x":)" + value + "}").verdict == Verdict::pass;
  };
  const auto min = [](FieldRule& r) { r.min = "0.005"; };
  const auto max = [](FieldRule& r) { r.max = "10"; };
  const auto above = [](FieldRule& r) { r.above = "0"; };
  const auto below = [](FieldRule& r) { r.below = "100000000000000000000"; };
  CHECK(passes(min, "0.005"));
  CHECK(passes(min, "0.01"));
  CHECK_FALSE(passes(min, "0.00"));
  CHECK_FALSE(passes(min, "0.0049999999"));
  CHECK(passes(max, "10.000"));
  CHECK(passes(max, "1e1"));
  CHECK_FALSE(passes(max, "10.0000000001"));
  CHECK_FALSE(passes(above, "0"));
  CHECK_FALSE(passes(above, "-0.00"));
  CHECK_FALSE(passes(above, "0e0"));
  CHECK(passes(above, "0.000001"));
  CHECK(passes(above, "0.000000000000000001"));
  CHECK_FALSE(passes(above, "-999999999999999999"));
  CHECK(passes(below, "99999999999999999999"));
  CHECK_FALSE(passes(below, "100000000000000000000.0"));
}

TEST_CASE("allowed values and lengths are violations of range", "[validate]") {
  FieldRule currency = rule("c", FieldType::string);
  for (const char* code : {"EUR", "GBP", "a currency with a long name", "a currency with a long name too", ""})
    currency.one_of.push_back(string(code));
  FieldRule level = rule("n", FieldType::integer);
  level.one_of = {number("1"), number("2.0")};
  level.required = false;
  FieldRule name = rule("s", FieldType::string);
  name.length_min = 2;
  name.length_max = 3;
  name.required = false;
  Chain chain = with({currency, level, name});
  for (const std::string good : {R"({"c":"EUR"})", R"({"c":"\u0047BP","n":2,"s":"äöü"})",
                                 R"({"c":"a currency with a long name too"})", R"({"c":""})"}) {
    INFO(good);
    CHECK(chain.one(good).verdict == Verdict::pass);
  }
  CHECK(letter(chain.one(R"({"c":"EU"})")) == R"(field_range ["c: \"EU\" is none of the allowed values"])");
  CHECK(letter(chain.one(R"({"c":"a currency with a long namE"})")).substr(0, 11) == "field_range");
  CHECK(letter(chain.one(R"({"c":"EUR","n":3})")) == R"(field_range ["n: 3 is none of the allowed values"])");
  CHECK(letter(chain.one(R"({"c":"EUR","s":"é"})")) == R"(field_range ["s: 1 characters, at least 2 are needed"])");
  CHECK(letter(chain.one(R"({"c":"EUR","s":"abcd"})")) == R"(field_range ["s: 4 characters, at most 3 are allowed"])");
}

TEST_CASE("all violations are listed, the first one is the reason", "[validate]") {
  FieldRule quantity = rule("Quantity", FieldType::integer);
  quantity.min = "1";
  FieldRule price = rule("UnitPrice", FieldType::decimal);
  price.above = "0";
  price.below = "100";
  Chain chain = with({rule("Country", FieldType::string), quantity, price}, "Quantity,UnitPrice,Country");
  CHECK(letter(chain.one("0,0.00,")) ==
        R"(field_missing ["Country: is missing","Quantity: 0 is below 1","UnitPrice: 0.00 is not above 0"])");
  CHECK(letter(chain.one("x,100,F")) ==
        R"(field_type ["Quantity: \"x\" is not of type integer","UnitPrice: 100 is not below 100"])");
  CHECK(chain.one("1,99.99,F").verdict == Verdict::pass);
}

TEST_CASE("long values are shortened in the details, between characters", "[validate]") {
  Chain chain = with({rule("x", FieldType::integer)});
  std::string text;
  for (int i = 0; i < 100; ++i) text += "é";
  const std::string details = chain.one(R"({"x":")" + text + R"("})").details;
  CHECK(details == R"(["x: \")" + text.substr(0, 64) + R"(… is not of type integer"])");
  const std::string escapes =
      chain.one(R"({"x":"aaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaa\u00e9\u00e9"})").details;
  CHECK(escapes ==
        R"(["x: \"aaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaa… is not of type integer"])");
}

TEST_CASE("a bound that is no number is refused when the stage is compiled", "[validate]") {
  FieldRule bad = rule("x", FieldType::integer);
  bad.min = "ten";
  Chain chain = with({bad});
  CHECK(chain.compile().error().code == Errc::config_invalid);
}
