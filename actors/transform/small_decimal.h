// Exact arithmetic for the numbers that most events hold: 64 bits instead of 128. Whatever does not fit is left to
// Decimal, which gives the same answers (tests/unit/stages compares them).
#pragma once
#include <cstddef>
#include <cstdint>

#include "runtime/event/document.h"

namespace weir {

/// unscaled / 10^scale, scale 0..18. Every operation returns false, and changes nothing that counts, where the result
/// does not fit.
struct SmallDecimal {
  std::int64_t unscaled = 0;
  std::uint32_t scale = 0;

  /// A number, or tabular text that reads as one.
  [[nodiscard]] bool read(const Value& value) noexcept;
  [[nodiscard]] bool add(SmallDecimal other) noexcept;
  [[nodiscard]] bool subtract(SmallDecimal other) noexcept;
  [[nodiscard]] bool multiply(SmallDecimal other) noexcept;
  /// Exactly `to` digits behind the point, half to even.
  [[nodiscard]] bool round(std::uint32_t to) noexcept;

  static constexpr std::size_t kTextMax = 24;
  /// As Decimal::write_text.
  [[nodiscard]] std::size_t write(char* to) const noexcept;

 private:
  [[nodiscard]] bool raise(std::uint32_t to) noexcept;
};

}  // namespace weir
