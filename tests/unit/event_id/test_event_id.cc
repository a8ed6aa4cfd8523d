#include "runtime/event/event_id.h"

#include <random>
#include <string>
#include <vector>

#include "runtime/event/ingest_batch.h"
#include "tests/support/catch.h"
#include "tests/unit/event_id/padded.h"

namespace weir {
namespace {

using test::Padded;
constexpr std::uint16_t kMissing = frame_flag::id_digest | frame_flag::id_missing;

std::string id_of(const EventIdRule& rule, std::string_view frame) {
  EventIdFinder finder(rule);
  const Padded padded(frame);
  const auto id = finder.json(padded.view());
  if (id.flags == 0) return std::string(id.text);
  REQUIRE(id.flags == kMissing);
  REQUIRE(id.text == digest_id(frame));
  return "none";
}
std::string csv_id_of(const std::vector<std::string>& fields, std::string_view frame) {
  EventIdRule rule;
  for (const auto& field : fields) rule.fields.push_back({field});
  EventIdFinder finder(rule);
  (void)finder.set_csv_columns({"a", "b", "c"}, ',');
  const Padded padded(frame);
  const auto id = finder.csv(padded.view());
  if (id.flags == 0) return std::string(id.text);
  REQUIRE(id.flags == kMissing);
  REQUIRE(id.text == digest_id(frame));
  return "none";
}

TEST_CASE("a digest id is the first half of SHA-256 in lower-case hex", "[event_id]") {
  // FIPS 180-2, B.1 and B.2.
  CHECK(digest_id("abc") == "ba7816bf8f01cfea414140de5dae2223");
  CHECK(digest_id("") == "e3b0c44298fc1c149afbf4c8996fb924");
  DigestId digest;
  digest.begin();
  digest.add("abcdbcdecdefdefgefghfghighij");
  digest.add("hijkijkljklmklmnlmnomnopnopq");
  CHECK(digest.finish() == "248d6a61d20638b8e5c026930c3e6039");
  CHECK(digest.of("abc") == "ba7816bf8f01cfea414140de5dae2223");
}

TEST_CASE("without a rule the id is the digest and nothing is missing", "[event_id]") {
  EventIdFinder finder(EventIdRule{});
  const Padded frame(R"({"id":"a"})");
  const auto id = finder.json(frame.view());
  CHECK(id.text == digest_id(frame.view()));
  CHECK(id.flags == frame_flag::id_digest);
  CHECK(finder.csv(frame.view()).flags == frame_flag::id_digest);
  CHECK(finder.digest("0123").flags == frame_flag::id_digest);
}

TEST_CASE("a string is its text, a number or boolean its spelling", "[event_id]") {
  const EventIdRule rule{{{"id"}}};
  CHECK(id_of(rule, R"({"id":"o-1","x":1})") == "o-1");
  CHECK(id_of(rule, R"({"id":17})") == "17");
  CHECK(id_of(rule, R"({"id":17.50e-3 })") == "17.50e-3");
  CHECK(id_of(rule, R"({"id":-0,"id":"other"})") == "-0");
  CHECK(id_of(rule, R"({"id":true})") == "true");
  CHECK(id_of(rule, R"({"id":"q\"1\\\u00e9\ud83d\ude00"})") == "q\"1\\\xc3\xa9\xf0\x9f\x98\x80");
  CHECK(id_of(rule, R"({"\u0069d":"escaped key"})") == "escaped key");
  CHECK(id_of(rule, " \t{ \"x\" : [ 1 , { \"id\" : 2 } ] , \"id\" : \"late\" } ") == "late");
}

TEST_CASE("null, empty, objects, arrays, long and undecodable values are no ids", "[event_id]") {
  const EventIdRule rule{{{"id"}}};
  for (const char* frame : {R"({"id":null})", R"({"id":""})", R"({"id":{}})", R"({"id":[1]})", R"({"x":1})", R"({})",
                            R"([{"id":1}])", R"("id")", "", "17", R"({"id":"\ud800"})", R"({"id":"\x"})", R"({"ID":1})",
                            "{\"id\":\"caf\xe9\"}", "{\"id\":\"a\tb\"}"}) {
    INFO(frame);
    CHECK(id_of(rule, frame) == "none");
  }
  CHECK(id_of(rule, "{\"id\":\"" + std::string(512, 'x') + "\"}") == std::string(512, 'x'));
  CHECK(id_of(rule, "{\"id\":\"" + std::string(513, 'x') + "\"}") == "none");
  std::string escaped;
  for (int i = 0; i < 512; ++i) escaped += "\\u0041";
  CHECK(id_of(rule, "{\"id\":\"" + escaped + "\"}") == std::string(512, 'A'));
  CHECK(id_of(rule, "{\"id\":\"" + escaped + "A\"}") == "none");
  CHECK(id_of(rule, "{\"id\":" + std::string(513, '1') + "}") == "none");
}

TEST_CASE("an id is found in a frame that is broken behind it, and not in one broken before it", "[event_id]") {
  const EventIdRule rule{{{"id"}}};
  for (const char* frame : {R"({"id":"o",)", R"({"id":"o")", R"({"id":"o"]])", R"({"id":"o" "x")",
                            "{\"id\":\"o\",\"x\":\"\x01", R"({"id":"o"} {})", "{\"note\":\"caf\xe9\",\"id\":\"o\"}"}) {
    INFO(frame);
    CHECK(id_of(rule, frame) == "o");
  }
  for (const char* frame :
       {R"({"id":"o)", R"({"id":1)", R"({"id":tru)", R"({"id":tru,)", R"({"x":tru,"id":"o"})", R"({"x":01,"id":"o"})",
        R"({"x":[1,2,"id":"o"})", R"({"x" 1,"id":"o"})", R"({,"id":"o"})", R"({"x":1,,"id":"o"})",
        R"({"x":1;"id":"o"})", R"({"x":"\q","id":"o"})", R"({"x":1}{"id":"o"})", "{\"x\":\"a\nb\",\"id\":\"o\"}",
        R"({"x":[1,],"id":"o"})", R"({"x":{"y":1,},"id":"o"})", R"({"x":-,"id":"o"})", R"({"x":1.,"id":"o"})",
        R"({"id":"o\)"}) {
    INFO(frame);
    CHECK(id_of(rule, frame) == "none");
  }
  CHECK(id_of(rule, "{\"deep\":" + std::string(63, '[') + std::string(63, ']') + ",\"id\":\"o\"}") == "o");
  CHECK(id_of(rule, "{\"deep\":" + std::string(64, '[') + std::string(64, ']') + ",\"id\":\"o\"}") == "none");
  CHECK(id_of(rule, "{\"deep\":" + std::string(10'000, '[') + ",\"id\":\"o\"}") == "none");
}

TEST_CASE("a nested path follows the first key of each name", "[event_id]") {
  const EventIdRule rule{{{"a", "b"}}};
  CHECK(id_of(rule, R"({"b":0,"a":{"c":{"b":1},"b":"x"}})") == "x");
  CHECK(id_of(rule, R"({"a":1,"a":{"b":"x"}})") == "none");
  CHECK(id_of(rule, R"({"a":{"c":1},"a":{"b":"x"}})") == "none");
  CHECK(id_of(rule, R"({"a":{}})") == "none");
  CHECK(id_of(rule, R"({"a":[{"b":"x"}]})") == "none");
  CHECK(id_of(rule, R"({"a.b":"x"})") == "none");
  CHECK(id_of({{{"a.b"}}}, R"({"a.b":"x"})") == "x");
}

TEST_CASE("several fields are joined, and colons and backslashes inside them escaped", "[event_id]") {
  const EventIdRule rule{{{"id"}, {"p", "updated"}}};
  CHECK(id_of(rule, R"({"p":{"updated":17},"id":"nc1"})") == "nc1:17");
  CHECK(id_of(rule, R"({"id":"a:b\\c","p":{"updated":":"}})") == R"(a\:b\\c:\:)");
  CHECK(id_of(rule, R"({"id":"\u0041:","p":{"updated":"\u0042"}})") == R"(A\::B)");
  CHECK(id_of(rule, R"({"id":"nc1","p":{"updated":null}})") == "none");
  CHECK(id_of(rule, R"({"id":"","p":{"updated":1}})") == "none");
  const std::string half(255, 'x');
  CHECK(id_of(rule, "{\"id\":\"" + half + "\",\"p\":{\"updated\":\"" + half + "x\"}}") == half + ":" + half + "x");
  CHECK(id_of(rule, "{\"id\":\"" + half + "\",\"p\":{\"updated\":\"" + half + "xx\"}}") == "none");
}

TEST_CASE("a CSV column is an id where the record is well-formed up to it", "[event_id]") {
  CHECK(csv_id_of({"a"}, "1,2,3") == "1");
  CHECK(csv_id_of({"c"}, "1,2,3") == "3");
  CHECK(csv_id_of({"b"}, "1,\"x,\"\"y\"\"\nz\",3") == "x,\"y\"\nz");
  CHECK(csv_id_of({"c", "a"}, "a:,2,\"c\"\"\"") == "c\":a\\:");
  CHECK(csv_id_of({"a"}, "1,\"open") == "1");
  CHECK(csv_id_of({"a"}, "1") == "1");
  CHECK(csv_id_of({"a"}, "1,2,3,4,5") == "1");
  CHECK(csv_id_of({"c"}, " 1,2, 3 ") == " 3 ");
  for (const char* record :
       {"1,2", "1,2,", "1,2,\"\"", "\"1\"x,2,3", "1,\"2,3", "1,2\",3", "1,2,\"3", "1,2,3\"", "", "1,2,caf\xe9"}) {
    INFO(record);
    CHECK(csv_id_of({"c"}, record) == "none");
  }
  const std::string head = "0123456789abcdef0123456789abcdef0123456789,";
  CHECK(csv_id_of({"b"}, head + "found,x") == "found");
  CHECK(csv_id_of({"b"}, head + std::string(512, 'y') + ",x") == std::string(512, 'y'));
  CHECK(csv_id_of({"b"}, head + std::string(513, 'y') + ",x") == "none");
}

TEST_CASE("fields of the rule that are no column are named", "[event_id]") {
  EventIdFinder finder(EventIdRule{{{"b"}, {"z"}, {"x", "y"}}});
  CHECK(finder.set_csv_columns({"a", "b"}, ',') == std::vector<std::string>{"z", "x.y"});
  const Padded record("1,2");
  CHECK(finder.csv(record.view()).flags == kMissing);
  EventIdFinder other(EventIdRule{{{"b"}}});
  CHECK(other.csv(record.view()).flags == kMissing);
  CHECK(other.set_csv_columns({"a", "b"}, ';').empty());
  const Padded semicolons("1;2");
  CHECK(other.csv(semicolons.view()).text == "2");
}

/// Writes random JSON and knows where the value at `target` ends.
class JsonWriter {
 public:
  explicit JsonWriter(std::mt19937_64& rng) : rng_(rng) {}
  std::string text;

  void space() {
    for (std::uint64_t n = rng_() % 8 == 0 ? rng_() % 3 + 1 : 0; n != 0; --n) text += " \t\n\r"[rng_() % 4];
  }
  void string() {
    static const std::string kPieces[] = {"a", "id", "\\\"", "\\\\", "\\u0041", "\\ud83d\\ude00",   "\xc3\xa9",
                                          "{", "]",  ":",    ",",    "\\n",     "0123456789abcdefg"};
    text += '"';
    for (std::uint64_t n = rng_() % 6; n != 0; --n) text += kPieces[rng_() % 13];
    text += '"';
  }
  void scalar() {
    static const char* const kScalars[] = {
        "0", "-1", "12.50", "1e5", "-3.1E-2", "true", "false", "null", "12345678901234567890"};
    text += kScalars[rng_() % 9];
  }
  void value(int depth) {
    space();
    const std::uint64_t kind = rng_() % (depth > 4 ? 2 : 4);
    if (kind == 0) scalar();
    if (kind == 1) string();
    if (kind >= 2) {
      text += kind == 2 ? '[' : '{';
      const std::uint64_t count = rng_() % 4;
      for (std::uint64_t i = 0; i < count; ++i) {
        if (i != 0) text += ',';
        space();
        if (kind == 3) {
          text += "\"k" + std::to_string(rng_() % 5) + "\"";
          space();
          text += ':';
        }
        value(depth + 1);
      }
      space();
      text += kind == 2 ? ']' : '}';
    }
    space();
  }

 private:
  std::mt19937_64& rng_;
};

TEST_CASE("the id of a random object is found exactly when the scan reaches its end", "[event_id]") {
  // Goal: prefixes. Method: random members, then the id, then random members; the frame is cut at every place.
  constexpr std::uint64_t kSeed = 512;
  INFO("seed " << kSeed);
  std::mt19937_64 rng(kSeed);
  EventIdFinder finder(EventIdRule{{{"id"}}});
  int cuts = 0;
  int found = 0;
  for (int round = 0; round < 1'500; ++round) {
    JsonWriter writer(rng);
    writer.space();
    writer.text += '{';
    for (std::uint64_t n = rng() % 4; n != 0; --n) {
      writer.text += "\"k" + std::to_string(n) + "\":";
      writer.value(1);
      writer.text += ',';
    }
    writer.space();
    const bool number = rng() % 2 == 0;
    writer.text += number ? "\"id\":1234" : "\"id\":\"o-7\"";
    const std::size_t reached = writer.text.size() + (number ? 1 : 0);
    for (std::uint64_t n = rng() % 3; n != 0; --n) {
      writer.text += ",\"z" + std::to_string(n) + "\":";
      writer.value(1);
    }
    writer.text += '}';
    for (std::size_t size = 0; size <= writer.text.size(); ++size) {
      const Padded frame(std::string_view(writer.text).substr(0, size));
      const auto id = finder.json(frame.view());
      INFO(frame.view());
      REQUIRE((id.flags == 0) == (size >= reached));
      if (id.flags == 0) REQUIRE(id.text == (number ? "1234" : "o-7"));
      ++cuts;
      found += id.flags == 0 ? 1 : 0;
    }
  }
  CHECK(cuts > 100'000);
  CHECK(found > 20'000);
}

TEST_CASE("random bytes in a frame never do harm", "[event_id]") {
  constexpr std::uint64_t kSeed = 99;
  INFO("seed " << kSeed);
  std::mt19937_64 rng(kSeed);
  EventIdFinder finder(EventIdRule{{{"id"}, {"p", "q"}}});
  (void)finder.set_csv_columns({"id", "x"}, ',');
  int found = 0;
  for (int i = 0; i < 100'000; ++i) {
    std::string text = R"({"a":[1,"x\"y",{"b":null}],"id":"o-7","p":{"q":12.5}})";
    for (std::uint64_t n = rng() % 4; n != 0; --n)
      text[rng() % text.size()] = rng() % 2 == 0 ? "{}[]\",:\\0u"[rng() % 10] : static_cast<char>(rng());
    const Padded frame(text);
    found += finder.json(frame.view()).flags == 0 ? 1 : 0;
    REQUIRE_FALSE(finder.csv(frame.view()).text.empty());
  }
  CHECK(found > 25'000);
  CHECK(found < 75'000);
}

}  // namespace
}  // namespace weir
