#include "runtime/base/decimal.h"

#include <algorithm>
#include <array>
#include <cstring>
#include <limits>

#include "runtime/base/bytes.h"
#include "runtime/base/invariant.h"

namespace weir {

namespace {

constexpr Int128 kLimit = static_cast<Int128>(power_of_ten(19)) * static_cast<Int128>(power_of_ten(19));  // 10^38

constexpr bool in_range(Int128 unscaled) noexcept {
  return unscaled < kLimit && unscaled > -kLimit;
}

/// The value as 128 bits where it is within the digits of a Decimal.
std::optional<Int128> narrow(const Int256& value) noexcept {
  const Int256 limit(kLimit);
  if (compare(value, limit) >= 0 || compare(value, -limit) <= 0) return std::nullopt;
  return static_cast<Int128>(static_cast<UInt128>(value.limb[1]) << 64 | value.limb[0]);
}

/// value * 10^power, power 0..36.
Int256 scaled_up(Int256 value, std::uint32_t power) noexcept {
  if (power > 18) {
    value *= kPowersOfTen[18];
    power -= 18;
  }
  value *= kPowersOfTen[power];
  return value;
}

constexpr auto kTwoDigits = [] {
  std::array<char, 200> pairs{};
  for (std::size_t i = 0; i < 100; ++i) {
    pairs[2 * i] = static_cast<char>('0' + i / 10);
    pairs[2 * i + 1] = static_cast<char>('0' + i % 10);
  }
  return pairs;
}();

/// The digits of `value`, most significant first, at the end of `buffer`; returns where they begin. Nothing for 0.
char* digits_before(char* end, Int256 value) noexcept {
  while ((value.limb[1] | value.limb[2] | value.limb[3]) != 0) {
    std::uint64_t part = value.divide(power_of_ten(19));
    for (int i = 0; i < 19; ++i, part /= 10) *--end = static_cast<char>('0' + part % 10);
  }
  std::uint64_t part = value.limb[0];
  for (; part >= 100; part /= 100) {
    end -= 2;
    std::memcpy(end, &kTwoDigits[2 * (part % 100)], 2);
  }
  for (; part != 0; part /= 10) *--end = static_cast<char>('0' + part % 10);
  return end;
}

std::size_t write_plain(bool negative, const Int256& magnitude, std::uint32_t scale, char* to) noexcept {
  char buffer[80];
  char* const end = buffer + sizeof buffer;
  char* begin = digits_before(end, magnitude);
  while (end - begin < static_cast<std::ptrdiff_t>(scale) + 1) *--begin = '0';
  char* at = to;
  if (negative) *at++ = '-';
  const std::size_t whole = static_cast<std::size_t>(end - begin) - scale;
  std::memcpy(at, begin, whole);
  at += whole;
  if (scale != 0) {
    *at++ = '.';
    std::memcpy(at, begin + whole, scale);
    at += scale;
  }
  return static_cast<std::size_t>(at - to);
}

/// Half to even: whether the quotient goes one away from zero.
template <class T>
bool rounds_up(bool quotient_odd, const T& remainder, const T& divisor) noexcept {
  T rest = divisor;
  rest -= remainder;
  int order = 0;
  if constexpr (std::is_same_v<T, Int256>) {
    order = compare(remainder, rest);
  } else {
    order = remainder < rest ? -1 : (remainder > rest ? 1 : 0);
  }
  return order > 0 || (order == 0 && quotient_odd);
}

struct Exponent {
  std::int64_t value = 0;
  bool good = true;
};
/// What follows `e`. Saturates far outside every limit, so that its length does not matter.
Exponent read_exponent(const char* at, const char* end) noexcept {
  const bool negative = at != end && *at == '-';
  if (at != end && (*at == '-' || *at == '+')) ++at;
  if (at == end) return {.value = 0, .good = false};
  std::int64_t value = 0;
  for (; at != end; ++at) {
    const auto digit = static_cast<unsigned>(*at - '0');
    if (digit > 9) return {.value = 0, .good = false};
    value = std::min<std::int64_t>(value * 10 + digit, std::int64_t{1} << 40);
  }
  return {.value = negative ? -value : value, .good = true};
}

}  // namespace

std::string_view to_string(DecimalFault fault) noexcept {
  switch (fault) {
    case DecimalFault::syntax:
      return "not a number";
    case DecimalFault::range:
      return "more than 38 digits or 18 behind the point";
    case DecimalFault::divided_by_zero:
      return "divided by zero";
  }
  return "unknown";
}

DecimalResult<Decimal> Decimal::make(Int128 unscaled, std::uint32_t scale) noexcept {
  if (scale > kDecimalScaleMax || !in_range(unscaled)) return tl::unexpected(DecimalFault::range);
  return Decimal{unscaled, scale};
}

DecimalResult<Decimal> Decimal::parse(std::string_view text) noexcept {
  const char* at = text.data();
  const char* const end = at + text.size();
  const bool negative = at != end && *at == '-';
  if (at != end && (*at == '-' || *at == '+')) ++at;
  std::uint64_t low = 0;          // the first 19 digits, as most numbers have no more
  UInt128 wide = 0;               // all of them, once there are more
  std::uint32_t significant = 0;  // digits after leading zeros; stops counting behind the limit
  std::int64_t behind_point = 0;
  std::size_t digits = 0;
  bool point = false;
  for (; at != end; ++at) {
    const auto digit = static_cast<unsigned>(*at - '0');
    if (digit <= 9) {
      ++digits;
      behind_point += point ? 1 : 0;
      if (significant < 19) {
        low = low * 10 + digit;
        significant += low != 0 ? 1 : 0;
      } else {
        if (significant == 19) wide = low;
        if (significant <= kDecimalDigitsMax) ++significant;
        if (significant <= kDecimalDigitsMax) wide = wide * 10 + digit;
      }
    } else if (*at == '.' && !point) {
      point = true;
    } else {
      break;
    }
  }
  if (digits == 0) return tl::unexpected(DecimalFault::syntax);
  std::int64_t scale = behind_point;
  if (at != end) {
    if (*at != 'e' && *at != 'E') return tl::unexpected(DecimalFault::syntax);
    const Exponent exponent = read_exponent(at + 1, end);
    if (!exponent.good) return tl::unexpected(DecimalFault::syntax);
    scale -= exponent.value;
  }
  if (scale > kDecimalScaleMax || significant > kDecimalDigitsMax) return tl::unexpected(DecimalFault::range);
  UInt128 magnitude = significant > 19 ? wide : low;
  if (scale < 0) {
    if (magnitude != 0 && static_cast<std::int64_t>(significant) - scale > kDecimalDigitsMax)
      return tl::unexpected(DecimalFault::range);
    if (magnitude == 0) scale = 0;
    for (; scale != 0; ++scale) magnitude *= 10;
  }
  const auto value = static_cast<Int128>(magnitude);
  return Decimal{negative ? -value : value, static_cast<std::uint32_t>(scale)};
}

std::optional<std::int64_t> Decimal::to_int64() const noexcept {
  const auto divisor = static_cast<Int128>(kPowersOfTen[scale_]);
  const Int128 whole = unscaled_ / divisor;
  if (whole * divisor != unscaled_) return std::nullopt;
  if (whole > std::numeric_limits<std::int64_t>::max() || whole < std::numeric_limits<std::int64_t>::min())
    return std::nullopt;
  return static_cast<std::int64_t>(whole);
}

std::weak_ordering Decimal::compare_scales(const Decimal& a, const Decimal& b) noexcept {
  const std::uint32_t scale = std::max(a.scale_, b.scale_);
  const auto a_factor = static_cast<Int128>(kPowersOfTen[scale - a.scale_]);
  const auto b_factor = static_cast<Int128>(kPowersOfTen[scale - b.scale_]);
  Int128 left = 0;
  Int128 right = 0;
  if (!__builtin_mul_overflow(a.unscaled_, a_factor, &left) && !__builtin_mul_overflow(b.unscaled_, b_factor, &right))
    return left <=> right;
  const int order =
      compare(scaled_up(Int256(a.unscaled_), scale - a.scale_), scaled_up(Int256(b.unscaled_), scale - b.scale_));
  return order <=> 0;
}

DecimalResult<Decimal> Decimal::add(const Decimal& a, const Decimal& b) noexcept {
  const std::uint32_t scale = std::max(a.scale_, b.scale_);
  Int128 left = 0;
  Int128 right = 0;
  Int128 sum = 0;
  if (!__builtin_mul_overflow(a.unscaled_, static_cast<Int128>(kPowersOfTen[scale - a.scale_]), &left) &&
      !__builtin_mul_overflow(b.unscaled_, static_cast<Int128>(kPowersOfTen[scale - b.scale_]), &right) &&
      !__builtin_add_overflow(left, right, &sum))
    return make(sum, scale);
  // The parts may need more than 128 bits where the sum does not.
  Int256 exact = scaled_up(Int256(a.unscaled_), scale - a.scale_);
  exact += scaled_up(Int256(b.unscaled_), scale - b.scale_);
  const auto narrowed = narrow(exact);
  if (!narrowed) return tl::unexpected(DecimalFault::range);
  return Decimal{*narrowed, scale};
}

DecimalResult<Decimal> Decimal::subtract(const Decimal& a, const Decimal& b) noexcept {
  return add(a, b.negated());
}

DecimalResult<Decimal> Decimal::multiply(const Decimal& a, const Decimal& b) noexcept {
  Int128 product = 0;
  if (__builtin_mul_overflow(a.unscaled_, b.unscaled_, &product)) return tl::unexpected(DecimalFault::range);
  return make(product, a.scale_ + b.scale_);
}

DecimalResult<Decimal> Decimal::divide(const Decimal& a, const Decimal& b, std::uint32_t scale) noexcept {
  if (b.unscaled_ == 0) return tl::unexpected(DecimalFault::divided_by_zero);
  if (scale > kDecimalScaleMax) return tl::unexpected(DecimalFault::range);
  const bool negative = (a.unscaled_ < 0) != (b.unscaled_ < 0);
  const auto left = static_cast<UInt128>(a.unscaled_ < 0 ? -a.unscaled_ : a.unscaled_);
  const auto right = static_cast<UInt128>(b.unscaled_ < 0 ? -b.unscaled_ : b.unscaled_);
  // a/10^sa / (b/10^sb) * 10^scale = a * 10^(scale + sb) / (b * 10^sa)
  const std::uint32_t up = scale + b.scale_ > a.scale_ ? scale + b.scale_ - a.scale_ : 0;
  const std::uint32_t down = a.scale_ > scale + b.scale_ ? a.scale_ - scale - b.scale_ : 0;
  UInt128 dividend = 0;
  UInt128 divisor = 0;
  if (up <= 19 && !__builtin_mul_overflow(left, static_cast<UInt128>(kPowersOfTen[up]), &dividend) &&
      !__builtin_mul_overflow(right, static_cast<UInt128>(kPowersOfTen[down]), &divisor)) {
    UInt128 quotient = dividend / divisor;
    if (rounds_up<UInt128>((quotient & 1) != 0, dividend % divisor, divisor)) ++quotient;
    if (quotient >= static_cast<UInt128>(kLimit)) return tl::unexpected(DecimalFault::range);
    const auto value = static_cast<Int128>(quotient);
    return Decimal{negative ? -value : value, scale};
  }
  // At most 10^38 * 10^36 over 10^38 * 10^18: below 2^247.
  const Int256 wide_divisor = scaled_up(Int256(static_cast<Int128>(right)), down);
  Int256Division exact = weir::divide(scaled_up(Int256(static_cast<Int128>(left)), up), wide_divisor);
  if (rounds_up((exact.quotient.limb[0] & 1) != 0, exact.remainder, wide_divisor)) exact.quotient += Int256(Int128{1});
  const auto narrowed = narrow(exact.quotient);
  if (!narrowed) return tl::unexpected(DecimalFault::range);
  return Decimal{negative ? -*narrowed : *narrowed, scale};
}

DecimalResult<Decimal> Decimal::round(std::uint32_t scale) const noexcept {
  if (scale == scale_) return *this;
  return divide(*this, Decimal{1}, scale);
}

std::size_t Decimal::write_text(char* to) const noexcept {
  return write_plain(unscaled_ < 0, Int256(unscaled_ < 0 ? -unscaled_ : unscaled_), scale_, to);
}

std::string Decimal::to_text() const {
  char text[kTextMax];
  return std::string(text, write_text(text));
}

void Decimal::encode(char* to) const noexcept {
  store(to, unscaled_);
  to[16] = static_cast<char>(scale_);
}

std::optional<Decimal> Decimal::decode(std::string_view bytes) noexcept {
  if (bytes.size() != kEncodedSize) return std::nullopt;
  const auto made = make(load<Int128>(bytes.data()), static_cast<unsigned char>(bytes[16]));
  if (!made) return std::nullopt;
  return *made;
}

void DecimalSum::add_scales(Int256 value, std::uint32_t scale) noexcept {
  if (scale < scale_) {
    value *= kPowersOfTen[scale_ - scale];
  } else if (scale > scale_) {
    value_ *= kPowersOfTen[scale - scale_];
    scale_ = scale;
  }
  value_ += value;
}

std::size_t DecimalSum::write_text(char* to) const noexcept {
  return write_plain(value_.negative(), value_.magnitude(), scale_, to);
}

std::string DecimalSum::to_text() const {
  char text[kTextMax];
  return std::string(text, write_text(text));
}

std::string DecimalSum::average_text(std::uint64_t count) const {
  INVARIANT(count != 0, "an average needs at least one value");
  constexpr std::uint32_t kMore = 6;
  Int256 quotient = value_.magnitude();
  const UInt128 rest = static_cast<UInt128>(quotient.divide(count)) * kPowersOfTen[kMore];
  quotient *= kPowersOfTen[kMore];
  UInt128 fraction = rest / count;
  if (rounds_up<UInt128>((fraction & 1) != 0, rest % count, count)) ++fraction;
  quotient += Int256(static_cast<Int128>(fraction));
  char text[kTextMax];
  return std::string(text, write_plain(value_.negative() && !quotient.zero(), quotient, scale_ + kMore, text));
}

DecimalResult<Decimal> DecimalSum::to_decimal() const noexcept {
  const auto narrowed = narrow(value_);
  if (!narrowed) return tl::unexpected(DecimalFault::range);
  return Decimal{*narrowed, scale_};
}

void DecimalSum::encode(char* to) const noexcept {
  std::memcpy(to, value_.limb, 32);
  to[32] = static_cast<char>(scale_);
}

std::optional<DecimalSum> DecimalSum::decode(std::string_view bytes) noexcept {
  if (bytes.size() != kEncodedSize) return std::nullopt;
  DecimalSum sum;
  sum.scale_ = static_cast<unsigned char>(bytes[32]);
  if (sum.scale_ > kDecimalScaleMax) return std::nullopt;
  std::memcpy(sum.value_.limb, bytes.data(), 32);
  Int256 bound = scaled_up(Int256(kLimit), sum.scale_);
  bound *= ~std::uint64_t{0};
  if (compare(sum.value_.magnitude(), bound) >= 0 || sum.value_.magnitude().negative()) return std::nullopt;
  return sum;
}

}  // namespace weir
