#include <nlohmann/json.hpp>
#include <random>

#include "tests/support/catch.h"
#include "tests/unit/stages/chain_fixture.h"

using namespace weir;
using namespace weir::test;
using Kind = Expression::Kind;

namespace {
SplitConfig split_of(const std::string &field, const std::string &as = {}) {
  SplitConfig split;
  split.field = path(field);
  split.as = as.empty() ? field : as;
  return split;
}
TransformConfig splitting(SplitConfig split) {
  TransformConfig transform;
  transform.split = std::move(split);
  return transform;
}
Chain chain_of(TransformConfig transform) {
  Chain chain;
  chain.config.stages = {stage("transform", std::move(transform))};
  return chain;
}
std::vector<std::string> records(const std::vector<Fate> &fates) {
  std::vector<std::string> out;
  for (const Fate &fate : fates) {
    if (fate.verdict == Verdict::pass)
      out.push_back(fate.record);
  }
  return out;
}
using Texts = std::vector<std::string>;
} // namespace

TEST_CASE("a split makes one record of every element, in order, with the "
          "fields of the event",
          "[transform][split]") {
  Chain chain = chain_of(splitting(split_of("items")));
  CHECK(
      records(chain.run(
          {R"({"order":7,"items":[{"sku":"a"}, 2 ,"x\n",null,[1, 2]],"who":"b"})"})) ==
      Texts{R"({"order":7,"items":{"sku":"a"},"who":"b"})",
            R"({"order":7,"items":2,"who":"b"})",
            R"({"order":7,"items":"x\n","who":"b"})",
            R"({"order":7,"items":null,"who":"b"})",
            R"({"order":7,"items":[1,2],"who":"b"})"});
  REQUIRE(chain.batch().events().size() == 5);
  for (std::size_t i = 0; i < 5; ++i) {
    CHECK(chain.batch().events()[i].part == i);
    CHECK(chain.batch().events()[i].index == 0);
  }
}

TEST_CASE("an element may take another field, the array is gone then",
          "[transform][split]") {
  CHECK(records(chain_of(splitting(split_of("items", "item")))
                    .run({R"({"items":[1,2],"a":0})"})) ==
        Texts{R"({"a":0,"item":1})", R"({"a":0,"item":2})"});
  CHECK(records(chain_of(splitting(split_of("o.items", "item")))
                    .run({R"({"o":{"n":3,"items":[1,2]}})"})) ==
        Texts{R"({"o":{"n":3,"items":null},"item":1})",
              R"({"o":{"n":3,"items":null},"item":2})"});
}

TEST_CASE("events around a split one keep their places", "[transform][split]") {
  Chain chain = chain_of(splitting(split_of("a")));
  const auto fates = chain.run(
      {R"({"a":[1]})", R"({"a":[]})", R"({"a":1})", "{}", R"({"a":[2,3]})"});
  REQUIRE(fates.size() == 6);
  CHECK(fates[0].record == R"({"a":1})");
  CHECK(fates[1].verdict == Verdict::filter);
  CHECK(fates[2].reason + fates[2].details ==
        R"(field_type["a is of type number, only an array can be split"])");
  CHECK(fates[3].reason + fates[3].details ==
        R"(field_missing["a is missing"])");
  CHECK(fates[4].record == R"({"a":2})");
  CHECK(fates[5].record == R"({"a":3})");
}

TEST_CASE("an event without the array passes whole where the rule says so",
          "[transform][split]") {
  SplitConfig split = split_of("a");
  split.missing = OnMissing::pass;
  TransformConfig transform = splitting(split);
  transform.set = {{"b", constant(number("1"))}};
  Chain chain = chain_of(transform);
  CHECK(records(chain.run({"{}", R"({"a":null})", R"({"a":[5]})"})) ==
        Texts{R"({"b":1})", R"({"a":null,"b":1})", R"({"a":5,"b":1})"});
}

TEST_CASE("set, filter and drop of the stage, and the stages behind it, see "
          "each part",
          "[transform][split]") {
  TransformConfig transform = splitting(split_of("items"));
  transform.set = {
      {"amount", form(Kind::multiply, {copy("items.n"), copy("price")})}};
  transform.filter = FilterConfig{
      true, {{{FieldTest{path("amount"), {}, {}, {}, {}, "10", {}, {}}}}}};
  transform.drop = {"items"};
  Chain chain = chain_of(transform);
  ValidateConfig validate;
  validate.fields = {rule("amount", FieldType::decimal)};
  validate.fields[0].max = "30";
  chain.config.stages.push_back(stage("validate", validate));
  CHECK(records(chain.run(
            {R"({"price":5,"items":[{"n":2},{"n":3},{"n":1},{"n":6}]})"})) ==
        Texts{R"({"price":5,"amount":15})", R"({"price":5,"amount":30})"});
  const auto fates = chain.run({R"({"price":5,"items":[{"n":3},{"n":7}]})"});
  REQUIRE(fates.size() == 2);
  CHECK(fates[0].verdict ==
        Verdict::pass); // the window rejects the event for its second part
  CHECK(fates[1].details == R"(["part 1: amount: 35 is above 30"])");
}

TEST_CASE("what rejects one part rejects the event at once",
          "[transform][split]") {
  TransformConfig transform = splitting(split_of("items"));
  transform.set = {
      {"x", form(Kind::add, {copy("items"), constant(number("1"))})}};
  Chain chain = chain_of(transform);
  const auto fates =
      chain.run({R"({"items":[1,2,"three",4]})", R"({"items":[1]})"});
  REQUIRE(fates.size() == 2);
  CHECK(fates[0].reason + fates[0].details ==
        R"(field_type["part 2: x: items \"three\" is no number"])");
  CHECK(fates[1].record == R"({"items":1,"x":2})");
}

TEST_CASE(
    "splits follow each other, and the parts of an event are counted through",
    "[transform][split]") {
  Chain chain = chain_of(splitting(split_of("a")));
  TransformConfig again = splitting(split_of("b"));
  again.split->missing = OnMissing::pass;
  StageConfig second = stage("transform", again);
  second.name = "second";
  chain.config.stages.push_back(second);
  CHECK(records(chain.run({R"({"a":[1,2],"b":[3,4]})", R"({"a":[5]})"})) ==
        Texts{R"({"a":1,"b":3})", R"({"a":1,"b":4})", R"({"a":2,"b":3})",
              R"({"a":2,"b":4})", R"({"a":5})"});
  std::vector<unsigned> parts;
  for (const ChainEvent &event : chain.batch().events())
    parts.push_back(event.index * 10 + event.part);
  CHECK(parts == std::vector<unsigned>{0, 1, 2, 3, 10});
}

TEST_CASE("a part that is rejected by a later split takes the event's other "
          "parts with it",
          "[transform][split]") {
  Chain chain = chain_of(splitting(split_of("a")));
  StageConfig second = stage("transform", splitting(split_of("a")));
  second.name = "second";
  chain.config.stages.push_back(second);
  const auto fates = chain.run({R"({"a":[[1,2],3,[4]]})", R"({"a":[[5]]})"});
  REQUIRE(fates.size() == 2);
  CHECK(fates[0].stage + fates[0].details ==
        R"(second["part 1: a is of type number, only an array can be split"])");
  CHECK(fates[1].record == R"({"a":5})");
}

TEST_CASE("elements and parts are limited, at the limit they pass",
          "[transform][split]") {
  const auto array = [](const std::string &name, std::size_t count) {
    std::string text = "\"" + name + "\":[";
    for (std::size_t i = 0; i < count; ++i)
      text += i == 0 ? "0" : ",0";
    return text + "]";
  };
  SplitConfig split = split_of("a");
  split.parts_max = 3;
  Chain chain = chain_of(splitting(split));
  CHECK(records(chain.run({"{" + array("a", 3) + "}"})).size() == 3);
  const auto fates =
      chain.run({"{" + array("a", 4) + "}", "{" + array("a", 2) + "}"});
  REQUIRE(fates.size() == 3);
  CHECK(fates[0].reason + fates[0].details ==
        R"(output_too_large["a has more than 3 elements, the limit of split.parts_max"])");
  CHECK(fates[1].verdict == Verdict::pass);

  split.parts_max = 4'096;
  Chain twice = chain_of(splitting(split));
  StageConfig second = stage("transform", splitting(split_of("b")));
  second.name = "second";
  twice.config.stages.push_back(second);
  const auto both = [&](std::size_t b) {
    return "{" + array("a", 64) + "," + array("b", b) + "}";
  };
  CHECK(records(twice.run({both(64)})).size() == 4'096);
  const auto many = twice.run({both(65), both(1)});
  REQUIRE(many.size() == 65);
  CHECK(many[0].details ==
        R"(["part 63: the event has more than 4096 parts"])");
}

TEST_CASE("the records of an event together have one limit",
          "[transform][split]") {
  Chain chain = chain_of(splitting(split_of("a")));
  chain.config.limits.event_bytes_max = 30;
  (void)chain.run({R"({"a":[1,2,3],"b":"x"})"}); // 3 records of 15 bytes
  OutcomeBatchBuilder out(Offset{0});
  out.add({"id", Digest128{}, 0}, Outcome::served);
  CHECK_FALSE(
      chain.plan().encode(chain.batch(), chain.batch().events(), out, nullptr));
  out.abandon_last();
  out.add({"id", Digest128{}, 0}, Outcome::served);
  CHECK(chain.plan().encode(chain.batch(), chain.batch().events().first(2), out,
                            nullptr));
  CHECK(out.finish().records() == 2);
}

TEST_CASE("events for which the stage does not apply are not split",
          "[transform][split]") {
  Chain chain = chain_of(splitting(split_of("a")));
  chain.config.stages[0].when = WhenConfig{path("kind"), string("order")};
  CHECK(records(chain.run(
            {R"({"kind":"order","a":[1,2]})", R"({"kind":"x","a":[1,2]})"})) ==
        Texts{R"({"kind":"order","a":1})", R"({"kind":"order","a":2})",
              R"({"kind":"x","a":[1,2]})"});
}

TEST_CASE("any array of any JSON is split into what a JSON library finds in it",
          "[transform][split]") {
  using Json = nlohmann::ordered_json;
  const std::uint32_t seed = 20'261;
  INFO("seed " << seed);
  std::mt19937_64 random(seed);
  const std::function<Json(int)> any = [&](int depth) -> Json {
    switch (random() % (depth == 0 ? 5 : 7)) {
    case 0:
      return nullptr;
    case 1:
      return random() % 2 == 0;
    case 2:
      return random() % 100'000;
    case 3:
      return std::string("], \"}{[\\ é\n").substr(random() % 5);
    case 4:
      return "";
    case 5: {
      Json list = Json::array();
      for (auto n = random() % 4; n-- > 0;)
        list.push_back(any(depth - 1));
      return list;
    }
    default: {
      Json map = Json::object();
      for (auto n = random() % 4; n-- > 0;)
        map[std::string(1, static_cast<char>('a' + n))] = any(depth - 1);
      return map;
    }
    }
  };
  const auto seen = [](const std::string &text) { return Json::parse(text); };
  Chain chain = chain_of(splitting(split_of("list", "item")));
  std::size_t parts = 0;
  for (int i = 0; i < 3'000; ++i) {
    Json list = Json::array();
    for (auto n = random() % 6; n-- > 0;)
      list.push_back(any(3));
    Json event =
        Json::object({{"before", any(2)}, {"list", list}, {"after", any(2)}});
    // With and without white space between the tokens.
    const auto fates =
        chain.run({event.dump(static_cast<int>(random() % 3) - 1)});
    if (list.empty()) {
      REQUIRE(fates.size() == 1);
      REQUIRE(fates[0].verdict == Verdict::filter);
      continue;
    }
    REQUIRE(fates.size() == list.size());
    for (std::size_t k = 0; k < fates.size(); ++k, ++parts) {
      Json expected = event;
      expected.erase("list");
      expected["item"] = list[k];
      CAPTURE(event.dump(), fates[k].record);
      REQUIRE(seen(fates[k].record) == expected);
      REQUIRE(fates[k].record == expected.dump());
    }
  }
  CHECK(parts > 5'000);
}
