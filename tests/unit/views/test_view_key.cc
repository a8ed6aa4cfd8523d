// Keys: order, round trips, and the bytes that lie on disks.
#include <algorithm>
#include <random>

#include "runtime/base/decimal.h"
#include "runtime/base/hash.h"
#include "runtime/base/json_text.h"
#include "runtime/engine/view_key.h"
#include "tests/support/catch.h"

namespace weir::test {
namespace {

std::string part(std::string_view token) {
  KeyBuffer key;
  static_cast<void>(append_part(key, token));
  return std::string(key.view());
}
std::string back(std::string_view token, std::uint8_t scale = 0) {
  const std::string encoded = part(token);
  std::string_view rest = encoded;
  const auto text = take_part(rest, scale);
  REQUIRE(text);
  CHECK(rest.empty());
  return *text;
}
std::string hex(std::string_view token) {
  return to_hex(part(token));
}

}  // namespace

TEST_CASE("the bytes of a key are what older states have", "[view_key]") {
  CHECK(hex("") == "01");
  CHECK(hex("null") == "01");
  CHECK(hex("false") == "02");
  CHECK(hex("true") == "03");
  CHECK(hex("0") == "0480");
  CHECK(hex("-0.00") == "0480");
  CHECK(hex("1") == "04930b00");
  CHECK(hex("17850.10") == "049712560200");
  CHECK(hex("17850") == "0497125600");
  CHECK(hex("-1.5") == "046cefff");
  CHECK(hex("0.000000000000000001") == "04810b00");
  CHECK(hex("\"a\"") == "06610001");
  CHECK(hex("\"\"") == "060001");
  CHECK(hex(R"("a\u0000b")") == "066100ff620001");
  CHECK(hex("[1,2]") == "075b312c325d0001");
  CHECK(hex("1e99") == "05316539390001");
  KeyBuffer key;
  append_view_prefix(key, 258);
  append_window(key, 2, -1);
  append_text_part(key, "France");
  append_offset(key, Offset{513});
  CHECK(to_hex(key.view()) ==
        "760102"
        "02"
        "7fffffffffffffff"
        "064672616e63650001"
        "0000000000000201");
  CHECK(to_hex(letter_key(Offset{7})) == "4c0000000000000007");
  CHECK(to_hex(letter_id_key("ab")) == "490661620001");
  CHECK(to_hex(conflict_key("ab", Offset{7})) == "4306616200010000000000000007");
}

TEST_CASE("numbers sort by value, whatever their spelling, and equal ones have equal keys", "[view_key]") {
  const auto seed = GENERATE(1u, 2u, 3u);
  INFO("seed " << seed);
  std::mt19937_64 random(seed);
  std::vector<std::pair<Decimal, std::string>> numbers;
  for (int i = 0; i < 2'000; ++i) {
    const std::uint32_t scale = static_cast<std::uint32_t>(random() % 19);
    Int128 unscaled = static_cast<Int128>(random() >> (random() % 64));
    if (random() % 4 == 0) unscaled = unscaled * static_cast<Int128>(random() % 1'000'000'000'000'000'000ull);
    if (random() % 3 == 0) unscaled = static_cast<Int128>(random() % 20);
    if (random() % 2 == 0) unscaled = -unscaled;
    const auto number = Decimal::make(unscaled, scale);
    if (!number) continue;
    numbers.emplace_back(*number, part(number->to_text()));
    // Its own text comes back when asked for with its scale.
    REQUIRE(back(number->to_text(), static_cast<std::uint8_t>(scale)) == number->to_text());
  }
  REQUIRE(numbers.size() > 1'500);
  for (std::size_t i = 0; i + 1 < numbers.size(); ++i) {
    const auto& [a, a_key] = numbers[i];
    const auto& [b, b_key] = numbers[i + 1];
    INFO(a.to_text() << " and " << b.to_text());
    REQUIRE((a < b) == (a_key < b_key));
    REQUIRE((a == b) == (a_key == b_key));
  }
  CHECK(part("1.50") == part("15e-1"));
  CHECK(back("1.50") == "1.5");
  CHECK(back("1.5", 4) == "1.5000");
  CHECK(back("-0.05", 0) == "-0.05");
  CHECK(back("120", 0) == "120");
  CHECK(back("0", 2) == "0.00");
}

TEST_CASE("strings sort by bytes, prefixes first, and kinds of values do not mix", "[view_key]") {
  std::vector<std::string> tokens = {"",
                                     "false",
                                     "true",
                                     "-1",
                                     "0",
                                     "1.5",
                                     "1e99",
                                     R"("")",
                                     R"("\u0000")",
                                     R"("\u0000\u0000")",
                                     R"("a")",
                                     R"("a\u0000")",
                                     R"("a b")",
                                     R"("aa")",
                                     R"("b")",
                                     "\"\xc3\xa4\"",
                                     R"({"a":1})"};
  for (std::size_t i = 0; i + 1 < tokens.size(); ++i) {
    INFO(tokens[i] << " before " << tokens[i + 1]);
    CHECK(part(tokens[i]) < part(tokens[i + 1]));
  }
  CHECK(part(R"("a\u0062")") == part(R"("ab")"));
  CHECK(back(R"("tab\there \"q\" \\ \u00e4")") == R"("tab\there \"q\" \\ )"
                                                  "\xc3\xa4\"");
  CHECK(back(R"({"a":[1,2]})") == R"({"a":[1,2]})");
  CHECK(back("1e99") == "1e99");
  CHECK(back("") == "null");
}

TEST_CASE("any string comes back and sorts as itself", "[view_key]") {
  std::mt19937_64 random(11);
  std::vector<std::string> texts;
  for (int i = 0; i < 3'000; ++i) {
    std::string text;
    for (std::uint64_t n = random() % 40; n != 0; --n) {
      static constexpr char kBytes[] = {'\0', '\1', '\\', 'a', 'b', '\xff', '"', '~'};
      text.push_back(kBytes[random() % 8]);
    }
    KeyBuffer key;
    append_text_part(key, text);
    std::string_view rest = key.view();
    REQUIRE(take_text_part(rest) == text);
    REQUIRE(rest.empty());
    rest = key.view();
    REQUIRE(skip_part(rest));
    REQUIRE(rest.empty());
    if (!texts.empty()) {
      KeyBuffer before;
      append_text_part(before, texts.back());
      REQUIRE((texts.back() < text) == (before.view() < key.view()));
    }
    texts.push_back(text);
  }
}

TEST_CASE("damaged keys are told from good ones and never read outside", "[view_key]") {
  for (const std::string_view bytes :
       {std::string_view("\x06"
                         "abc"),
        std::string_view("\x06"
                         "a\0",
                         3),
        std::string_view("\x06\0\x02", 3), std::string_view("\x04"), std::string_view("\x04\x93\x0b", 3),
        std::string_view("\x09"), std::string_view("\x04\x93\x7f\0", 4), std::string_view("")}) {
    std::string_view rest = bytes;
    INFO(to_hex(bytes));
    CHECK_FALSE(take_part(rest, 0));
  }
  std::string_view rest = "\x01\x02";
  CHECK_FALSE(take_window(rest));
  CHECK_FALSE(offset_at_end("1234567"));
}

TEST_CASE("what a person types may mean several values", "[view_key]") {
  CHECK(parts_meant_by("17").size() == 2);
  CHECK(parts_meant_by("17")[0] == part("17.0"));
  CHECK(parts_meant_by("17")[1] == part("\"17\""));
  CHECK(parts_meant_by("null") == std::vector<std::string>{part(""), part("\"null\"")});
  CHECK(parts_meant_by("France") == std::vector<std::string>{part("\"France\"")});
  CHECK(prefix_end("ab") == "ac");
  CHECK(prefix_end("a\xff") == "b");
  CHECK(prefix_end("\xff\xff").empty());
}

}  // namespace weir::test
