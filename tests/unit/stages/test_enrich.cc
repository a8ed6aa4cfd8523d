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

TEST_CASE("a table that cannot be used says file and line", "[enrich]") {
  const auto context = [](std::string_view text, std::vector<std::string> key = {"k"}) {
    const auto result = table(text, std::move(key));
    return result ? std::string("good") : result.error().context;
  };
  CHECK(context("") == "t.csv:1: the table has no header line");
  CHECK(context("a,b\n1,2\n") == "t.csv:1: there is no column \"k\"; the columns are a, b");
  CHECK(context("k,k\n") == "t.csv:1: two columns are named \"k\"");
  CHECK(context("k,v\n1,2\n3\n") == "t.csv:3: 1 fields, the header has 2");
  CHECK(context("k,v\n1,\"a\nb\"\n\n") == "t.csv:4: 1 fields, the header has 2");
  CHECK(context("k,v\n1,2\n,3\n") == "t.csv:3: the key column \"k\" is empty");
  CHECK(context("k,v\n1,2\n2,2\n1,3\n") == "t.csv:4: the key \"1\" stands in line 2 already");
  CHECK(context("k,v\n1,\"2\n") == "t.csv:2: a quoted field does not end");
  CHECK(context("k,v\n\"1\"x,2\n") == "t.csv:2: text behind the closing quote of a field");
  CHECK(context("k,v\n1,\xff\n").substr(0, 10) == "t.csv: not");
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
