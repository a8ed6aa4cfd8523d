// JSON numbers of any length, compared exactly: for rules over numbers that need not fit a Decimal.
#pragma once
#include <compare>
#include <cstdint>
#include <string_view>

namespace weir {

/// What a number is worth, whatever its spelling: 0.d1d2d3… * 10^point, d1 not 0. Points into the text it was made of.
/// Exponents beyond 10^15 count as that: no two of them can be told apart.
class JsonNumber {
 public:
  /// `text` is a number as JSON spells it (is_json_number; not checked again).
  explicit JsonNumber(std::string_view text) noexcept;
  [[nodiscard]] bool zero() const noexcept { return digits_.empty(); }
  [[nodiscard]] bool negative() const noexcept { return negative_; }
  /// Without a fraction: 5, 5.0 and 0.5e1 are, 5.5 is not.
  [[nodiscard]] bool whole() const noexcept { return zero() || point_ >= count_; }
  /// At most 18 digits from the first to the last that is not 0: what multiple_of() can divide by.
  [[nodiscard]] bool short_enough() const noexcept { return count_ <= 18; }
  /// *this / divisor is a whole number; exact. `divisor` is not zero and short_enough().
  [[nodiscard]] bool multiple_of(const JsonNumber& divisor) const noexcept;

  /// By value: 1.0 == 1e0.
  friend std::weak_ordering operator<=>(const JsonNumber& a, const JsonNumber& b) noexcept;
  [[nodiscard]] friend bool operator==(const JsonNumber& a, const JsonNumber& b) noexcept { return (a <=> b) == 0; }
  /// Equal numbers have equal hashes.
  [[nodiscard]] std::uint64_t hash() const noexcept;

 private:
  std::string_view digits_;  // from the first to the last that is not 0; a point may stand among them
  std::int64_t count_ = 0;   // of digits among them
  std::int64_t point_ = 0;
  bool negative_ = false;
};

}  // namespace weir
