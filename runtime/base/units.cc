#include "runtime/base/units.h"

#include <array>
#include <limits>
#include <span>

#include "runtime/base/decimal.h"
#include "runtime/base/invariant.h"

namespace weir {

namespace {

struct Unit {
  std::string_view name;
  std::int64_t factor;
};

// Ascending: the formatters take the last one that divides. A week is read but not written: 7d is what people expect
// back.
constexpr std::array<Unit, 7> kDurations = {{{"us", 1},
                                             {"ms", 1'000},
                                             {"s", 1'000'000},
                                             {"m", 60'000'000},
                                             {"h", 3'600'000'000},
                                             {"d", 86'400'000'000},
                                             {"w", 604'800'000'000}}};
constexpr std::array<Unit, 6> kSizes = {{{"B", 1},
                                         {"KiB", std::int64_t{1} << 10},
                                         {"MiB", std::int64_t{1} << 20},
                                         {"GiB", std::int64_t{1} << 30},
                                         {"TiB", std::int64_t{1} << 40},
                                         {"PiB", std::int64_t{1} << 50}}};
constexpr std::array<Unit, 4> kCounts = {{{"", 1}, {"K", 1'000}, {"M", 1'000'000}, {"G", 1'000'000'000}}};

struct Vocabulary {
  std::string_view what;
  std::string_view allowed;  // as the error says it
  std::string_view example;  // the unit of "write 50ms"
  std::span<const Unit> units;
};
constexpr Vocabulary kDurationWords{"duration", "us ms s m h d w", "ms", kDurations};
constexpr Vocabulary kSizeWords{"size", "B KiB MiB GiB TiB PiB (powers of 1024)", "MiB", kSizes};
constexpr Vocabulary kCountWords{"count", "K M G (powers of 1000) or none", "M", kCounts};

Result<std::int64_t> parse_with_unit(std::string_view text, const Vocabulary& words) {
  const std::size_t end = std::min(text.find_first_not_of("0123456789."), text.size());
  const std::string_view number = text.substr(0, end);
  const std::string_view name = text.substr(end);
  const auto value = Decimal::parse(number);
  if (!value) {
    return fail(Errc::invalid_argument, "'{}' is not a {}: it begins with a number, then one of {}, as in 50{}", text,
                words.what, words.allowed, words.example);
  }
  const Unit* unit = nullptr;
  for (const Unit& candidate : words.units)
    if (candidate.name == name) unit = &candidate;
  if (unit == nullptr && name.empty()) {
    return fail(Errc::invalid_argument, "'{}' has no unit: a {} is a number with one of {}, as in {}{}", text,
                words.what, words.allowed, number, words.example);
  }
  if (unit == nullptr) {
    return fail(Errc::invalid_argument, "'{}' is not a {}: the unit '{}' is not one of {}, as in {}{}", text,
                words.what, name, words.allowed, number, words.example);
  }
  const auto scaled = Decimal::multiply(*value, Decimal{unit->factor});
  const auto whole = scaled ? scaled->to_int64() : std::nullopt;
  if (!whole) {
    return fail(Errc::invalid_argument, "'{}' is not a {}: it must be a whole number of {}, at most {}", text,
                words.what, words.units[0].name.empty() ? "ones" : words.units[0].name,
                std::numeric_limits<std::int64_t>::max());
  }
  return *whole;
}

std::string format_with_unit(std::int64_t value, std::span<const Unit> units, std::size_t zero_unit) {
  std::size_t best = value == 0 ? zero_unit : 0;
  for (std::size_t i = 0; value != 0 && i < units.size(); ++i)
    if (value % units[i].factor == 0) best = i;
  return fmt::format("{}{}", value / units[best].factor, units[best].name);
}

}  // namespace

Result<std::chrono::microseconds> parse_duration(std::string_view text) {
  WEIR_ASSIGN(const std::int64_t micros, parse_with_unit(text, kDurationWords));
  return std::chrono::microseconds{micros};
}
Result<std::uint64_t> parse_size(std::string_view text) {
  WEIR_ASSIGN(const std::int64_t bytes, parse_with_unit(text, kSizeWords));
  return static_cast<std::uint64_t>(bytes);
}
Result<std::uint64_t> parse_count(std::string_view text) {
  WEIR_ASSIGN(const std::int64_t count, parse_with_unit(text, kCountWords));
  return static_cast<std::uint64_t>(count);
}

std::string format_duration(std::chrono::microseconds duration) {
  INVARIANT(duration.count() >= 0, "a duration is not below zero");
  return format_with_unit(duration.count(), std::span(kDurations).first(6), 2);
}
std::string format_size(std::uint64_t bytes) {
  INVARIANT(bytes <= static_cast<std::uint64_t>(std::numeric_limits<std::int64_t>::max()), "a size fits 63 bits");
  return format_with_unit(static_cast<std::int64_t>(bytes), kSizes, 0);
}
std::string format_count(std::uint64_t count) {
  INVARIANT(count <= static_cast<std::uint64_t>(std::numeric_limits<std::int64_t>::max()), "a count fits 63 bits");
  return format_with_unit(static_cast<std::int64_t>(count), kCounts, 0);
}

}  // namespace weir
