#include <fmt/format.h>

#include <map>
#include <random>

#include "tests/support/catch.h"
#include "tests/unit/stages/chain_fixture.h"

using namespace weir;
using namespace weir::test;

namespace {
Chain countries(OnMissing missing) {
  Chain chain;
  chain.files["countries.csv"] =
      "\xEF\xBB\xBF"
      "country,region,note\r\nFrance,EU,\"say \"\"oui\"\"\"\r\nEIRE,EU,\nJapan,Asia,x";
  EnrichConfig enrich;
  enrich.table = {"countries.csv", {"country"}, {}};
  enrich.key = {path("Country")};
  enrich.add = {{"region", "region"}, {"note", "note"}};
  enrich.missing = missing;
  enrich.fill = {{"region", string("unknown")}};
  chain.config.stages = {stage("enrich", enrich)};
  return chain;
}
Result<std::shared_ptr<const ReferenceTable>> table(std::string_view text, std::vector<std::string> key = {"k"}) {
  return ReferenceTable::parse(text, "t.csv", key);
}
}  // namespace

TEST_CASE("a hit adds the table's columns as strings, empty ones are missing", "[enrich]") {
  Chain chain = countries(OnMissing::pass);
  CHECK(chain.one(R"({"Country":"France","n":1})").record ==
        R"({"Country":"France","n":1,"region":"EU","note":"say \"oui\""})");
  CHECK(chain.one(R"({"Country":"EI\u0052E"})").record == R"({"Country":"EI\u0052E","region":"EU"})");
  CHECK(chain.one(R"({"region":"old","Country":"Japan"})").record ==
        R"({"region":"Asia","Country":"Japan","note":"x"})");
}

TEST_CASE("a miss passes, is filled or is rejected as configured", "[enrich]") {
  for (const std::string frame :
       {R"({"Country":"Atlantis"})", R"({"Country":null})", R"({"Other":1})", R"({"Country":["France"]})"}) {
    CHECK(countries(OnMissing::pass).one(frame).record == frame);
    CHECK(countries(OnMissing::fill).one(frame).record ==
          frame.substr(0, frame.size() - 1) + R"(,"region":"unknown"})");
    CHECK(countries(OnMissing::reject).one(frame).reason == "enrich_miss");
  }
  CHECK(countries(OnMissing::reject).one(R"({"Country":"Atlantis"})").details ==
        R"(["Country: \"Atlantis\" is not in the table"])");
  CHECK(countries(OnMissing::reject).one("{}").details == R"(["Country: is missing"])");
}

TEST_CASE("several key columns are found together and never run into each other", "[enrich]") {
  Chain chain;
  chain.files["t.csv"] = "a,b,v\nx,yz,1\nxy,z,2\n7,8,3\n";
  EnrichConfig enrich;
  enrich.table = {"t.csv", {"a", "b"}, {}};
  enrich.key = {path("p"), path("q.r")};
  enrich.add = {{"v", "v"}};
  chain.config.stages = {stage("enrich", enrich)};
  CHECK(chain.one(R"({"p":"x","q":{"r":"yz"}})").record == R"({"p":"x","q":{"r":"yz"},"v":"1"})");
  CHECK(chain.one(R"({"p":"xy","q":{"r":"z"}})").record == R"({"p":"xy","q":{"r":"z"},"v":"2"})");
  CHECK(chain.one(R"({"p":7,"q":{"r":8}})").record == R"({"p":7,"q":{"r":8},"v":"3"})");
  CHECK(chain.one(R"({"p":"x","q":{"r":"z"}})").record == R"({"p":"x","q":{"r":"z"}})");
  CHECK(chain.one(R"({"p":"x"})").record == R"({"p":"x"})");
}

TEST_CASE("a table that cannot be used says file, line and column", "[enrich]") {
  const auto context = [](std::string_view text, std::vector<std::string> key = {"k"}) {
    const auto result = table(text, std::move(key));
    return result ? std::string("good") : result.error().context;
  };
  CHECK(context("") == "t.csv:1:1: the table has no header line");
  CHECK(context("a,b\n1,2\n") == "t.csv:1:1: there is no column \"k\"; the columns are a, b");
  CHECK(context("k,k\n") == "t.csv:1:3: two columns are named \"k\"");
  CHECK(context("k,v\n1,2\n3\n") == "t.csv:3:1: 1 fields, the header has 2");
  CHECK(context("k,v\n1,\"a\nb\"\n\n") == "t.csv:4:1: 1 fields, the header has 2");
  CHECK(context("k,v\n1,2\n,3\n") == "t.csv:3:1: the key column \"k\" is empty");
  CHECK(context("k,v\n1,2\n2,2\n1,3\n") == "t.csv:4:1: the key \"1\" stands in line 2 already");
  CHECK(context("k,v\n1,\"2\n") == "t.csv:2:3: a quoted field does not end");
  CHECK(context("k,v\n\"1\"x,2\n") == "t.csv:2:4: text behind the closing quote of a field");
  CHECK(context("k,v\n1,\xff\n").substr(0, 14) == "t.csv:1:1: not");
  CHECK(context("k,v\n") == "good");
  Chain chain = countries(OnMissing::pass);
  chain.files.clear();
  CHECK(chain.compile().error().context == "countries.csv: no such file");
}

TEST_CASE("every row of a large table is found, and nothing else", "[enrich]") {
  const std::uint32_t seed = 5;
  INFO("seed " << seed);
  std::mt19937 random(seed);
  std::map<std::string, std::string> model;
  while (model.size() < 50'000) model.emplace("u" + std::to_string(random() % 1'000'000), std::to_string(random()));
  std::string text = "k,v\n";
  for (const auto& [key, value] : model) text += key + "," + value + "\n";
  const auto loaded = table(text);
  REQUIRE(loaded);
  const ReferenceTable& t = **loaded;
  CHECK(t.size() == 50'000);
  std::size_t wrong = 0;
  for (int i = 0; i < 200'000; ++i) {
    const std::string key = "u" + std::to_string(random() % 1'000'000);
    const auto row = t.find(key);
    const auto expected = model.find(key);
    const bool same = expected == model.end()
                          ? row == ReferenceTable::kNone
                          : row != ReferenceTable::kNone && t.value(row, 1).span() == expected->second;
    wrong += same ? 0 : 1;
  }
  CHECK(wrong == 0);
}

namespace {
Result<std::shared_ptr<const ReferenceTable>> json_table(std::string_view text, std::vector<std::string> key = {"k"},
                                                         TableFormat format = TableFormat::json) {
  return ReferenceTable::parse(text, "t.json", key, format);
}
Chain with_table(const std::string& text, const std::vector<std::string>& key, const std::vector<std::string>& add) {
  Chain chain;
  chain.files["t.json"] = text;
  EnrichConfig enrich;
  enrich.table = {"t.json", key, {}, TableFormat::json};
  for (const std::string& column : key) enrich.key.push_back(path(column));
  for (const std::string& column : add) enrich.add.emplace_back("x_" + column, column);
  chain.config.stages = {stage("enrich", enrich)};
  return chain;
}
}  // namespace

TEST_CASE("values of a JSON table keep their types", "[enrich]") {
  const std::string text = R"([{"k":"a","n":1.50,"s":"\u00e9\"","b":true,"z":null,"o":{ "x" : [1, 2] },"e":""},
                              {"k":7,"n":"seven"},{"k":false}])";
  Chain chain = with_table(text, {"k"}, {"n", "s", "b", "z", "o", "e"});
  CHECK(chain.one(R"({"k":"a"})").record ==
        R"({"k":"a","x_n":1.50,"x_s":"\u00e9\"","x_b":true,"x_z":null,"x_o":{"x":[1,2]},"x_e":""})");
  CHECK(chain.one(R"({"k":7})").record == R"({"k":7,"x_n":"seven"})");
  CHECK(chain.one(R"({"k":"7"})").record == R"({"k":"7","x_n":"seven"})");
  CHECK(chain.one(R"({"k":false,"x_n":1})").record == R"({"k":false})");
  CHECK(chain.one(R"({"k":"b"})").record == R"({"k":"b"})");
}

TEST_CASE("rows may stand under their keys, and a plain value is the column value", "[enrich]") {
  CHECK(with_table(R"({"DE":{"region":"EU"},"J\u0050":{"region":"Asia"}})", {"country"}, {"region"})
            .one(R"({"country":"JP"})")
            .record == R"({"country":"JP","x_region":"Asia"})");
  CHECK(
      with_table(R"({"EUR":1.1,"GBP":1.3})", {"currency"}, {"value", "currency"}).one(R"({"currency":"GBP"})").record ==
      R"({"currency":"GBP","x_value":1.3,"x_currency":"GBP"})");
}

TEST_CASE("JSON tables have several keys, forms of lines, and columns that some rows do not have", "[enrich]") {
  const auto pairs =
      json_table("{\"a\":\"x\",\"b\":1}\r\n\n{\"c\":2,\"b\":2,\"a\":\"x\"}\n", {"a", "b"}, TableFormat::ndjson);
  REQUIRE(pairs);
  CHECK((*pairs)->size() == 2);
  CHECK((*pairs)->columns() == std::vector<std::string>{"a", "b", "c"});
  std::string key;
  ReferenceTable::append_key_part(key, "x");
  ReferenceTable::append_key_part(key, "2");
  const auto row = (*pairs)->find(key);
  REQUIRE(row != ReferenceTable::kNone);
  CHECK((*pairs)->value(row, 2).span() == "2");
  CHECK((*pairs)->value(row, 2).kind == ValueKind::number);
  // A table without rows has every column, and nothing in it.
  for (const char* empty : {"[]", " { } "})
    CHECK(with_table(empty, {"k"}, {"v"}).one(R"({"k":1})").record == R"({"k":1})");
}

TEST_CASE("a JSON table that is wrong is refused with its place", "[enrich]") {
  const auto refused = [](const auto& result) { return result ? std::string("good") : result.error().context; };
  CHECK(refused(json_table("")) == "t.json:1:1: the table is empty; write an array of objects");
  CHECK(refused(json_table("5")) ==
        "t.json:1:1: the table must be an array of objects, or an object of rows under their keys");
  CHECK(refused(json_table("[{\"k\":1},\n5]")) == "t.json:2:1: a row must be an object");
  CHECK(refused(json_table("[{\"k\":1}\n{\"k\":2}]")) == "t.json:2:1: expected ',' or ']'");
  CHECK(refused(json_table("[{\"k\":1},\n{\"k\":}]")) == "t.json:2:6: expected a value");
  CHECK(refused(json_table("[{\"k\":1}")) == "t.json:1:9: expected ',' or ']'");
  CHECK(refused(json_table("[{\"k\":1}] x")) == "t.json:1:11: something stands behind the table");
  CHECK(refused(json_table("[{\"k\":1,\"k\":2}]")) == "t.json:1:2: a key stands twice in this object");
  CHECK(refused(json_table("[{\"k\":1},\n\n{\"k\":\"1\"}]")) == "t.json:3:1: the key \"1\" stands in line 1 already");
  CHECK(refused(json_table("[{\"k\":null}]")) == "t.json:1:2: the key column \"k\" is empty");
  CHECK(refused(json_table("[{\"k\":1},{\"v\":2}]")) == "t.json:1:10: the key column \"k\" is empty");
  CHECK(refused(json_table("[{\"k\":[]}]")) ==
        "t.json:1:2: the key column \"k\" is an array; a key is a text, number or boolean");
  CHECK(refused(json_table("[{\"v\":1}]")) == "t.json:1:1: there is no column \"k\"; the columns are v");
  CHECK(refused(json_table("{\"a\":{\"k\":1}}")) ==
        "t.json:1:2: the row under the key \"a\" has the column \"k\" too; leave one of them out");
  CHECK(refused(json_table("{\"a\":1,\n\"a\":2}")) == "t.json:2:1: the key \"a\" stands in line 1 already");
  CHECK(refused(json_table("{\"a\":1}", {"k", "l"})) ==
        "t.json:1:2: rows under their keys have one key column, 2 are asked for; write an array of objects");
  CHECK(refused(json_table("[{\"k\":\"\xff\"}]")) == "t.json:1:1: not UTF-8; save the table as UTF-8");
  CHECK(refused(json_table("{\"k\":1} {\"k\":2}\n", {"k"}, TableFormat::ndjson)) ==
        "t.json:1:9: something stands behind the row");
  CHECK(refused(json_table("{\"k\":\n1}\n", {"k"}, TableFormat::ndjson)) == "t.json:2:3: a row must stand in one line");
  std::string wide = "[{\"k\":1";
  for (int i = 0; i < 4'096; ++i) wide += fmt::format(",\"c{}\":1", i);
  CHECK(refused(json_table(wide + "}]")) == "t.json:1:2: more than 4096 columns");
}

TEST_CASE("a JSON table and the CSV of the same texts find the same rows", "[enrich]") {
  const std::uint64_t seed = 20260301;
  INFO("seed " << seed);
  std::mt19937_64 random(seed);
  std::string csv = "k,v\n";
  std::string json = "[";
  std::map<std::string, std::string> truth;
  for (int i = 0; i < 2'000; ++i) {
    const std::string key = fmt::format("key{}", random() % 3'000);
    if (!truth.emplace(key, fmt::format("v{}", i)).second) continue;
    csv += fmt::format("{},v{}\n", key, i);
    json += fmt::format("{}{{\"v\":\"v{}\",\"k\":\"{}\"}}\n", json.size() == 1 ? "" : ",", i, key);
  }
  const auto a = table(csv);
  const auto b = json_table(json + "]");
  REQUIRE(a);
  REQUIRE(b);
  for (int i = 0; i < 3'000; ++i) {
    const std::string key = fmt::format("key{}", i);
    const auto found = truth.find(key);
    const auto left = (*a)->find(key);
    const auto right = (*b)->find(key);
    REQUIRE((left != ReferenceTable::kNone) == (found != truth.end()));
    REQUIRE((right != ReferenceTable::kNone) == (found != truth.end()));
    if (found == truth.end()) continue;
    CHECK((*a)->value(left, 1).span() == found->second);
    CHECK((*b)->value(right, 0).span() == found->second);
  }
}
