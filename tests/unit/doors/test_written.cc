// Inputs written piece by piece, so that the frames are known without framing.
#include <random>
#include <string>
#include <vector>

#include "runtime/event/csv_header.h"
#include "actors/doors/framer.h"
#include "tests/support/catch.h"
#include "tests/unit/doors/drive.h"

namespace weir {
namespace {

using test::drive;

std::string json_value(std::mt19937_64& rng, int depth) {
  static const std::string kScalars[] = {"0",    "-1.5e3",    "true",           "null",
                                         "\"\"", "\"]},{[\"", "\"a\\\"b\\\\\"", "\"\\u0022\""};
  const std::uint64_t kind = depth > 3 ? 0 : rng() % 3;
  if (kind == 0) return kScalars[rng() % 8];
  std::string text = kind == 1 ? "[" : "{";
  const std::uint64_t count = rng() % 4;
  for (std::uint64_t i = 0; i < count; ++i) {
    if (i != 0) text += rng() % 2 == 0 ? "," : " ,\n";
    if (kind == 2) text += "\"k" + std::to_string(i) + "\":";
    text += json_value(rng, depth + 1);
  }
  return text + (kind == 1 ? "]" : "}");
}

TEST_CASE("the elements written into an array are its frames, also in a GeoJSON collection", "[framer]") {
  constexpr std::uint64_t kSeed = 7946;
  INFO("seed " << kSeed);
  std::mt19937_64 rng(kSeed);
  static const char* const kSpaces[] = {"", "", " ", "\n\t", "\r\n"};
  std::size_t total = 0;
  for (int round = 0; round < 3'000; ++round) {
    std::vector<std::string> elements(rng() % 12);
    std::string array = "[";
    for (std::size_t i = 0; i < elements.size(); ++i) {
      elements[i] = json_value(rng, 0);
      array += (i != 0 ? "," : "") + std::string(kSpaces[rng() % 5]) + elements[i] + kSpaces[rng() % 5];
    }
    array += "]";
    const bool collection = round % 2 == 1;
    std::string input = array;
    if (collection) {
      input = "{";
      for (std::uint64_t n = rng() % 3; n != 0; --n)
        input += "\"m" + std::to_string(n) + "\"" + kSpaces[rng() % 5] + ":" + json_value(rng, 0) + ",";
      input += std::string("\"features\":") + kSpaces[rng() % 5] + array + ",\"z\":" + json_value(rng, 0) + "}";
    }
    INFO(input);
    const auto framer = collection ? make_geojson_framer({}, std::nullopt) : make_json_framer({}, std::nullopt);
    const auto framed = drive(*framer, input, [&] { return rng() % 30; });
    REQUIRE(framed.error.empty());
    REQUIRE(framed.last == FrameStep::end);
    REQUIRE(test::raws(framed) == elements);
    total += elements.size();
  }
  CHECK(total > 10'000);
}

TEST_CASE("the records written into a CSV are its frames, and its header's names are read back", "[framer]") {
  constexpr std::uint64_t kSeed = 536365;
  INFO("seed " << kSeed);
  std::mt19937_64 rng(kSeed);
  const auto field = [&] {
    std::string text;
    for (std::uint64_t n = rng() % 12; n != 0; --n) text.push_back("ab ;\",\n\r"[rng() % 8]);
    return text;
  };
  // One line may hold all of a field's line breaks: 12 at most, and 3 fields.
  const auto quoted = [&](const std::string& text) {
    if (text.find_first_of(",\"\r\n") == std::string::npos && rng() % 3 != 0) return text;
    std::string out = "\"";
    for (const char c : text) out += c == '"' ? "\"\"" : std::string(1, c);
    return out + "\"";
  };
  std::size_t total = 0;
  for (int round = 0; round < 3'000; ++round) {
    std::vector<std::string> names;
    std::string header;
    for (int i = 0; i < 3; ++i) {
      names.push_back(std::to_string(i) + field());
      header += (i != 0 ? "," : "") + quoted(names.back());
    }
    std::vector<std::string> records(rng() % 10);
    std::string input = header + "\n";
    for (auto& record : records) {
      record = "x" + std::to_string(rng() % 100);
      for (int i = 0; i < 3; ++i) record += "," + quoted(field());
      input += record + (rng() % 2 == 0 ? "\r\n" : "\n");
    }
    INFO(input);
    const auto framer = make_csv_framer({}, {',', 64}, std::nullopt);
    const auto framed = drive(*framer, input, [&] { return rng() % 30; });
    REQUIRE(framed.error.empty());
    REQUIRE(framed.header == header);
    REQUIRE(framer->columns() == names);
    REQUIRE(test::raws(framed) == records);
    for (const auto& frame : framed.frames) REQUIRE(frame.flags == 0);
    total += records.size();
  }
  CHECK(total > 10'000);
}

TEST_CASE("another separator divides fields of the header and of quotes", "[framer]") {
  CHECK(parse_csv_header("a;b,c;\"d;e\"", ';').value() == std::vector<std::string>{"a", "b,c", "d;e"});
  CHECK(parse_csv_header("a\t", '\t').value() == std::vector<std::string>{"a", ""});
  const auto framer = make_csv_framer({}, {';', 64}, std::nullopt);
  const auto framed = drive(*framer, "a;b\n1;\"x;y\"\n2,\"x\"\n", test::chunks_of(100));
  REQUIRE(framed.frames.size() == 2);
  CHECK(framed.frames[0].flags == 0);
  CHECK(framed.frames[1].flags == frame_flag::bad_frame);
}

}  // namespace
}  // namespace weir
