#include "runtime/base/decimal.h"

#include <algorithm>
#include <array>
#include <random>
#include <string>
#include <vector>

#include "tests/support/catch.h"
#include "tests/unit/base/slow_number.h"

namespace weir {
namespace {

using test::SlowDecimal;
using test::SlowInteger;

std::string parsed(std::string_view text) {
  const auto value = Decimal::parse(text);
  return value ? value->to_text() : std::string(value.error() == DecimalFault::range ? "range" : "syntax");
}
std::string shown(const DecimalResult<Decimal>& value) {
  if (value) return value->to_text();
  return value.error() == DecimalFault::range ? "range" : (value.error() == DecimalFault::syntax ? "syntax" : "zero");
}
Decimal number(std::string_view text) {
  return Decimal::parse(text).value();
}
std::string expected(const SlowDecimal& value) {
  return value.fits() ? value.text() : "range";
}

/// Every length from nothing to the limits is likely, as are trailing zeros and nines.
SlowDecimal random_decimal(std::mt19937_64& rng) {
  SlowDecimal value;
  std::string digits;
  const std::size_t count = rng() % 3 == 0 ? rng() % 39 : rng() % 12;
  for (std::size_t i = 0; i < count; ++i) {
    const std::uint64_t kind = rng() % 4;
    digits.push_back(static_cast<char>('0' + (kind == 0 ? 9 : (kind == 1 ? 0 : rng() % 10))));
  }
  value.unscaled = SlowInteger::from((rng() % 2 == 0 ? "-" : "") + digits);
  value.scale = rng() % 19;
  return value;
}

TEST_CASE("a decimal's text is kept and made legal JSON", "[decimal]") {
  CHECK(parsed("007") == "7");
  CHECK(parsed(".5") == "0.5");
  CHECK(parsed("-.5") == "-0.5");
  CHECK(parsed("5.") == "5");
  CHECK(parsed("+3") == "3");
  CHECK(parsed("17850.10") == "17850.10");
  CHECK(parsed("17850.0") == "17850.0");
  CHECK(parsed("0") == "0");
  CHECK(parsed("-0.00") == "0.00");
  CHECK(parsed("00.10") == "0.10");
}

TEST_CASE("an exponent moves the point exactly", "[decimal]") {
  CHECK(parsed("1e3") == "1000");
  CHECK(parsed("1.50e1") == "15.0");
  CHECK(parsed("1.5E+1") == "15");
  CHECK(parsed("15e-1") == "1.5");
  CHECK(parsed("-2.5e-3") == "-0.0025");
  CHECK(parsed("0e99") == "0");
  CHECK(parsed("0.0000000000000000000001e22") == "1");
  CHECK(parsed("1e37") == "1" + std::string(37, '0'));
  CHECK(parsed("1e38") == "range");
  CHECK(parsed("1e-18") == "0.000000000000000001");
  CHECK(parsed("1e-19") == "range");
  CHECK(parsed("0e-19") == "range");
  CHECK(parsed("1e999999999999999999999999") == "range");
  CHECK(parsed("0e999999999999999999999999") == "0");
  CHECK(parsed("1e-999999999999999999999999") == "range");
}

TEST_CASE("38 digits and 18 behind the point are the limit", "[decimal]") {
  const std::string nines(38, '9');
  CHECK(parsed(nines) == nines);
  CHECK(parsed("-" + nines) == "-" + nines);
  CHECK(parsed(nines + "9") == "range");
  CHECK(parsed("1" + std::string(38, '0')) == "range");
  CHECK(parsed("00000" + nines) == nines);
  const std::string small = std::string(20, '9') + "." + std::string(18, '9');
  CHECK(parsed(small) == small);
  CHECK(parsed("0." + std::string(19, '0')) == "range");
  CHECK(parsed("0." + std::string(18, '0')) == "0." + std::string(18, '0'));
  CHECK(parsed(std::string(1000, '7')) == "range");
  CHECK(parsed(std::string(1000, '0') + "1") == "1");
  CHECK(parsed(std::string(1000, '7') + "x") == "syntax");
}

TEST_CASE("what is not a number is told from what is out of range", "[decimal]") {
  for (const char* text : {"",      "-",   "+",  ".",  "-.",   "e5",  ".e5", "1e",       "1e+",   "1e1.5",
                           "1.2.3", "1,5", " 1", "1 ", "0x10", "--1", "nan", "Infinity", "1_000", "1e5x"}) {
    INFO(text);
    CHECK(parsed(text) == "syntax");
  }
  CHECK(parsed(std::string_view("1\0", 2)) == "syntax");
}

TEST_CASE("decimals compare by value, whatever their scale", "[decimal]") {
  CHECK(number("1.0") == number("1.00"));
  CHECK(number("-1") < number("0.5"));
  CHECK(number("99999999999999999999999999999999999999") > number("0.000000000000000001"));
  CHECK(number("-99999999999999999999999999999999999999") < number("-99999999999999999999.999999999999999999"));
  CHECK(number("99999999999999999999.999999999999999999") < number("99999999999999999999999999999999999999"));
  CHECK(number("0.00") == number("-0"));
}

TEST_CASE("a whole decimal is an int64 where it fits", "[decimal]") {
  CHECK(number("2.00").to_int64() == 2);
  CHECK(number("-9223372036854775808").to_int64() == INT64_MIN);
  CHECK_FALSE(number("9223372036854775808").to_int64().has_value());
  CHECK_FALSE(number("2.01").to_int64().has_value());
}

TEST_CASE("rounding and dividing go half to even", "[decimal]") {
  CHECK(shown(number("0.125").round(2)) == "0.12");
  CHECK(shown(number("0.135").round(2)) == "0.14");
  CHECK(shown(number("-0.125").round(2)) == "-0.12");
  CHECK(shown(number("-2.5").round(0)) == "-2");
  CHECK(shown(number("-0.4").round(0)) == "0");
  CHECK(shown(number("2").round(3)) == "2.000");
  CHECK(shown(number("1").round(19)) == "range");
  CHECK(shown(number("99999999999999999999999999999999999999").round(1)) == "range");
  CHECK(shown(Decimal::divide(number("1"), number("3"), 6)) == "0.333333");
  CHECK(shown(Decimal::divide(number("2"), number("-3"), 0)) == "-1");
  CHECK(shown(Decimal::divide(number("1"), number("0.00"), 2)) == "zero");
  CHECK(shown(Decimal::divide(number("1e37"), number("0.1"), 0)) == "range");
}

TEST_CASE("arithmetic agrees with schoolbook arithmetic on digits", "[decimal]") {
  constexpr std::uint64_t kSeed = 42;
  INFO("seed " << kSeed);
  std::mt19937_64 rng(kSeed);
  int in_range = 0;
  for (int i = 0; i < 20'000; ++i) {
    const SlowDecimal a = random_decimal(rng);
    const SlowDecimal b = random_decimal(rng);
    INFO(a.text() << " and " << b.text());
    const Decimal x = number(a.text());
    const Decimal y = number(b.text());
    REQUIRE(x.to_text() == a.text());
    const std::size_t scale = std::max(a.scale, b.scale);
    const SlowInteger left = a.at_scale(scale).unscaled;
    const SlowInteger right = b.at_scale(scale).unscaled;
    const SlowInteger difference = left + right.negated();
    const SlowDecimal sum{left + right, scale};
    REQUIRE(shown(Decimal::add(x, y)) == expected(sum));
    REQUIRE(shown(Decimal::subtract(x, y)) == expected({difference, scale}));
    REQUIRE(shown(Decimal::multiply(x, y)) == expected({a.unscaled * b.unscaled, a.scale + b.scale}));
    REQUIRE((x < y) == difference.negative);
    REQUIRE((x == y) == (difference.digits == "0"));
    const std::size_t to = rng() % 19;
    if (b.unscaled.digits == "0") {
      REQUIRE(shown(Decimal::divide(x, y, static_cast<std::uint32_t>(to))) == "zero");
    } else {
      const SlowDecimal quotient{divide_half_even(a.unscaled.times_ten(to + b.scale), b.unscaled.times_ten(a.scale)),
                                 to};
      REQUIRE(shown(Decimal::divide(x, y, static_cast<std::uint32_t>(to))) == expected(quotient));
    }
    const SlowDecimal rounded{divide_half_even(a.unscaled.times_ten(to), SlowInteger::from("1").times_ten(a.scale)),
                              to};
    REQUIRE(shown(x.round(static_cast<std::uint32_t>(to))) == expected(rounded));
    in_range += sum.fits() ? 1 : 0;
  }
  CHECK(in_range > 10'000);
  CHECK(in_range < 20'000);
}

TEST_CASE("a decimal survives its fixed bytes and damaged ones are refused", "[decimal]") {
  std::array<char, Decimal::kEncodedSize> bytes{};
  const Decimal value = number("-17850.10");
  value.encode(bytes.data());
  const auto back = Decimal::decode({bytes.data(), bytes.size()});
  REQUIRE(back.has_value());
  CHECK(back->to_text() == "-17850.10");
  CHECK_FALSE(Decimal::decode({bytes.data(), 16}).has_value());
  bytes[16] = 19;
  CHECK_FALSE(Decimal::decode({bytes.data(), bytes.size()}).has_value());
  bytes[16] = 2;
  std::fill_n(bytes.begin(), 15, '\xff');
  bytes[15] = '\x7f';
  CHECK_FALSE(Decimal::decode({bytes.data(), bytes.size()}).has_value());
}

TEST_CASE("a sum is exact, takes the largest scale, and does not depend on how its parts were merged", "[decimal]") {
  constexpr std::uint64_t kSeed = 4711;
  INFO("seed " << kSeed);
  std::mt19937_64 rng(kSeed);
  for (int round = 0; round < 300; ++round) {
    std::vector<DecimalSum> parts(rng() % 5 + 1);
    SlowDecimal slow;
    const std::size_t count = rng() % 40 + 1;
    std::size_t scale = 0;
    for (std::size_t i = 0; i < count; ++i) {
      const SlowDecimal value = random_decimal(rng);
      parts[rng() % parts.size()].add(number(value.text()));
      scale = std::max(scale, value.scale);
      slow = {slow.at_scale(18).unscaled + value.at_scale(18).unscaled, 18};
    }
    std::shuffle(parts.begin(), parts.end(), rng);
    DecimalSum merged;
    for (const DecimalSum& part : parts) {
      std::array<char, DecimalSum::kEncodedSize> bytes{};
      part.encode(bytes.data());
      const auto decoded = DecimalSum::decode({bytes.data(), bytes.size()});
      REQUIRE(decoded.has_value());
      REQUIRE(*decoded == part);
      merged.merge(*decoded);
    }
    const SlowDecimal exact{divide_half_even(slow.unscaled, SlowInteger::from("1").times_ten(18 - scale)), scale};
    REQUIRE(merged.scale() == scale);
    REQUIRE(merged.to_text() == exact.text());
    REQUIRE(shown(merged.to_decimal()) == expected(exact));
    const SlowDecimal average{divide_half_even(exact.unscaled.times_ten(6), SlowInteger::from(std::to_string(count))),
                              scale + 6};
    REQUIRE(merged.average_text(count) == average.text());
  }
}

TEST_CASE("the largest sum 2^64 decimals can reach has a text and an average, and more is refused as damage",
          "[decimal]") {
  // Goal: the bound that 256 bits are chosen by. 10^38 - 1 at scale 0 beside a value of scale 18, doubled up to 2^63
  // times.
  DecimalSum sum;
  sum.add(number(std::string(38, '9')));
  sum.add(number("0.000000000000000001"));
  SlowDecimal slow{SlowInteger::from(std::string(38, '9') + std::string(17, '0') + "1"), 18};
  for (int i = 0; i < 63; ++i) {
    const DecimalSum same = sum;
    sum.merge(same);
    slow.unscaled = slow.unscaled + slow.unscaled;
  }
  CHECK(sum.to_text() == slow.text());
  CHECK(shown(sum.to_decimal()) == "range");
  const std::uint64_t count = ~std::uint64_t{0};
  const SlowDecimal average{divide_half_even(slow.unscaled.times_ten(6), SlowInteger::from("18446744073709551615")),
                            24};
  CHECK(sum.average_text(count) == average.text());

  std::array<char, DecimalSum::kEncodedSize> bytes{};
  sum.encode(bytes.data());
  CHECK(DecimalSum::decode({bytes.data(), bytes.size()}).has_value());
  const DecimalSum same = sum;
  sum.merge(same);
  sum.encode(bytes.data());
  CHECK_FALSE(DecimalSum::decode({bytes.data(), bytes.size()}).has_value());
  std::fill(bytes.begin(), bytes.end() - 1, '\0');
  bytes[31] = '\x80';
  CHECK_FALSE(DecimalSum::decode({bytes.data(), bytes.size()}).has_value());
}

TEST_CASE("an average goes half to even and keeps its sign", "[decimal]") {
  DecimalSum sum;
  sum.add(number("-10.5"));
  CHECK(sum.average_text(3) == "-3.5000000");
  sum.add(number("10.5"));
  CHECK(sum.average_text(2) == "0.0000000");
  sum.add(number("-0.0000005"));
  CHECK(sum.average_text(10'000'000) == "0.0000000000000");
  sum.add(number("-1"));
  CHECK(sum.average_text(2) == "-0.5000002500000");
}

}  // namespace
}  // namespace weir
