// The flat tree of a JSON text, against nlohmann's parser.
#include <fmt/format.h>

#include <nlohmann/json.hpp>
#include <random>

#include "runtime/event/json_tree.h"
#include "tests/support/catch.h"

using namespace weir;

namespace {

nlohmann::json rebuilt(const JsonTree& tree, std::uint32_t node) {
  const JsonNode& found = tree[node];
  switch (found.value.kind) {
    case ValueKind::object: {
      auto out = nlohmann::json::object();
      std::uint32_t count = 0;
      for (std::uint32_t child = JsonTree::inside(node); child != found.next; child = tree[child].next, ++count)
        out[tree.key_text(child)] = rebuilt(tree, child);
      REQUIRE(count == found.count);
      return out;
    }
    case ValueKind::array: {
      auto out = nlohmann::json::array();
      for (std::uint32_t child = JsonTree::inside(node); child != found.next; child = tree[child].next)
        out.push_back(rebuilt(tree, child));
      REQUIRE(out.size() == found.count);
      return out;
    }
    case ValueKind::string:
      return tree.text(node);
    default:
      return nlohmann::json::parse(found.value.span());
  }
}

std::string problem_of(std::string_view text) {
  const PaddedText padded(text);
  JsonTree tree;
  ParseProblem problem;
  return tree.parse(padded.view(), problem) ? "" : fmt::format("{} {}", problem.at, problem.what);
}

class Writer {
 public:
  explicit Writer(std::uint64_t seed) : random_(seed) {}
  std::string value(int depth) {
    switch (random_() % (depth > 4 ? 5 : 7)) {
      case 0:
        return "null";
      case 1:
        return random_() % 2 == 0 ? "true" : "false";
      case 2:
        return random_() % 2 == 0 ? "-12.5e+3" : std::to_string(random_() % 100'000);
      case 3:
        return R"("\u00e9\ud83d\ude00\\\"/ a text that is longer than one block of sixteen")";
      case 4:
        return "\"" + std::string(random_() % 40, 'x') + "é\"";
      case 5: {
        std::string out = "[" + space();
        for (std::uint64_t i = 0, n = random_() % 5; i < n; ++i)
          out += (i == 0 ? "" : ",") + space() + value(depth + 1) + space();
        return out + "]";
      }
      default: {
        std::string out = "{" + space();
        for (std::uint64_t i = 0, n = random_() % 5; i < n; ++i)
          out += fmt::format("{}\"k\\u006{}\"{}:{}{}", i == 0 ? "" : ",", i, space(), space(), value(depth + 1));
        return out + space() + "}";
      }
    }
  }

 private:
  std::string space() { return random_() % 3 == 0 ? " \n" : ""; }
  std::mt19937_64 random_;
};

}  // namespace

TEST_CASE("a tree holds what another parser reads", "[json_tree]") {
  for (std::uint64_t seed = 1; seed <= 500; ++seed) {
    const std::string text = Writer(seed).value(0);
    INFO("seed " << seed << ": " << text);
    const PaddedText padded(text);
    JsonTree tree;
    ParseProblem problem;
    REQUIRE(tree.parse(padded.view(), problem));
    CHECK(rebuilt(tree, 0) == nlohmann::json::parse(text));
    std::size_t used = 0;
    const PaddedText more(text + ", 5");
    REQUIRE(tree.parse_first(more.view(), used, problem));
    CHECK((text.find_first_of("{[\"tfn") == 0 ? used == text.size() : used <= text.size()));
  }
}

TEST_CASE("a changed byte is refused exactly where another parser refuses it", "[json_tree]") {
  std::mt19937_64 random(7);
  std::size_t refused = 0;
  for (std::uint64_t seed = 1; seed <= 3'000; ++seed) {
    std::string text = Writer(seed).value(0);
    text[random() % text.size()] = static_cast<char>(1 + random() % 255);
    INFO("seed " << seed << ": " << text);
    const PaddedText padded(text);
    JsonTree tree;
    ParseProblem problem;
    const bool good = tree.parse(padded.view(), problem);
    if (!good && std::string_view(problem.what).find("twice") != std::string_view::npos) continue;  // nlohmann takes it
    CHECK(good == nlohmann::json::accept(text));
    refused += good ? 0 : 1;
  }
  CHECK(refused > 500);
}

TEST_CASE("what is wrong with a text is named with its place", "[json_tree]") {
  CHECK(problem_of("") == "0 the text is empty");
  CHECK(problem_of("{\"a\":1,}") == "7 expected a key in quotes");
  CHECK(problem_of("[1,2") == "4 the text ends too early");
  CHECK(problem_of("[1,2] 3") == "6 something stands behind the value");
  CHECK(problem_of("\"\\ud800x\"") == "1 half of a surrogate pair");
  CHECK(problem_of("[01]") == "1 expected a value");
  CHECK(problem_of("{\"a\":{\"b\":1,\"\\u0062\":2}}") == "5 a key stands twice in this object");
  CHECK(problem_of(std::string(64, '[') + std::string(64, ']')).empty());
  CHECK(problem_of(std::string(65, '[') + std::string(65, ']')) == "64 nested more than 64 deep");
  std::string many = "[1";
  for (std::uint32_t i = 2; i < JsonTree::kNodesMax; ++i) many += ",1";
  CHECK(problem_of(many + "]").empty());
  CHECK(problem_of(many + ",1]") == fmt::format("{} more than 1000000 values", many.size() + 1));
}
