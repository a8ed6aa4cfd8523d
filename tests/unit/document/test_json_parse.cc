#include <nlohmann/json.hpp>
#include <random>
#include <set>

#include "tests/support/catch.h"
#include "tests/unit/document/document_fixture.h"

using namespace weir;
using weir::test::Bench;

namespace {

/// The oracle: a library of its own says whether a frame is an event. Duplicates and depth are counted by hand.
class Oracle : public nlohmann::json_sax<nlohmann::json> {
 public:
  /// nullopt: a number beyond double, which says nothing about the frame.
  [[nodiscard]] static std::optional<bool> accepts(std::string_view frame) {
    Oracle oracle;
    const bool parsed = nlohmann::json::sax_parse(frame.begin(), frame.end(), &oracle);
    if (oracle.beyond_double_) return std::nullopt;
    return parsed && oracle.object_ && !oracle.bad_;
  }
  bool null() override { return scalar(); }
  bool boolean(bool) override { return scalar(); }
  bool number_integer(std::int64_t) override { return scalar(); }
  bool number_unsigned(std::uint64_t) override { return scalar(); }
  bool number_float(double, const std::string&) override { return scalar(); }
  bool string(std::string&) override { return scalar(); }
  bool binary(binary_t&) override { return scalar(); }
  bool start_object(std::size_t) override {
    if (keys_.empty()) object_ = true;
    keys_.emplace_back();
    return keys_.size() <= kDepthMax || fault();
  }
  bool key(std::string& name) override { return keys_.back().insert(name).second || fault(); }
  bool end_object() override {
    keys_.pop_back();
    return true;
  }
  bool start_array(std::size_t) override {
    if (keys_.empty()) return fault();
    keys_.emplace_back();
    return keys_.size() <= kDepthMax || fault();
  }
  bool end_array() override {
    keys_.pop_back();
    return true;
  }
  bool parse_error(std::size_t, const std::string&, const nlohmann::detail::exception& why) override {
    beyond_double_ = why.id == 406;
    return fault();
  }

 private:
  bool scalar() { return !keys_.empty() || fault(); }
  bool fault() {
    bad_ = true;
    return false;
  }
  std::vector<std::set<std::string>> keys_;
  bool object_ = false;
  bool bad_ = false;
  bool beyond_double_ = false;
};

std::string_view reason(const test::Parsed& parsed) {
  return parsed.problem.what;
}

}  // namespace

TEST_CASE("every kind of value arrives in its slot with its own spelling", "[document]") {
  Bench bench({{"s"}, {"i"}, {"d"}, {"t"}, {"f"}, {"n"}, {"o"}, {"a"}, {"o", "x"}, {"e"}, {"absent"}, {"o", "absent"}});
  const auto parsed = bench.json(
      R"({"s":"text","i":-12,"d":17850.10e-2,"t":true,"f":false,"n":null,"o":{"x":7,"y":[1,2]},"a":[{"x":1},"q"],"e":"a\u0041\n"})");
  REQUIRE(parsed.good);
  const Document& d = parsed.document;
  const auto check = [&d](Slot slot, ValueKind kind, std::string_view span) {
    CHECK(d[slot].kind == kind);
    CHECK(d[slot].span() == span);
  };
  check(0, ValueKind::string, "text");
  check(1, ValueKind::number, "-12");
  check(2, ValueKind::number, "17850.10e-2");
  check(3, ValueKind::boolean, "true");
  check(4, ValueKind::boolean, "false");
  check(5, ValueKind::null, "null");
  check(6, ValueKind::object, R"({"x":7,"y":[1,2]})");
  check(7, ValueKind::array, R"([{"x":1},"q"])");
  check(bench.plan.want(std::vector<std::string>{"o", "x"}), ValueKind::number, "7");
  CHECK(d[8].kind == ValueKind::number);
  const Slot escaped = bench.plan.want("e");
  CHECK(d[escaped].has(value_flag::escapes));
  CHECK(plain_text(d[escaped], bench.arena) == "aA\n");
  CHECK(d[bench.plan.want("absent")].kind == ValueKind::missing);
  CHECK(d[bench.plan.want(std::vector<std::string>{"o", "absent"})].kind == ValueKind::missing);
}

TEST_CASE("a path does not reach into the objects of an array", "[document]") {
  Bench bench({{"a", "x"}});
  const auto parsed = bench.json(R"({"a":[{"x":1},{"x":2}]})");
  REQUIRE(parsed.good);
  CHECK(parsed.document[bench.plan.want(std::vector<std::string>{"a", "x"})].kind == ValueKind::missing);
}

TEST_CASE("a broken event is malformed and names the place", "[document]") {
  struct Case {
    std::string frame;
    std::uint32_t at;
    std::string what;
  };
  const std::string digits(1000, '7');
  const std::vector<Case> cases = {
      {"", 0, "the event ends too early"},
      {"   ", 3, "the event ends too early"},
      {"[1]", 0, "expected '{': an event is a JSON object"},
      {"7", 0, "expected '{': an event is a JSON object"},
      {"{", 1, "the event ends too early"},
      {R"({"a")", 4, "the event ends too early"},
      {R"({"a":)", 5, "the event ends too early"},
      {R"({"a":1)", 6, "the event ends too early"},
      {R"({"a":"b)", 7, "the event ends too early"},
      {R"({"a":"b")", 8, "the event ends too early"},
      {R"({"a":tru)", 8, "the event ends too early"},
      {R"({"a":{"b":1})", 12, "the event ends too early"},
      {R"({"a":[1,2)", 9, "the event ends too early"},
      {R"({"a":1,)", 7, "the event ends too early"},
      {R"({"a":1,})", 7, "expected a key in quotes"},
      {R"({a:1})", 1, "expected a key in quotes"},
      {R"({"a" 1})", 5, "expected ':' behind a key"},
      {R"({"a":1 "b":2})", 7, "expected ',' or '}'"},
      {R"({"a":[1 2]})", 8, "expected ',' or ']'"},
      {R"({"a":[1,]})", 8, "expected a value"},
      {R"({"a":01})", 5, "not a JSON number"},
      {R"({"a":1.})", 5, "not a JSON number"},
      {R"({"a":.5})", 5, "expected a value"},
      {R"({"a":-})", 5, "not a JSON number"},
      {R"({"a":1e})", 5, "not a JSON number"},
      {R"({"a":1x})", 6, "expected ',' or '}'"},
      {R"({"a":)" + digits + "x}", 1005, "expected ',' or '}'"},
      {R"({"a":nul})", 5, "expected a value"},
      {R"({"a":NaN})", 5, "expected a value"},
      {R"({"first":1,"second":"x","late":fasle})", 31, "expected a value"},
      {R"({"a":"\x"})", 6, "unknown escape"},
      {R"({"a":"\u12g4"})", 6, "expected four hex digits behind \\u"},
      {R"({"a":"\ud800"})", 6, "half of a surrogate pair"},
      {R"({"a":"\udc00"})", 6, "half of a surrogate pair"},
      {"{\"a\":\"x\ny\"}", 7, "control character in a string"},
      {std::string("{\"a\":\"x\0y\"}", 11), 7, "control character in a string"},
      {std::string("{\"a\":\0}", 7), 5, "expected a value"},
      {R"({"a":1}})", 7, "something follows the object"},
      {R"({"a":1} {"b":2})", 8, "something follows the object"},
      {R"({"a":1,"a":2})", 7, "duplicate key"},
      {R"({"a":1,"\u0061":2})", 7, "duplicate key"},
      {R"({"o":{"x":1,"y":2,"x":3}})", 18, "duplicate key"},
      {R"({"o":[1,{"x":1,"x":3}]})", 15, "duplicate key"},
      {"\xEF\xBB\xBF{}", 0, "expected '{': an event is a JSON object"},
  };
  Bench bench({{"a"}, {"b"}});
  for (int round = 0; round < 2; ++round) {  // the second time with everything learned
    for (const Case& c : cases) {
      INFO(c.frame << " in round " << round);
      const auto parsed = bench.json(c.frame);
      CHECK_FALSE(parsed.good);
      CHECK(parsed.problem.kind == ParseProblem::Kind::malformed);
      CHECK(reason(parsed) == c.what);
      CHECK(parsed.problem.at == c.at);
      CHECK(bench.json(R"({"a":1,"b":"neighbour"})").good);
    }
  }
}

TEST_CASE("an event that is not UTF-8 is an encoding fault, whatever else is wrong with it", "[document]") {
  Bench bench({{"a"}});
  for (const std::string& frame :
       {std::string("{\"a\":\"\xff\"}"), std::string("{\"a\":\"\xc3\"}"), std::string("{\"\xc0\xaf\":1}"),
        std::string("{\"a\":\"\xed\xa0\x80\"}"), std::string("\x80{\"a\":1,,}"), std::string("{\"a\":\"\xe2\x82")}) {
    INFO(frame);
    const auto parsed = bench.json(frame);
    CHECK_FALSE(parsed.good);
    CHECK(parsed.problem.kind == ParseProblem::Kind::encoding);
  }
  CHECK(bench.json("{\"a\":\"\xe2\x82\xac\"}").good);
}

TEST_CASE("64 levels are read, 65 and 10'000 are malformed", "[document]") {
  Bench bench;
  const auto nested = [](std::size_t levels, bool arrays) {
    std::string text = R"({"a":)";
    for (std::size_t i = 1; i < levels; ++i) text += arrays ? "[" : R"({"a":)";
    if (!arrays) text += "1";
    for (std::size_t i = 1; i < levels; ++i) text += arrays ? "]" : "}";
    return text + "}";
  };
  for (const bool arrays : {false, true}) {
    CHECK(bench.json(nested(64, arrays)).good);
    const auto deep = bench.json(nested(65, arrays));
    CHECK_FALSE(deep.good);
    CHECK(reason(deep) == "nested deeper than 64");
    CHECK_FALSE(bench.json(nested(10'000, arrays)).good);
  }
  CHECK(bench.json(R"({"a":1})").good);
}

TEST_CASE("numbers of a thousand digits pass through as they are", "[document]") {
  Bench bench({{"a"}});
  for (const std::string& number :
       {std::string(1000, '9'), "0." + std::string(1000, '3'), "-1e" + std::string(300, '9')}) {
    const auto parsed = bench.json(R"({"a":)" + number + R"(,"b":1})");
    REQUIRE(parsed.good);
    CHECK(parsed.document[0].span() == number);
    CHECK(bench.encode(parsed.document) == R"({"a":)" + number + R"(,"b":1})");
  }
}

TEST_CASE("keys are told apart by what they mean, not by how they are spelled or predicted", "[document]") {
  Bench bench({{"ab"}, {"a\"b"}, {"a\\"}});
  CHECK(bench.json(R"({"ab":1})").good);
  const auto escaped = bench.json(R"({"\u0061b":2,"a\"b":3,"a\\":4})");
  REQUIRE(escaped.good);
  CHECK(escaped.document[0].span() == "2");
  CHECK(escaped.document[1].span() == "3");
  CHECK(escaped.document[2].span() == "4");
  // A predicted key whose text holds a quote must never be matched against raw input.
  CHECK_FALSE(bench.json(R"({"ab":1,"a"b":3})").good);
  CHECK_FALSE(bench.json(R"({"ab":1,"a\":3})").good);
}

TEST_CASE("a flood of keys costs neither memory without bound nor exactness", "[document]") {
  Bench bench({{"wanted"}, {"o", "inner"}});
  std::string flood = "{";
  for (int i = 0; i < 40'000; ++i) flood += "\"key" + std::to_string(i) + "\":{\"k\":" + std::to_string(i) + "},";
  const auto good = bench.json(flood + R"("wanted":5,"o":{"inner":6,"q":1}})");
  REQUIRE(good.good);
  CHECK(good.document[0].span() == "5");
  CHECK(good.document[bench.plan.want(std::vector<std::string>{"o", "inner"})].span() == "6");
  for (const std::string& twice : std::vector<std::string>{
           "\"key39999\":1}", "\"key7\":1}", "\"wanted\":1,\"wanted\":2}", "\"new\":1,\"n\\u0065w\":2}"}) {
    const auto bad = bench.json(flood + twice);
    CHECK_FALSE(bad.good);
    CHECK(reason(bad).substr(0, 13) == "duplicate key");
  }
  CHECK(bench.json(R"({"fresh":{"x":1,"y":2},"other":[{"x":1},{"x":1}],"wanted":1})").good);
  CHECK_FALSE(bench.json(R"({"fresh2":{"x":1,"x":2}})").good);
  bench.parser().between_batches();
  CHECK(bench.json(R"({"fresh":1,"wanted":2})").document[0].span() == "2");
}

TEST_CASE("mutated events are accepted exactly when an independent parser accepts them", "[document]") {
  const std::uint32_t seed = 20240817;
  INFO("seed " << seed);
  std::mt19937 random(seed);
  const std::vector<std::string> seeds = {
      R"({"id":"6f1c2a34-0c1b-4f6e-9d3b-2f6a5b7c8d9e","ts":1690000000123,"type":"order","amount":129.99,"attrs":{"sku":"SKU-1","qty":3,"l":[1,2.5e3,-0]},"v":1})",
      R"({ "a" : [ true , false , null , { "b" : "c\n\u00e9\ud83d\ude00\\" } ] , "d" : { } , "e" : [ ] , "long key that does not fit into sixteen" : 1 })",
      "{\"grüße\":\"Straße €\",\"x\":-0.5,\"x2\":1E+2,\"t\":\"\\\"quoted\\\"\",\"long\":\"" + std::string(70, 'y') +
          "\"}",
      R"({"k1":{"k1":{"k1":[{"k1":1,"k2":2},{"k1":3}]}},"k2":"","k3":0,"k4":12345678901234567890})"};
  const std::string_view alphabet = "{}[]:,\"\\ tfn01-+.eEu\n\x7f\xc3\xa9";
  Bench warm({{"id"}, {"amount"}, {"attrs", "sku"}, {"a"}, {"k1", "k1", "k1"}});
  std::size_t accepted = 0;
  for (int i = 0; i < 60'000; ++i) {
    std::string frame = seeds[random() % seeds.size()];
    const auto mutations = random() % 3;
    for (std::uint32_t m = 0; m < mutations; ++m) {
      const auto at = random() % frame.size();
      switch (random() % 5) {
        case 0:
          frame[at] = alphabet[random() % alphabet.size()];
          break;
        case 1:
          frame.insert(at, 1, alphabet[random() % alphabet.size()]);
          break;
        case 2:
          frame.erase(at, 1 + random() % 3);
          break;
        case 3:
          frame.resize(at);
          break;
        default:
          frame.insert(at, frame.substr(random() % frame.size(), random() % 12));
          break;
      }
      if (frame.empty()) frame = "x";
    }
    const std::optional<bool> expected = Oracle::accepts(frame);
    if (!expected) continue;
    const auto parsed = warm.json(frame);
    if (parsed.good != *expected) {
      INFO(frame << "  at " << parsed.problem.at << " " << parsed.problem.what);
      CHECK(parsed.good == *expected);
    }
    if (!parsed.good && i % 8 == 0) {
      // Neither what was learned nor what stands behind the frame may change the finding.
      Bench fresh({{"id"}});
      Document document;
      ParseProblem problem;
      for (const std::string_view follows : {"", "e\"}", "0.1e5,\"x\":1}", "\":null}", "rue}", "5}"}) {
        const bool good = fresh.parser().parse_json(fresh.frames.add(frame, follows), fresh.arena, document, problem);
        if (good || problem.at != parsed.problem.at || std::string_view(problem.what) != parsed.problem.what) {
          INFO(frame << "  followed by " << follows);
          CHECK_FALSE(good);
          CHECK(problem.at == parsed.problem.at);
          CHECK(std::string_view(problem.what) == parsed.problem.what);
        }
      }
    }
    if (parsed.good) {
      ++accepted;
      const auto again = nlohmann::ordered_json::parse(warm.encode(parsed.document));
      if (again != nlohmann::ordered_json::parse(frame)) FAIL(frame);
    }
    if (i % 512 == 0) {
      warm.arena.clear();
      warm.frames = {};
    }
  }
  CHECK(accepted > 15'000);
  CHECK(accepted < 45'000);
}
