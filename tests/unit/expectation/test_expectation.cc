// The rules by which `weir test` compares, and the words in which it says what differs.
#include "cluster/node/expectation.h"
#include "tests/support/catch.h"

#include <random>

namespace weir {
namespace {

TestValue json(std::string_view text) {
  auto value = parse_test_value(text);
  if (!value) FAIL(describe(value.error()));
  return std::move(*value);
}
std::string text_of(const TestValue& value) {
  std::string text;
  append_json(text, value);
  return text;
}
std::vector<TestValue> rows(std::string_view list) {
  return json(list).items;
}

std::vector<std::string> compare(const ExpectedRows& expected, std::string_view actual) {
  std::vector<Difference> differences;
  compare_rows({"v", {"k"}, {}, {}}, expected, rows(actual), differences);
  std::vector<std::string> lines;
  for (const Difference& d : differences)
    lines.push_back(d.where + " | " + d.expected + " | " + d.actual + " | " + d.note);
  return lines;
}
ExpectedRows exactly(std::string_view list) {
  ExpectedRows expected;
  expected.rows = rows(list);
  return expected;
}
ExpectedRows at_least(std::string_view list) {
  ExpectedRows expected = exactly(list);
  expected.contains = true;
  return expected;
}
using Lines = std::vector<std::string>;

TEST_CASE("JSON keeps its order and the spelling of its numbers", "[expectation]") {
  for (const std::string text :
       {R"({"b":1.50,"a":[1e3,-0.0,123456789012345678901234567890,true,null],"c":{"x":"é\"\n"}})", "[]", "{}", "\"\"",
        "17850.10"})
    CHECK(text_of(json(text)) == text);
  CHECK(!parse_test_value("{"));
  CHECK(!parse_test_value("{} {}"));
}

TEST_CASE("numbers are equal by value, and never to texts", "[expectation]") {
  CHECK(meets(json("15.30"), json("15.3")));
  CHECK(meets(json("1000"), json("1e3")));
  CHECK(meets(json("0.1"), json("0.100000000000000000")));
  CHECK(!meets(json("0.1"), json("0.100000000000000001")));
  CHECK(!meets(json("9007199254740993"), json("9007199254740992")));  // equal as binary floating point
  CHECK(!meets(json("1"), json("\"1\"")));
  CHECK(!meets(json("\"1\""), json("1")));
  CHECK(!meets(json("true"), json("\"true\"")));
  // Beyond what weir computes with only the spelling can say it.
  CHECK(meets(json("1e99"), json("1e99")));
  CHECK(!meets(json("1e99"), json("1e98")));
}

TEST_CASE("maps are compared by the keys they name, lists whole", "[expectation]") {
  CHECK(meets(json(R"({"a":1})"), json(R"({"b":2,"a":1.0})")));
  CHECK(!meets(json(R"({"a":1})"), json(R"({"a":2})")));
  CHECK(!meets(json(R"({"a":1})"), json("{}")));
  CHECK(meets(json(R"({"a":null})"), json("{}")));
  CHECK(meets(json(R"({"a":null})"), json(R"({"a":null})")));
  CHECK(!meets(json(R"({"a":null})"), json(R"({"a":0})")));
  CHECK(meets(json("[1,{\"a\":1}]"), json("[1,{\"a\":1,\"b\":1}]")));
  CHECK(!meets(json("[1]"), json("[1,2]")));
  CHECK(!meets(json("[2,1]"), json("[1,2]")));
}

TEST_CASE("a field is found by its name, else by its path", "[expectation]") {
  const TestValue row = json(R"({"a":{"b":{"c":1}},"a.b":2})");
  CHECK(text_of(*field_of(row, "a.b")) == "2");
  CHECK(text_of(*field_of(row, "a.b.c")) == "1");
  CHECK(field_of(row, "a.x") == nullptr);
  CHECK(field_of(row, "a.b.c.d") == nullptr);
}

TEST_CASE("a list of rows means exactly these, in any order", "[expectation]") {
  CHECK(compare(exactly("[]"), "[]").empty());
  CHECK(compare(exactly(R"([{"k":"b"},{"k":"a"}])"), R"([{"k":"a","n":1},{"k":"b","n":2}])").empty());
  CHECK(compare(exactly(R"([{"k":"a"}])"), R"([{"k":"a"},{"k":"b"}])") == Lines{R"(v |  | {"k":"b"} | not expected)"});
  CHECK(compare(exactly(R"([{"k":"a"},{"k":"b"}])"), R"([{"k":"a"}])") == Lines{R"(v | {"k":"b"} |  | no such row)"});
  CHECK(compare(exactly(R"([{"k":"a"},{"k":"a"}])"), R"([{"k":"a"}])") == Lines{R"(v | {"k":"a"} |  | no such row)"});
  CHECK(compare(at_least(R"([{"k":"a"}])"), R"([{"k":"a"},{"k":"b"}])").empty());
  CHECK(compare(at_least("[]"), R"([{"k":"a"}])").empty());
}

TEST_CASE("count alone says nothing about the rows", "[expectation]") {
  ExpectedRows expected;
  expected.count = 2;
  CHECK(compare(expected, R"([{"k":"a"},{"k":"b"}])").empty());
  CHECK(compare(expected, R"([{"k":"a"}])") == Lines{"v.count | 2 | 1 | "});
  ExpectedRows both = at_least(R"([{"k":"c"}])");
  both.count = 1;
  CHECK(compare(both, R"([{"k":"a"}])") == Lines{R"(v | {"k":"c"} |  | no such row)"});
}

TEST_CASE("a row that comes near is shown field by field, under its key", "[expectation]") {
  CHECK(compare(exactly(R"([{"k":"a","n":1,"m":2}])"), R"([{"k":"b","n":1,"m":9},{"k":"a","n":1,"m":3}])") ==
        Lines{R"(v {"k":"a"} m | 2 | 3 | )", R"(v |  | {"k":"b","n":1,"m":9} | not expected)"});
  // Rows without the key show what they have in common.
  CHECK(compare(exactly(R"([{"x":1,"y":2}])"), R"([{"x":1,"y":3}])") == Lines{R"(v {"x":1} y | 2 | 3 | )"});
  CHECK(compare(exactly(R"([{"k":"a","n":1}])"), R"([{"k":"a"}])") == Lines{R"(v {"k":"a"} n | 1 |  | )"});
}

TEST_CASE("a text that looks like the expected number is explained", "[expectation]") {
  CHECK(
      compare(exactly(R"([{"k":"a","n":1}])"), R"([{"k":"a","n":"1"}])") ==
      Lines{
          R"(v {"k":"a"} n | 1 | "1" | a text is never equal to a number: put the expected value into quotes, or declare the field a number in validate)"});
  CHECK(compare(exactly(R"([{"k":"a","n":"1"}])"), R"([{"k":"a","n":1}])") ==
        Lines{R"(v {"k":"a"} n | "1" | 1 | a number is never equal to a text: leave the quotes out)"});
}

TEST_CASE("of rows with much to say only some fields are shown, and why they are what they are", "[expectation]") {
  const RowNames names{"letters", {"id"}, {"id", "reason", "details"}, "details"};
  std::vector<Difference> found;
  const std::string_view letters =
      R"([{"id":"a","door":"d","reason":"r","details":["x: bad"]},{"id":"b","reason":"s","details":[]}])";
  compare_rows(names, exactly(R"([{"id":"a","reason":"q"}])"), rows(letters), found);
  REQUIRE(found.size() == 2);
  CHECK(found[0].where == R"(letters {"id":"a"} reason)");
  CHECK(found[0].note == R"(its details: ["x: bad"])");
  CHECK(found[1].actual == R"({"id":"b","reason":"s","details":[]})");
  found.clear();
  compare_rows(names, exactly("[]"), rows(letters), found);
  REQUIRE(found.size() == 2);
  CHECK(found[0].actual == R"({"id":"a","reason":"r","details":["x: bad"]})");
}

TEST_CASE("a text for details is looked for in each of them, a list is all of them", "[expectation]") {
  const std::string_view letter = R"([{"k":"a","details":["x: 0 is not above 0","y: missing"]}])";
  CHECK(compare(exactly(R"([{"details":"y: miss"}])"), letter).empty());
  CHECK(compare(exactly(R"([{"details":["x: 0 is not above 0","y: missing"]}])"), letter).empty());
  CHECK(compare(exactly(R"([{"k":"a","details":"z"}])"), letter).size() == 1);
  CHECK(compare(exactly(R"([{"k":"a","details":["y: missing"]}])"), letter).size() == 1);
}

TEST_CASE("rows that name few fields are matched so that as many as can be are met", "[expectation]") {
  // Greedy matching would give {"n":1} to the row that only {"k":"a"} can have.
  CHECK(compare(exactly(R"([{"n":1},{"k":"a"}])"), R"([{"k":"a","n":1},{"k":"b","n":1}])").empty());
  CHECK(compare(exactly(R"([{},{"n":1},{"n":1,"k":"a"}])"), R"([{"k":"a","n":1},{"k":"b","n":1},{"k":"c","n":2}])")
            .empty());
}

TEST_CASE("rows shuffled and thinned out always meet, and one changed value never does", "[expectation]") {
  constexpr std::uint64_t kSeed = 20261127;
  std::mt19937_64 random(kSeed);
  UNSCOPED_INFO("seed " << kSeed);
  for (int round = 0; round < 300; ++round) {
    const std::size_t count = 1 + random() % 12;
    std::vector<TestValue> actual;
    for (std::size_t i = 0; i < count; ++i)
      actual.push_back(json(fmt::format(R"({{"k":"{}","n":{},"m":{}}})", i, random() % 3, random() % 3)));
    ExpectedRows expected;
    for (TestValue row : actual) {
      for (std::size_t drop = random() % 3; drop > 0; --drop)
        row.fields.erase(row.fields.begin() + static_cast<std::ptrdiff_t>(random() % row.fields.size()));
      expected.rows.push_back(std::move(row));
    }
    std::shuffle(expected.rows.begin(), expected.rows.end(), random);
    std::vector<Difference> differences;
    compare_rows({"v", {"k"}, {}, {}}, expected, actual, differences);
    REQUIRE(differences.empty());
    expected.rows[random() % count].fields.front().value = json("\"changed\"");
    compare_rows({"v", {"k"}, {}, {}}, expected, actual, differences);
    REQUIRE(!differences.empty());
  }
}

TEST_CASE("no more than ten rows of a kind are shown", "[expectation]") {
  std::string many = "[";
  for (int i = 0; i < 25; ++i) many += fmt::format("{}{{\"k\":{}}}", i == 0 ? "" : ",", i);
  many += "]";
  const Lines unexpected = compare(exactly("[]"), many);
  REQUIRE(unexpected.size() == 11);
  CHECK(unexpected.back() == "v |  |  | and 15 more rows are not expected");
  const Lines missing = compare(exactly(many), "[]");
  REQUIRE(missing.size() == 11);
  CHECK(missing.back() == "v |  |  | and 15 more rows are missing");
}

}  // namespace
}  // namespace weir
