// Times as text: RFC 3339 in and out, numbers since 1970 in. Formats of one's own: runtime/base/time_pattern.h.
#pragma once
#include <cstddef>
#include <cstdint>
#include <optional>
#include <string>
#include <string_view>

#include "runtime/base/calendar.h"

namespace weir {

/// Everything here returns nullopt for text that is not wholly of its form, for dates that do not exist, and for times
/// outside the years 1900 to 2200 in UTC. What is finer than a microsecond is cut off (towards the past). Pure,
/// thread-safe.

/// `2010-12-01T08:26:00Z`, also with a fraction of any length, `+02:00`, lower-case t and z, or a space for the T.
/// A leap second (:60, only at the end of a UTC day) is the first second of the next day.
[[nodiscard]] std::optional<UnixMicros> parse_rfc3339(std::string_view text) noexcept;

/// A number as Decimal::parse reads it, in units of `10^-digits` seconds: 0 for unix, 3 for unix_ms, 6 for unix_us.
[[nodiscard]] std::optional<UnixMicros> parse_unix(std::string_view text, std::uint32_t digits) noexcept;

inline constexpr std::size_t kRfc3339Max = 27;
/// Writes at most kRfc3339Max characters, no terminator; returns how many. UTC with Z; no fraction where it is zero,
/// three digits where it is whole milliseconds, else six. Total for every time in the years 0 to 9999 (asserted).
[[nodiscard]] std::size_t write_rfc3339(UnixMicros time, char* to);
[[nodiscard]] std::string to_rfc3339(UnixMicros time);

/// Seconds east of UTC of `UTC`, `Z`, `+02:00`, `-0530` or `+02`: at most 23:59 either way. Names of places are not
/// read: their offsets change with laws.
[[nodiscard]] std::optional<std::int32_t> parse_zone_offset(std::string_view text) noexcept;

/// A point of the calendar and the clock, as parsers collect it.
struct CivilTime {
  int year = 1970;
  unsigned month = 1;
  unsigned day = 1;
  unsigned hour = 0;
  unsigned minute = 0;
  unsigned second = 0;      // 60: a leap second
  std::int64_t micros = 0;  // 0..999'999
  std::int32_t offset = 0;  // seconds east of UTC
};
[[nodiscard]] inline std::optional<UnixMicros> to_unix(const CivilTime& civil) noexcept {
  const auto date = std::chrono::year{civil.year} / static_cast<int>(civil.month) / static_cast<int>(civil.day);
  if (!date.ok() || civil.hour > 23 || civil.minute > 59 || civil.second > 60) return std::nullopt;
  const std::int64_t seconds =
      days_of(date) * 86'400 + civil.hour * 3'600 + civil.minute * 60 + civil.second - civil.offset;
  if (civil.second == 60 && seconds % 86'400 != 0) return std::nullopt;
  const UnixMicros time = seconds * kMicrosPerSecond + civil.micros;
  if (!in_event_time_range(time)) return std::nullopt;
  return time;
}

}  // namespace weir
