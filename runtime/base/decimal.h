// Exact decimals: at most 38 digits, at most 18 of them behind the point. Sums are kept in 256 bits, so that a total
// never depends on the order, the partition or the replay in which its parts came.
#pragma once
#include <compare>
#include <cstddef>
#include <cstdint>
#include <optional>
#include <string>
#include <string_view>

#include <tl/expected.hpp>

#include "runtime/base/int256.h"

namespace weir {

/// Why a number could not be taken or made. Not an Error: it becomes a dead letter's reason, per event and without a
/// message.
enum class DecimalFault : std::uint8_t {
  syntax = 1,           // not a number: field_type
  range = 2,            // more than 38 digits or 18 behind the point: number_range
  divided_by_zero = 3,  // number_range
};
[[nodiscard]] std::string_view to_string(DecimalFault fault) noexcept;

template <class T>
using DecimalResult = tl::expected<T, DecimalFault>;

inline constexpr std::uint32_t kDecimalDigitsMax = 38;
inline constexpr std::uint32_t kDecimalScaleMax = 18;

/// A value and its spelling's scale: 1.50 and 1.5 compare equal and print differently. A value type; every function is
/// pure and thread-safe. Leading zeros do not count as digits, trailing ones do. Zero has no sign.
class Decimal {
 public:
  constexpr Decimal() = default;
  constexpr explicit Decimal(std::int64_t value) noexcept : unscaled_(value) {}
  /// unscaled / 10^scale. Fault range.
  [[nodiscard]] static DecimalResult<Decimal> make(Int128 unscaled, std::uint32_t scale) noexcept;

  /// Reads `[+-] digits [. digits] [(e|E) [+-] digits]` with at least one digit before or behind the point: everything
  /// JSON allows, and what CSV files hold: 007, .5, 5., +3. No white space, no grouping, no infinity. Trailing zeros
  /// are kept: 17850.10 has scale 2. An exponent moves the point exactly: 1.50e1 is 15.0, 15e-1 is 1.5, 1e3 is 1000.
  /// The limits hold for the result, also where it is zero: 0e-19 is out of range, 0e99 is 0. Faults: syntax, range
  /// (text of any length; never slower than one pass).
  [[nodiscard]] static DecimalResult<Decimal> parse(std::string_view text) noexcept;

  [[nodiscard]] constexpr Int128 unscaled() const noexcept { return unscaled_; }
  [[nodiscard]] constexpr std::uint32_t scale() const noexcept { return scale_; }
  [[nodiscard]] constexpr bool negative() const noexcept { return unscaled_ < 0; }
  [[nodiscard]] constexpr bool zero() const noexcept { return unscaled_ == 0; }
  /// The value, where it is whole (2.00 is 2) and fits.
  [[nodiscard]] std::optional<std::int64_t> to_int64() const noexcept;

  /// By value: 1.0 == 1.00.
  [[nodiscard]] friend std::weak_ordering operator<=>(const Decimal& a, const Decimal& b) noexcept {
    if (a.scale_ == b.scale_) return a.unscaled_ <=> b.unscaled_;
    return compare_scales(a, b);
  }
  [[nodiscard]] friend bool operator==(const Decimal& a, const Decimal& b) noexcept { return (a <=> b) == 0; }

  [[nodiscard]] constexpr Decimal negated() const noexcept { return Decimal{-unscaled_, scale_}; }
  /// The larger scale of both. Fault range.
  [[nodiscard]] static DecimalResult<Decimal> add(const Decimal& a, const Decimal& b) noexcept;
  [[nodiscard]] static DecimalResult<Decimal> subtract(const Decimal& a, const Decimal& b) noexcept;
  /// Scales add. Fault range.
  [[nodiscard]] static DecimalResult<Decimal> multiply(const Decimal& a, const Decimal& b) noexcept;
  /// Exactly `scale` digits behind the point, half to even from the exact quotient. Faults range, divided_by_zero.
  [[nodiscard]] static DecimalResult<Decimal> divide(const Decimal& a, const Decimal& b, std::uint32_t scale) noexcept;
  /// Exactly `scale` digits behind the point, half to even; zeros are added where there were fewer. Fault range.
  [[nodiscard]] DecimalResult<Decimal> round(std::uint32_t scale) const noexcept;

  /// Plain notation, legal JSON: at least one digit before the point, exactly scale() behind it.
  static constexpr std::size_t kTextMax = 40;
  /// Writes the text to `to` (kTextMax bytes), no terminator; returns its length.
  [[nodiscard]] std::size_t write_text(char* to) const noexcept;
  [[nodiscard]] std::string to_text() const;

  /// Fixed bytes for state: unscaled, then scale. Part of a stored format.
  static constexpr std::size_t kEncodedSize = 17;
  void encode(char* to) const noexcept;
  /// nullopt: not what encode wrote.
  [[nodiscard]] static std::optional<Decimal> decode(std::string_view bytes) noexcept;

 private:
  friend class DecimalSum;
  constexpr Decimal(Int128 unscaled, std::uint32_t scale) noexcept : unscaled_(unscaled), scale_(scale) {}
  [[nodiscard]] static std::weak_ordering compare_scales(const Decimal& a, const Decimal& b) noexcept;

  Int128 unscaled_ = 0;      // |unscaled| < 10^38
  std::uint32_t scale_ = 0;  // 0..18
};

/// The exact sum of up to 2^64 decimals, with the largest scale among them. Adding and merging are associative and
/// commutative: equal multisets give equal bytes. |sum| < 10^38 * 10^18 * 2^64 < 2^251, so 256 bits cannot overflow.
class DecimalSum {
 public:
  void add(const Decimal& value) noexcept {
    if (value.scale_ == scale_) {
      value_ += Int256(value.unscaled_);
    } else {
      add_scales(Int256(value.unscaled_), value.scale_);
    }
  }
  void merge(const DecimalSum& other) noexcept { add_scales(other.value_, other.scale_); }

  [[nodiscard]] std::uint32_t scale() const noexcept { return scale_; }
  [[nodiscard]] friend bool operator==(const DecimalSum&, const DecimalSum&) = default;  // value and scale

  static constexpr std::size_t kTextMax = 88;
  /// As Decimal::write_text.
  [[nodiscard]] std::size_t write_text(char* to) const noexcept;
  [[nodiscard]] std::string to_text() const;
  /// sum / count with scale() + 6 digits behind the point, half to even. `count` is at least 1 (asserted).
  [[nodiscard]] std::string average_text(std::uint64_t count) const;
  /// Fault range: more than 38 digits.
  [[nodiscard]] DecimalResult<Decimal> to_decimal() const noexcept;

  /// Fixed bytes for state: four limbs, then scale. Part of a stored format.
  static constexpr std::size_t kEncodedSize = 33;
  void encode(char* to) const noexcept;
  /// nullopt: not what encode wrote (length, scale, or a value no 2^64 decimals can reach).
  [[nodiscard]] static std::optional<DecimalSum> decode(std::string_view bytes) noexcept;

 private:
  void add_scales(Int256 value, std::uint32_t scale) noexcept;

  Int256 value_;
  std::uint32_t scale_ = 0;
};

}  // namespace weir
