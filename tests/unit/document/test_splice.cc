#include <nlohmann/json.hpp>
#include <random>

#include "tests/support/catch.h"
#include "tests/unit/document/document_fixture.h"

using namespace weir;
using weir::test::Bench;
using weir::test::number_value;
using weir::test::text_value;

TEST_CASE("an untouched compact event leaves byte for byte as it came", "[splice]") {
  Bench bench({{"a"}});
  const std::string frame = R"({"a":"\u00e9\/","n":1.50e+3,"o":{"x":[1,{}]},"e":""})";
  CHECK(bench.encode(bench.json(frame).document) == frame);
}

TEST_CASE("white space outside strings never leaves, in strings it stays", "[splice]") {
  Bench bench({{"a"}});
  const auto parsed = bench.json(" {\r\n \"a\" : \"x \\\" y\" ,\t\"b c\": [ 1 , { \"d\" : null } ] } \n");
  REQUIRE(parsed.good);
  CHECK(bench.encode(parsed.document) == R"({"a":"x \" y","b c":[1,{"d":null}]})");
}

TEST_CASE("replaced values stay in place, added fields come last, dropped ones take their comma with them",
          "[splice]") {
  Bench bench;
  const Slot a = bench.plan.touch("a");
  const Slot b = bench.plan.touch("b");
  const Slot c = bench.plan.touch("c");
  const Slot added = bench.plan.touch("added \"x\"");
  const auto run = [&](std::string_view frame, auto edit) {
    auto parsed = bench.json(frame);
    REQUIRE(parsed.good);
    edit(parsed.document);
    return bench.encode(parsed.document);
  };
  for (const std::string_view frame : {R"({"a":1,"b":2,"c":3})", "{ \"a\" : 1 , \"b\" : 2 , \"c\" : 3 }"}) {
    CHECK(run(frame, [&](Document& d) { d.drop(a); }) == R"({"b":2,"c":3})");
    CHECK(run(frame, [&](Document& d) { d.drop(b); }) == R"({"a":1,"c":3})");
    CHECK(run(frame, [&](Document& d) { d.drop(c); }) == R"({"a":1,"b":2})");
    CHECK(run(frame, [&](Document& d) {
            d.drop(b);
            d.drop(c);
          }) == R"({"a":1})");
    CHECK(run(frame, [&](Document& d) {
            d.drop(c);
            d.drop(b);
            d.drop(a);
          }) == "{}");
    CHECK(run(frame, [&](Document& d) {
            d.set(b, text_value(bench.arena, "two \"2\""));
            d.set(added, number_value(bench.arena, "4.0"));
          }) == R"({"a":1,"b":"two \"2\"","c":3,"added \"x\"":4.0})");
    CHECK(run(frame, [&](Document& d) {
            d.drop(a);
            d.drop(b);
            d.drop(c);
            d.set(added, number_value(bench.arena, "4"));
          }) == R"({"added \"x\"":4})");
    CHECK(run(frame, [&](Document& d) {
            d.drop(b);
            d.set(b, number_value(bench.arena, "9"));
          }) == R"({"a":1,"b":9,"c":3})");
  }
  CHECK(run("{}", [&](Document& d) {
          d.set(c, number_value(bench.arena, "1"));
          d.set(a, number_value(bench.arena, "2"));
        }) == R"({"a":2,"c":1})");  // the order of touch(), not of the calls
}

TEST_CASE("a change below a field leaves inside it, unless the field itself is replaced or dropped", "[splice]") {
  Bench bench;
  const std::vector<std::string> path{"attrs", "qty"};
  const Slot qty = bench.plan.touch(path);
  const Slot attrs = bench.plan.touch("attrs");
  const std::string_view frame = R"({"id":1,"attrs":{"sku":"s", "qty":"5"},"v":1})";
  auto parsed = bench.json(frame);
  parsed.document.set(qty, number_value(bench.arena, "5"));
  CHECK(bench.encode(parsed.document) == R"({"id":1,"attrs":{"sku":"s","qty":5},"v":1})");
  CHECK(current_value(parsed.document, bench.plan, attrs, bench.arena).span() == R"({"sku":"s","qty":5})");

  auto dropped = bench.json(frame);
  dropped.document.set(qty, number_value(bench.arena, "5"));
  dropped.document.drop(attrs);
  CHECK(bench.encode(dropped.document) == R"({"id":1,"v":1})");
  CHECK(dropped.document.get(bench.plan, qty).kind == ValueKind::missing);

  auto replaced = bench.json(frame);
  replaced.document.set(attrs, make_value(ValueKind::object, bench.arena.copy(R"({"q\u0074y": {"deep":1}, "x":2})")));
  CHECK(replaced.document.get(bench.plan, qty).span() == R"({"deep":1})");
}

TEST_CASE("texts are escaped as JSON demands and no further", "[splice]") {
  Bench bench;
  std::string all;
  for (int c = 0; c < 128; ++c) all += static_cast<char>(c);
  all += "é€😀";
  ByteArena out;
  encode_value(text_value(bench.arena, all), out);
  CHECK(nlohmann::json::parse(out.view()).get<std::string>() == all);
  out.clear();
  encode_value(text_value(bench.arena, "a/b\x7fé"), out);
  CHECK(out.view() == "\"a/b\x7fé\"");
}

TEST_CASE("any edits of any event equal the same edits of a parsed tree", "[splice]") {
  const std::uint32_t seed = 77;
  INFO("seed " << seed);
  std::mt19937 random(seed);
  for (int i = 0; i < 20'000; ++i) {
    Bench bench;
    std::vector<std::string> names;
    const std::size_t count = random() % 8;
    nlohmann::ordered_json tree = nlohmann::ordered_json::object();
    for (std::size_t k = 0; k < count; ++k) {
      names.push_back("k" + std::to_string(k));
      switch (random() % 4) {
        case 0:
          tree[names[k]] = static_cast<int>(random() % 1000);
          break;
        case 1:
          tree[names[k]] = std::string(random() % 40, 'z') + "\n\"é";
          break;
        case 2:
          tree[names[k]] = nlohmann::ordered_json{{"in", random() % 9}, {"on", {1, nullptr}}};
          break;
        default:
          tree[names[k]] = nullptr;
          break;
      }
    }
    names.push_back("k_new");
    names.push_back("k_late");
    std::vector<Slot> slots;
    if (random() % 2 == 0) {
      for (const std::string& name : names) (void)bench.plan.note(std::vector<std::string>{name});
      (void)bench.plan.note(std::vector<std::string>{"k1", "on"});
    }
    for (const std::string& name : names) slots.push_back(random() % 4 == 0 ? kNoSlot : bench.plan.touch(name));
    auto parsed = bench.json(random() % 2 == 0 ? tree.dump() : tree.dump(2));
    REQUIRE(parsed.good);
    std::vector<int> edits(names.size());
    for (int& edit : edits) edit = static_cast<int>(random() % 3);
    for (std::size_t k = 0; k < names.size(); ++k) {
      if (slots[k] == kNoSlot) continue;
      if (edits[k] == 1) {
        parsed.document.drop(slots[k]);
        tree.erase(names[k]);
      } else if (edits[k] == 2) {
        parsed.document.set(slots[k], text_value(bench.arena, "new\t" + names[k]));
        tree[names[k]] = "new\t" + names[k];
      }
    }
    const std::string expected = tree.dump();
    // The places that are wanted lead to the tokens of the output.
    std::vector<TokenPlace> places(bench.plan.noted().size(), TokenPlace{1, 1});
    ByteArena out;
    encode_document(parsed.document, bench.plan, out, places.data());
    for (std::size_t note = 0; note < places.size(); ++note) {
      const auto& parts = bench.plan.field(bench.plan.noted()[note]).parts;
      std::string token;
      if (parts.size() == 1 && tree.contains(parts[0])) token = tree[parts[0]].dump();
      if (parts.size() == 2 && tree.contains(parts[0]) && tree[parts[0]].is_object())
        token = tree[parts[0]][parts[1]].dump();
      const std::string found(out.view().substr(places[note].offset, places[note].length));
      if (found != token) {
        INFO(parts[0] << " in " << expected);
        CHECK(found == token);
      }
    }
    if (bench.encode(parsed.document) != expected) {
      INFO(bench.encode(parsed.document));
      CHECK(bench.encode(parsed.document) == expected);
    }
  }
}
