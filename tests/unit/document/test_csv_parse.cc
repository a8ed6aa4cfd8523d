#include <nlohmann/json.hpp>
#include <random>

#include "tests/support/catch.h"
#include "tests/unit/document/document_fixture.h"

using namespace weir;
using weir::test::Bench;

TEST_CASE("CSV fields are strings by column, empty ones are missing, nothing is trimmed", "[csv]") {
  Bench bench({{"b"}, {"c"}, {"none"}});
  const auto parsed = bench.csv(R"(1, x ,"","quoted, ""twice""",)", "a,b,c,d,e");
  REQUIRE(parsed.good);
  CHECK(parsed.document[0].span() == " x ");
  CHECK(parsed.document[0].kind == ValueKind::text);
  CHECK(parsed.document[0].has(value_flag::tabular));
  CHECK(parsed.document[1].kind == ValueKind::missing);
  CHECK(parsed.document[2].kind == ValueKind::missing);
  CHECK(bench.encode(parsed.document) == R"({"a":"1","b":" x ","d":"quoted, \"twice\""})");
}

TEST_CASE("a quoted CSV field may hold separators and line breaks, and the record leaves as one line", "[csv]") {
  Bench bench;
  const auto parsed = bench.csv("\"a\nb\r\n\",\"\tx\\\"", "one,\"two \"\"2\"\"\"");
  REQUIRE(parsed.good);
  CHECK(bench.encode(parsed.document) == R"({"one":"a\nb\r\n","two \"2\"":"\tx\\"})");
}

TEST_CASE("a quote inside an unquoted field is an ordinary character", "[csv]") {
  Bench bench;
  const auto parsed = bench.csv(R"(5" pipe,x)", "a,b");
  REQUIRE(parsed.good);
  CHECK(bench.encode(parsed.document) == R"({"a":"5\" pipe","b":"x"})");
}

TEST_CASE("another separator is taken from the options", "[csv]") {
  Bench bench({}, ParserOptions{.csv_separator = ';'});
  const auto parsed = bench.csv("1,5;\"a;b\"", "x;y");
  REQUIRE(parsed.good);
  CHECK(bench.encode(parsed.document) == R"({"x":"1,5","y":"a;b"})");
}

TEST_CASE("CSV records that do not fit their header are malformed, their neighbours pass", "[csv]") {
  Bench bench;
  const auto few = bench.csv("1,2", "a,b,c");
  CHECK_FALSE(few.good);
  CHECK(few.problem.fields == 2);
  CHECK(few.problem.fields_expected == 3);
  const auto many = bench.csv("1,2,3,", "a,b,c");
  CHECK_FALSE(many.good);
  CHECK(many.problem.fields == 4);
  const auto behind = bench.csv(R"(1,"x"y,3)", "a,b,c");
  CHECK_FALSE(behind.good);
  CHECK(std::string_view(behind.problem.what) == "text behind the closing quote of a field");
  CHECK(behind.problem.at == 2);
  const auto open = bench.csv(R"(1,2,"x)", "a,b,c");
  CHECK_FALSE(open.good);
  CHECK(std::string_view(open.problem.what) == "a quoted field does not end");
  const auto twice = bench.csv("1,2", "a,a");
  CHECK_FALSE(twice.good);
  const auto utf8 = bench.csv("1,\xff,3", "a,b,c");
  CHECK_FALSE(utf8.good);
  CHECK(utf8.problem.kind == ParseProblem::Kind::encoding);
  CHECK(bench.csv("1,2,3", "a,b,c").good);
}

TEST_CASE("a NUL byte makes a CSV record malformed, in an unquoted and in a quoted field", "[csv]") {
  Bench bench;
  for (const std::string& record : {std::string("1,a\0b,3", 7), std::string("1,\"a\0b\",3", 9), std::string("\0,2,3", 5)}) {
    const auto parsed = bench.csv(record, "a,b,c");
    CHECK_FALSE(parsed.good);
    CHECK(parsed.problem.kind == ParseProblem::Kind::malformed);
    CHECK(std::string_view(parsed.problem.what) == "a NUL byte");
    CHECK(parsed.problem.at == record.find('\0'));
  }
  CHECK(bench.csv("1,\"a\tb\\\",3", "a,b,c").good);
}

TEST_CASE("records written by a CSV writer come back field by field", "[csv]") {
  const std::uint32_t seed = 4180;
  INFO("seed " << seed);
  std::mt19937 random(seed);
  const std::vector<std::string> atoms = {"a", ",", "\"", "\n", "é", " ", "0123456789abcdef0123", "\\", "\t"};
  for (int i = 0; i < 20'000; ++i) {
    Bench bench({{"c1"}});
    const std::size_t columns = 1 + random() % 6;
    std::string header;
    std::string record;
    nlohmann::ordered_json expected = nlohmann::ordered_json::object();
    for (std::size_t c = 0; c < columns; ++c) {
      std::string field;
      for (auto n = random() % 6; n > 0; --n) field += atoms[random() % atoms.size()];
      const bool quoted = field.find_first_of(",\"\n") != std::string::npos || random() % 4 == 0;
      std::string written;
      for (const char ch : field) written += ch == '"' && quoted ? "\"\"" : std::string(1, ch);
      if (c > 0) {
        header += ',';
        record += ',';
      }
      header += "c" + std::to_string(c);
      record += quoted ? '"' + written + '"' : written;
      if (!field.empty()) expected["c" + std::to_string(c)] = field;
    }
    const auto parsed = bench.csv(record, header);
    REQUIRE(parsed.good);
    if (bench.encode(parsed.document) != expected.dump()) {
      INFO(record);
      CHECK(bench.encode(parsed.document) == expected.dump());
    }
  }
}
