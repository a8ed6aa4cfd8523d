#include "runtime/base/json_number.h"

#include <algorithm>

#include "runtime/base/int256.h"

namespace weir {

namespace {
constexpr std::int64_t kExponentMax = 1'000'000'000'000'000;

std::int64_t read_exponent(std::string_view text) noexcept {
  bool negative = false;
  if (!text.empty() && (text.front() == '-' || text.front() == '+')) {
    negative = text.front() == '-';
    text.remove_prefix(1);
  }
  std::int64_t value = 0;
  for (const char c : text) value = std::min(value * 10 + (c - '0'), kExponentMax);
  return negative ? -value : value;
}

bool is_digit(char c) noexcept {
  return c >= '0' && c <= '9';
}

/// a * b mod m, all below 10^18.
std::uint64_t times(std::uint64_t a, std::uint64_t b, std::uint64_t m) noexcept {
  return static_cast<std::uint64_t>(static_cast<UInt128>(a) * b % m);
}
}  // namespace

JsonNumber::JsonNumber(std::string_view text) noexcept {
  if (text.starts_with('-')) {
    negative_ = true;
    text.remove_prefix(1);
  }
  const std::size_t e = std::min(text.find_first_of("eE"), text.size());
  const std::int64_t exponent = e < text.size() ? read_exponent(text.substr(e + 1)) : 0;
  std::string_view mantissa = text.substr(0, e);
  const auto dot = static_cast<std::int64_t>(std::min(mantissa.find('.'), mantissa.size()));
  const std::size_t first = mantissa.find_first_not_of("0.");
  if (first == std::string_view::npos) {
    negative_ = false;  // -0 is 0
    return;
  }
  const std::size_t last = mantissa.find_last_not_of("0.");
  digits_ = mantissa.substr(first, last - first + 1);
  count_ = std::count_if(digits_.begin(), digits_.end(), is_digit);
  const auto at = static_cast<std::int64_t>(first);
  point_ = (at < dot ? dot - at : dot - at + 1) + exponent;
}

std::weak_ordering operator<=>(const JsonNumber& a, const JsonNumber& b) noexcept {
  if (a.negative_ != b.negative_) return a.negative_ ? std::weak_ordering::less : std::weak_ordering::greater;
  const auto sized = [&]() -> std::weak_ordering {
    if (a.zero() || b.zero()) return static_cast<int>(!a.zero()) <=> static_cast<int>(!b.zero());
    if (a.point_ != b.point_) return a.point_ <=> b.point_;
    auto i = a.digits_.begin();
    auto j = b.digits_.begin();
    for (;;) {
      if (i != a.digits_.end() && *i == '.') ++i;
      if (j != b.digits_.end() && *j == '.') ++j;
      // The last digit is none of 0: who has more digits is greater.
      if (i == a.digits_.end() || j == b.digits_.end())
        return static_cast<int>(i != a.digits_.end()) <=> static_cast<int>(j != b.digits_.end());
      if (*i != *j) return *i <=> *j;
      ++i;
      ++j;
    }
  }();
  return a.negative_ ? 0 <=> sized : sized;
}

bool JsonNumber::multiple_of(const JsonNumber& divisor) const noexcept {
  if (zero()) return true;
  std::uint64_t modulus = 0;
  for (const char c : divisor.digits_) {
    if (is_digit(c)) modulus = modulus * 10 + static_cast<std::uint64_t>(c - '0');
  }
  // Both are whole numbers without a 0 at the end, times a power of ten.
  std::int64_t power = (point_ - count_) - (divisor.point_ - divisor.count_);
  if (power < 0) return false;
  std::uint64_t rest = 0;
  for (const char c : digits_) {
    if (is_digit(c)) rest = (times(rest, 10, modulus) + static_cast<std::uint64_t>(c - '0')) % modulus;
  }
  std::uint64_t ten = 10 % modulus;
  for (; power != 0; power >>= 1) {
    if ((power & 1) != 0) rest = times(rest, ten, modulus);
    ten = times(ten, ten, modulus);
  }
  return rest == 0;
}

std::uint64_t JsonNumber::hash() const noexcept {
  std::uint64_t hash = negative_ ? 0x9e3779b97f4a7c15ull : 0;
  hash = (hash ^ static_cast<std::uint64_t>(point_)) * 0xd6e8feb86659fd93ull;
  for (const char c : digits_) {
    if (is_digit(c)) hash = (hash ^ static_cast<std::uint64_t>(c)) * 0x100000001b3ull;
  }
  return hash ^ (hash >> 29);
}

}  // namespace weir
