// Exact decimal numbers, as weir computes with them: at most 38 digits, 18 of them behind the point.
#pragma once
#include <compare>
#include <concepts>
#include <cstdint>
#include <optional>
#include <stdexcept>
#include <string>
#include <string_view>

#include <weir/abi.h>

namespace weir {
inline namespace sdk {

/// A result that has no place in 38 digits, or a division by zero. Left alone it rejects the event with reason `number_range`.
class OutOfRange : public std::range_error {
 public:
  using std::range_error::range_error;
};

namespace detail {
/// What weir does for this plugin; hidden, since each plugin of a process has its own. Set when the plugin is opened, before anything of it runs.
__attribute__((visibility("hidden"))) inline const weir_host* host = nullptr;

inline weir_text to_abi(std::string_view text) noexcept { return {text.data(), text.size()}; }
inline std::string_view from_abi(weir_text text) noexcept { return {text.data, static_cast<std::size_t>(text.size)}; }
}  // namespace detail

/// A value and its scale: 1.50 and 1.5 are equal and are written differently.
class Decimal {
 public:
  constexpr Decimal() = default;
  /// Whole numbers: `Decimal(3)`. No binary fraction is one: write `Decimal(25, 2)` for 0.25.
  template <std::integral Integer>
  constexpr Decimal(Integer value) noexcept  // NOLINT(google-explicit-constructor)
      : raw_{static_cast<std::uint64_t>(value), value < 0 ? -1 : 0, 0, 0} {}
  template <std::floating_point Real>
  Decimal(Real) = delete;
  /// value / 10^scale: `Decimal(25, 2)` is 0.25. `scale` is at most 18.
  constexpr Decimal(std::int64_t value, std::uint32_t scale) noexcept
      : raw_{static_cast<std::uint64_t>(value), value < 0 ? -1 : 0, scale, 0} {}
  /// "17850.10"; nothing where the text is no such number.
  [[nodiscard]] static std::optional<Decimal> parse(std::string_view text) {
    Decimal out;
    if (detail::host->decimal_parse(detail::to_abi(text), &out.raw_) == 0) return std::nullopt;
    return out;
  }

  /// Sums have the larger scale of both; products the sum of both.
  friend Decimal operator+(const Decimal& a, const Decimal& b) {
    return made([&](weir_decimal* to) { return detail::host->decimal_add(&a.raw_, &b.raw_, to); }, "+");
  }
  friend Decimal operator-(const Decimal& a, const Decimal& b) {
    return made([&](weir_decimal* to) { return detail::host->decimal_subtract(&a.raw_, &b.raw_, to); }, "-");
  }
  friend Decimal operator*(const Decimal& a, const Decimal& b) {
    return made([&](weir_decimal* to) { return detail::host->decimal_multiply(&a.raw_, &b.raw_, to); }, "*");
  }
  /// Exactly `scale` digits behind the point, half to even.
  [[nodiscard]] Decimal divided_by(const Decimal& other, std::uint32_t scale) const {
    return made([&](weir_decimal* to) { return detail::host->decimal_divide(&raw_, &other.raw_, scale, to); }, "divided_by");
  }
  [[nodiscard]] Decimal rounded(std::uint32_t scale) const {
    return made([&](weir_decimal* to) { return detail::host->decimal_round(&raw_, scale, to); }, "rounded");
  }

  friend bool operator==(const Decimal& a, const Decimal& b) { return detail::host->decimal_compare(&a.raw_, &b.raw_) == 0; }
  friend std::strong_ordering operator<=>(const Decimal& a, const Decimal& b) {
    return detail::host->decimal_compare(&a.raw_, &b.raw_) <=> 0;
  }

  /// The value, where it is whole (2.00 is 2) and fits.
  [[nodiscard]] std::optional<std::int64_t> integer() const {
    std::int64_t out = 0;
    if (detail::host->decimal_integer(&raw_, &out) == 0) return std::nullopt;
    return out;
  }
  /// The nearest one: for scores, not for money.
  [[nodiscard]] double to_double() const { return std::stod(text()); }
  [[nodiscard]] std::string text() const {
    char to[40];
    return {to, static_cast<std::size_t>(detail::host->decimal_text(&raw_, to))};
  }

  [[nodiscard]] const weir_decimal& raw() const noexcept { return raw_; }
  explicit Decimal(const weir_decimal& raw) noexcept : raw_(raw) {}

 private:
  template <class Make>
  static Decimal made(Make make, const char* what) {
    Decimal out;
    if (make(&out.raw_) == 0) throw OutOfRange(std::string("Decimal ") + what + ": the result has no place in 38 digits, 18 of them behind the point");
    return out;
  }
  weir_decimal raw_{};
};

}  // namespace sdk
}  // namespace weir
