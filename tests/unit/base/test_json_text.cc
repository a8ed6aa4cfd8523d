#include "runtime/base/json_text.h"

#include <random>
#include <string>

#include "tests/support/catch.h"

namespace weir {
namespace {

std::string unescaped(std::string_view inside) {
  std::string text;
  return append_unescaped(text, inside) ? text : "refused";
}

TEST_CASE("a string is escaped as JSON wants it", "[json_text]") {
  CHECK(to_json_string("") == "\"\"");
  CHECK(to_json_string("plain text of more than sixteen bytes") == "\"plain text of more than sixteen bytes\"");
  CHECK(to_json_string("a\"b\\c/d") == "\"a\\\"b\\\\c/d\"");
  CHECK(to_json_string("\b\f\n\r\t") == "\"\\b\\f\\n\\r\\t\"");
  CHECK(to_json_string(std::string_view("\0\x1f\x7f", 3)) == "\"\\u0000\\u001f\x7f\"");
  CHECK(to_json_string("K\xc3\xb6ln") == "\"K\xc3\xb6ln\"");
  ByteArena arena;
  arena.append("x");
  append_json_string(arena, "a\nb");
  CHECK(arena.view() == "x\"a\\nb\"");
}

TEST_CASE("an escaped string means what it meant, for random bytes", "[json_text]") {
  constexpr std::uint64_t kSeed = 8259;
  INFO("seed " << kSeed);
  std::mt19937_64 rng(kSeed);
  for (int i = 0; i < 20'000; ++i) {
    std::string text(rng() % 70, '\0');
    for (char& c : text) c = static_cast<char>(rng() % 3 == 0 ? rng() % 0x60 : rng());
    const std::string escaped = to_json_string(text);
    REQUIRE(unescaped(std::string_view(escaped).substr(1, escaped.size() - 2)) == text);
    for (const char c : escaped) REQUIRE(static_cast<unsigned char>(c) >= 0x20);
  }
}

TEST_CASE("the first character that needs an escape is found at every place", "[json_text]") {
  int found = 0;
  for (std::size_t size = 0; size < 70; ++size) {
    for (std::size_t at = 0; at < size; ++at) {
      for (const char c : {'"', '\\', '\x1f', '\0'}) {
        std::string text(size, 'a');
        text[at] = c;
        REQUIRE(json_plain_prefix(text) == at);
        ++found;
      }
    }
    REQUIRE(json_plain_prefix(std::string(size, '\x80')) == size);
    REQUIRE(json_plain_prefix(std::string(size, ' ')) == size);
  }
  CHECK(found == 4 * 69 * 70 / 2);
}

TEST_CASE("escapes of code points become UTF-8, lone surrogates are refused", "[json_text]") {
  CHECK(unescaped("\\u0041\\u00e9\\u20AC") == "A\xc3\xa9\xe2\x82\xac");
  CHECK(unescaped("\\ud83d\\ude00") == "\xf0\x9f\x98\x80");
  CHECK(unescaped("\\/") == "/");
  for (const char* inside : {"\\", "\\x", "\\u12", "\\u12g4", "\\ud800", "\\ud800x", "\\ud800\\u0041", "\\udc00",
                             "\\ud800\\ud800", "a\"b", "a\nb"}) {
    INFO(inside);
    CHECK(unescaped(inside) == "refused");
  }
}

TEST_CASE("a number token is JSON's and no other", "[json_text]") {
  for (const char* text : {"0", "-0", "7", "-12", "0.5", "1.50", "1e3", "1E+3", "1.5e-30", "10"}) {
    INFO(text);
    CHECK(is_json_number(text));
  }
  for (const char* text :
       {"", "-", "+1", "007", ".5", "5.", "1e", "1e+", "0x1", "1 ", " 1", "1.2.3", "NaN", "--1", "1_0", "1,0"}) {
    INFO(text);
    CHECK_FALSE(is_json_number(text));
  }
}

/// By the definition: decode each sequence and check that it is the shortest form of a code point that exists.
bool slow_utf8(std::string_view text) {
  std::size_t i = 0;
  while (i < text.size()) {
    const auto lead = static_cast<unsigned char>(text[i]);
    std::size_t length = lead < 0x80 ? 1 : (lead >> 5 == 6 ? 2 : (lead >> 4 == 14 ? 3 : (lead >> 3 == 30 ? 4 : 0)));
    if (length == 0 || i + length > text.size()) return false;
    std::uint32_t code = length == 1 ? lead : lead & (0x7fu >> length);
    for (std::size_t k = 1; k < length; ++k) {
      const auto tail = static_cast<unsigned char>(text[i + k]);
      if (tail >> 6 != 2) return false;
      code = code << 6 | (tail & 0x3f);
    }
    const std::uint32_t least[] = {0, 0, 0x80, 0x800, 0x10000};
    if (code < least[length] || code > 0x10ffff || (code >= 0xd800 && code <= 0xdfff)) return false;
    i += length;
  }
  return true;
}

TEST_CASE("UTF-8 is checked as its definition says, for every short sequence and random texts", "[json_text]") {
  // Every sequence of up to three bytes from the values at which a rule changes, in front of, inside and behind ASCII.
  const unsigned char edges[] = {0x00, 0x41, 0x7f, 0x80, 0x8f, 0x90, 0x9f, 0xa0, 0xbf, 0xc0, 0xc1, 0xc2, 0xdf,
                                 0xe0, 0xe1, 0xec, 0xed, 0xee, 0xef, 0xf0, 0xf1, 0xf3, 0xf4, 0xf5, 0xff};
  int valid = 0;
  for (const unsigned char a : edges) {
    for (const unsigned char b : edges) {
      for (const unsigned char c : edges) {
        for (const unsigned char d : edges) {
          const char bytes[] = {static_cast<char>(a), static_cast<char>(b), static_cast<char>(c), static_cast<char>(d)};
          const std::string_view text(bytes, 4);
          const bool good = slow_utf8(text);
          if (is_valid_utf8(text) != good) FAIL("differs");
          valid += good ? 1 : 0;
        }
      }
    }
  }
  CHECK(valid > 100);
  constexpr std::uint64_t kSeed = 3629;
  INFO("seed " << kSeed);
  std::mt19937_64 rng(kSeed);
  const std::string pieces[] = {"a", "plain", "\xc3\xa9", "\xe2\x82\xac", "\xf0\x9f\x98\x80", std::string(40, 'x')};
  int good = 0;
  for (int i = 0; i < 20'000; ++i) {
    std::string text;
    for (std::size_t n = rng() % 40; n != 0; --n) text += pieces[rng() % 6];
    if (!text.empty() && rng() % 2 == 0) text[rng() % text.size()] = static_cast<char>(rng());
    if (rng() % 4 == 0) text.resize(rng() % (text.size() + 1));
    REQUIRE(is_valid_utf8(text) == slow_utf8(text));
    good += is_valid_utf8(text) ? 1 : 0;
  }
  CHECK(good > 5'000);
  CHECK(good < 15'000);
  CHECK(count_code_points("K\xc3\xb6ln \xf0\x9f\x98\x80") == 6);
}

}  // namespace
}  // namespace weir
