// A 256-bit signed integer, as far as exact decimals need one: two's complement, least significant limb first.
// Every operation is modulo 2^256; callers state why theirs cannot overflow.
#pragma once
#include <array>
#include <cstddef>
#include <cstdint>

namespace weir {

__extension__ typedef __int128 Int128;
__extension__ typedef unsigned __int128 UInt128;

/// 10^power, power 0..19.
[[nodiscard]] constexpr std::uint64_t power_of_ten(std::uint32_t power) noexcept {
  std::uint64_t value = 1;
  while (power-- != 0) value *= 10;
  return value;
}
inline constexpr auto kPowersOfTen = [] {
  std::array<std::uint64_t, 20> powers{};
  for (std::uint32_t i = 0; i < powers.size(); ++i) powers[i] = power_of_ten(i);
  return powers;
}();

struct Int256 {
  std::uint64_t limb[4] = {0, 0, 0, 0};

  constexpr Int256() = default;
  constexpr explicit Int256(Int128 value) noexcept {
    const std::uint64_t sign = value < 0 ? ~std::uint64_t{0} : 0;
    limb[0] = static_cast<std::uint64_t>(value);
    limb[1] = static_cast<std::uint64_t>(static_cast<UInt128>(value) >> 64);
    limb[2] = sign;
    limb[3] = sign;
  }

  [[nodiscard]] constexpr bool negative() const noexcept { return limb[3] >> 63 != 0; }
  [[nodiscard]] constexpr bool zero() const noexcept { return (limb[0] | limb[1] | limb[2] | limb[3]) == 0; }

  constexpr Int256& operator+=(const Int256& other) noexcept {
    UInt128 carry = 0;
    for (int i = 0; i < 4; ++i) {
      carry += static_cast<UInt128>(limb[i]) + other.limb[i];
      limb[i] = static_cast<std::uint64_t>(carry);
      carry >>= 64;
    }
    return *this;
  }
  constexpr Int256& operator-=(const Int256& other) noexcept {
    UInt128 borrow = 0;
    for (int i = 0; i < 4; ++i) {
      const UInt128 difference = static_cast<UInt128>(limb[i]) - other.limb[i] - borrow;
      limb[i] = static_cast<std::uint64_t>(difference);
      borrow = difference >> 64 != 0 ? 1 : 0;
    }
    return *this;
  }
  constexpr Int256& operator*=(std::uint64_t factor) noexcept {
    UInt128 carry = 0;
    for (std::uint64_t& part : limb) {
      carry += static_cast<UInt128>(part) * factor;
      part = static_cast<std::uint64_t>(carry);
      carry >>= 64;
    }
    return *this;
  }
  [[nodiscard]] constexpr Int256 operator-() const noexcept {
    Int256 result;
    result -= *this;
    return result;
  }
  [[nodiscard]] constexpr Int256 magnitude() const noexcept { return negative() ? -*this : *this; }

  /// Divides a non-negative value by `divisor` (not 0) in place; returns the remainder.
  constexpr std::uint64_t divide(std::uint64_t divisor) noexcept {
    UInt128 remainder = 0;
    for (int i = 3; i >= 0; --i) {
      remainder = remainder << 64 | limb[i];
      limb[i] = static_cast<std::uint64_t>(remainder / divisor);
      remainder %= divisor;
    }
    return static_cast<std::uint64_t>(remainder);
  }

  [[nodiscard]] friend constexpr bool operator==(const Int256&, const Int256&) = default;
  /// Signed comparison: negative, zero or positive as a is below, equal to or above b.
  [[nodiscard]] friend constexpr int compare(const Int256& a, const Int256& b) noexcept {
    if (a.negative() != b.negative()) return a.negative() ? -1 : 1;
    for (int i = 3; i >= 0; --i)
      if (a.limb[i] != b.limb[i]) return a.limb[i] < b.limb[i] ? -1 : 1;
    return 0;
  }
};

/// Quotient and remainder of non-negative values; `divisor` is not 0. About half a microsecond: off the hot path.
struct Int256Division {
  Int256 quotient;
  Int256 remainder;
};
[[nodiscard]] constexpr Int256Division divide(const Int256& dividend, const Int256& divisor) noexcept {
  Int256Division result;
  for (int bit = 255; bit >= 0; --bit) {
    result.remainder += result.remainder;
    result.remainder.limb[0] |= dividend.limb[bit / 64] >> (bit % 64) & 1;
    if (compare(result.remainder, divisor) >= 0) {
      result.remainder -= divisor;
      result.quotient.limb[bit / 64] |= std::uint64_t{1} << (bit % 64);
    }
  }
  return result;
}

}  // namespace weir
