#include "tests/support/catch.h"
#include "tests/unit/stages/chain_fixture.h"

using namespace weir;
using namespace weir::test;

namespace {
FieldTest one_of(const std::string &field, std::vector<Constant> values) {
  FieldTest test;
  test.path = path(field);
  test.one_of = std::move(values);
  return test;
}
FieldTest bounds(const std::string &field, std::optional<std::string> min,
                 std::optional<std::string> max,
                 std::optional<std::string> above = {},
                 std::optional<std::string> below = {}) {
  FieldTest test;
  test.path = path(field);
  test.min = std::move(min);
  test.max = std::move(max);
  test.above = std::move(above);
  test.below = std::move(below);
  return test;
}
Chain filtering(ConditionConfig condition, bool keep = true) {
  TransformConfig transform;
  transform.filter = FilterConfig{keep, std::move(condition)};
  Chain chain;
  chain.config.stages = {stage("transform", std::move(transform))};
  return chain;
}
bool kept(const FieldTest &test, const std::string &frame) {
  const Fate fate = filtering({{{test}}}).one(frame);
  REQUIRE(fate.verdict != Verdict::reject);
  return fate.verdict == Verdict::pass;
}
} // namespace

TEST_CASE("a filter keeps or drops what its condition holds for, and nothing "
          "is a dead letter",
          "[transform][filter]") {
  const ConditionConfig france{{{one_of("Country", {string("France")})}}};
  for (const bool keep : {true, false}) {
    Chain chain = filtering(france, keep);
    const auto fates =
        chain.run({R"({"Country":"France"})", R"({"Country":"Spain"})", "{}",
                   R"({"Country":null})"});
    CHECK((fates[0].verdict == Verdict::pass) == keep);
    for (std::size_t i = 1; i < 4; ++i)
      CHECK((fates[i].verdict == Verdict::filter) == keep);
  }
}

TEST_CASE("values are equal as JSON values are", "[transform][filter]") {
  const FieldTest values = one_of("a", {number("1.50"),
                                        string("x"),
                                        {Constant::Kind::boolean, "true"},
                                        Constant{}});
  CHECK(kept(values, R"({"a":1.5})"));
  CHECK(kept(values, R"({"a":"x"})"));
  CHECK(kept(values, R"({"a":"\u0078"})"));
  CHECK(kept(values, R"({"a":true})"));
  CHECK(kept(values, R"({"a":null})"));
  CHECK_FALSE(kept(values, R"({"a":"1.5"})"));
  CHECK_FALSE(kept(values, R"({"a":"true"})"));
  CHECK_FALSE(kept(values, R"({"a":["x"]})"));
  CHECK_FALSE(kept(values, "{}"));
  FieldTest others = values;
  std::swap(others.one_of, others.none_of);
  CHECK_FALSE(kept(others, R"({"a":1.5})"));
  CHECK(kept(others, R"({"a":2})"));
  CHECK(kept(others, "{}"));
}

TEST_CASE("bounds hold for numbers inside them and for nothing else",
          "[transform][filter]") {
  const FieldTest closed = bounds("a", "-1", "2.5");
  for (const char *inside : {"-1", "0", "2.50", "25e-1"})
    CHECK(kept(closed, std::string(R"({"a":)") + inside + "}"));
  for (const char *outside :
       {"-1.000001", "2.51", "\"1\"", "null", "true", "[1]", "1e99"})
    CHECK_FALSE(kept(closed, std::string(R"({"a":)") + outside + "}"));
  CHECK_FALSE(kept(closed, "{}"));
  const FieldTest open = bounds("a", {}, {}, "0", "1");
  CHECK(kept(open, R"({"a":0.000000000000000001})"));
  CHECK_FALSE(kept(open, R"({"a":0})"));
  CHECK_FALSE(kept(open, R"({"a":1.0})"));
  Chain csv = filtering({{{bounds("a", "2", {})}}});
  csv.csv_header = "a";
  const auto fates = csv.run({"10", "1", "x", "2.0"});
  CHECK(fates[0].verdict == Verdict::pass);
  CHECK(fates[1].verdict == Verdict::filter);
  CHECK(fates[2].verdict == Verdict::filter);
  CHECK(fates[3].verdict == Verdict::pass);
}

TEST_CASE("exists means there and not null", "[transform][filter]") {
  for (const bool wanted : {true, false}) {
    FieldTest test;
    test.path = path("o.a");
    test.exists = wanted;
    CHECK(kept(test, R"({"o":{"a":0}})") == wanted);
    CHECK(kept(test, R"({"o":{"a":null}})") != wanted);
    CHECK(kept(test, R"({"o":{}})") != wanted);
    CHECK(kept(test, R"({"o":1})") != wanted);
  }
}

TEST_CASE("all tests of one of the lists must hold", "[transform][filter]") {
  Chain chain =
      filtering({{{one_of("a", {number("1")}), one_of("b", {number("2")})},
                  {one_of("c", {number("3")})}}});
  const auto passes = [&](const char *frame) {
    return chain.one(frame).verdict == Verdict::pass;
  };
  CHECK(passes(R"({"a":1,"b":2})"));
  CHECK(passes(R"({"c":3})"));
  CHECK_FALSE(passes(R"({"a":1,"b":3})"));
  CHECK_FALSE(passes(R"({"b":2})"));
  CHECK(passes(R"({"a":9,"b":2,"c":3})"));
}

TEST_CASE("a filter sees the envelope, what set made and what will be dropped",
          "[transform][filter]") {
  TransformConfig transform;
  transform.set = {{"double", form(Expression::Kind::multiply,
                                   {copy("a"), constant(number("2"))})}};
  transform.filter = FilterConfig{
      true,
      {{{bounds("double", "4", {}), one_of("a", {number("2"), number("3")}),
         one_of("@source", {string("file:test")})}}}};
  transform.drop = {"a"};
  Chain chain;
  chain.config.stages = {stage("transform", std::move(transform))};
  const auto fates =
      chain.run({R"({"a":1})", R"({"a":2})", R"({"a":4})", R"({"a":3,"b":0})"});
  CHECK(fates[0].verdict == Verdict::filter);
  CHECK(fates[1].record == R"({"double":4})");
  CHECK(fates[2].verdict == Verdict::filter);
  CHECK(fates[3].record == R"({"b":0,"double":6})");
}
