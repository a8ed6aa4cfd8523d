// Schoolbook arithmetic on decimal digits, for checking exact decimals against. Slow, obvious, shares nothing with what
// it judges.
#pragma once
#include <algorithm>
#include <string>
#include <utility>

namespace weir::test {

/// A signed whole number: digits most significant first, without leading zeros; "0" has no sign.
struct SlowInteger {
  bool negative = false;
  std::string digits = "0";

  static SlowInteger from(std::string text) {
    SlowInteger number;
    if (!text.empty() && text.front() == '-') {
      number.negative = true;
      text.erase(0, 1);
    }
    number.digits = std::move(text);
    number.tidy();
    return number;
  }
  void tidy() {
    digits.erase(0, std::min(digits.find_first_not_of('0'), digits.size()));
    if (digits.empty()) {
      digits = "0";
      negative = false;
    }
  }
  [[nodiscard]] std::string text() const { return (negative ? "-" : "") + digits; }
  [[nodiscard]] SlowInteger negated() const { return from((negative ? "" : "-") + digits); }
  [[nodiscard]] SlowInteger times_ten(std::size_t power) const { return from(text() + std::string(power, '0')); }
};

inline int compare_digits(const std::string& a, const std::string& b) {
  if (a.size() != b.size()) return a.size() < b.size() ? -1 : 1;
  return a.compare(b) < 0 ? -1 : (a == b ? 0 : 1);
}
inline std::string add_digits(const std::string& a, const std::string& b) {
  std::string sum;
  int carry = 0;
  for (std::size_t i = 0; i < std::max(a.size(), b.size()) || carry != 0; ++i) {
    if (i < a.size()) carry += a[a.size() - 1 - i] - '0';
    if (i < b.size()) carry += b[b.size() - 1 - i] - '0';
    sum.push_back(static_cast<char>('0' + carry % 10));
    carry /= 10;
  }
  std::reverse(sum.begin(), sum.end());
  return sum;
}
/// a is not below b.
inline std::string subtract_digits(const std::string& a, const std::string& b) {
  std::string difference;
  int borrow = 0;
  for (std::size_t i = 0; i < a.size(); ++i) {
    int digit = a[a.size() - 1 - i] - '0' - borrow - (i < b.size() ? b[b.size() - 1 - i] - '0' : 0);
    borrow = digit < 0 ? 1 : 0;
    difference.push_back(static_cast<char>('0' + (digit + 10) % 10));
  }
  std::reverse(difference.begin(), difference.end());
  return difference;
}

inline SlowInteger operator+(const SlowInteger& a, const SlowInteger& b) {
  if (a.negative == b.negative) return SlowInteger::from((a.negative ? "-" : "") + add_digits(a.digits, b.digits));
  const bool a_larger = compare_digits(a.digits, b.digits) >= 0;
  const SlowInteger& large = a_larger ? a : b;
  const SlowInteger& small = a_larger ? b : a;
  return SlowInteger::from((large.negative ? "-" : "") + subtract_digits(large.digits, small.digits));
}
inline SlowInteger operator*(const SlowInteger& a, const SlowInteger& b) {
  std::string product = "0";
  for (std::size_t i = 0; i < b.digits.size(); ++i) {
    product.push_back('0');
    for (int n = b.digits[i] - '0'; n > 0; --n) product = add_digits(product, a.digits);
  }
  return SlowInteger::from((a.negative != b.negative ? "-" : "") + product);
}
/// Nearest whole number to a / b, half to even.
inline SlowInteger divide_half_even(const SlowInteger& a, const SlowInteger& b) {
  std::string quotient;
  SlowInteger rest;
  const SlowInteger divisor = SlowInteger::from(b.digits);
  for (const char digit : a.digits) {
    rest = SlowInteger::from(rest.digits + digit);
    char count = '0';
    while (compare_digits(rest.digits, divisor.digits) >= 0) {
      rest = SlowInteger::from(subtract_digits(rest.digits, divisor.digits));
      ++count;
    }
    quotient.push_back(count);
  }
  const int half = compare_digits(SlowInteger::from(add_digits(rest.digits, rest.digits)).digits, divisor.digits);
  if (half > 0 || (half == 0 && (quotient.back() - '0') % 2 == 1)) quotient = add_digits(quotient, "1");
  return SlowInteger::from((a.negative != b.negative ? "-" : "") + quotient);
}

/// digits / 10^scale.
struct SlowDecimal {
  SlowInteger unscaled;
  std::size_t scale = 0;

  [[nodiscard]] SlowDecimal at_scale(std::size_t larger) const { return {unscaled.times_ten(larger - scale), larger}; }
  [[nodiscard]] bool fits() const { return unscaled.digits.size() <= 38 && scale <= 18; }
  [[nodiscard]] std::string text() const {
    std::string digits = unscaled.digits;
    if (digits.size() <= scale) digits.insert(0, scale + 1 - digits.size(), '0');
    if (scale != 0) digits.insert(digits.size() - scale, ".");
    return (unscaled.negative ? "-" : "") + digits;
  }
};

}  // namespace weir::test
