// Calendar arithmetic on microseconds since 1970 in UTC: days, and the windows that aggregates are kept in.
#pragma once
#include <chrono>
#include <cstdint>

namespace weir {

/// Microseconds since 1970-01-01T00:00:00Z (as in runtime/ports/clock.h).
using UnixMicros = std::int64_t;

inline constexpr std::int64_t kMicrosPerSecond = 1'000'000;
inline constexpr std::int64_t kMicrosPerDay = 86'400 * kMicrosPerSecond;

/// Rounds down, also below zero. `divisor` is positive.
[[nodiscard]] constexpr std::int64_t floor_divide(std::int64_t value, std::int64_t divisor) noexcept {
  const std::int64_t quotient = value / divisor;
  return quotient - (value % divisor < 0 ? 1 : 0);
}

/// Days since 1970-01-01 of a date that exists (Gregorian, also before 1582).
[[nodiscard]] constexpr std::int64_t days_of(const std::chrono::year_month_day& date) noexcept {
  return std::chrono::sys_days{date}.time_since_epoch().count();
}
[[nodiscard]] constexpr std::chrono::year_month_day date_of_day(std::int64_t days) noexcept {
  return std::chrono::year_month_day{std::chrono::sys_days{std::chrono::days{days}}};
}
[[nodiscard]] constexpr std::chrono::year_month_day date_of(UnixMicros time) noexcept {
  return date_of_day(floor_divide(time, kMicrosPerDay));
}
[[nodiscard]] constexpr UnixMicros midnight(const std::chrono::year_month_day& date) noexcept {
  return days_of(date) * kMicrosPerDay;
}

/// Times of events are in kTimeMin <= t < kTimeEnd: the years 1900 to 2200.
inline constexpr UnixMicros kTimeMin = midnight(std::chrono::year{1900} / 1 / 1);
inline constexpr UnixMicros kTimeEnd = midnight(std::chrono::year{2201} / 1 / 1);
[[nodiscard]] constexpr bool in_event_time_range(UnixMicros time) noexcept {
  return time >= kTimeMin && time < kTimeEnd;
}

/// Calendar windows; a week begins on Monday (ISO 8601).
enum class CalendarUnit : std::uint8_t { day, week, month, year };

/// Start of the window that contains `time`.
[[nodiscard]] constexpr UnixMicros window_start(CalendarUnit unit, UnixMicros time) noexcept {
  const std::int64_t day = floor_divide(time, kMicrosPerDay);
  switch (unit) {
    case CalendarUnit::day:
      return day * kMicrosPerDay;
    case CalendarUnit::week:
      // 1970-01-01 was a Thursday: three days into its week.
      return (floor_divide(day + 3, 7) * 7 - 3) * kMicrosPerDay;
    case CalendarUnit::month: {
      const auto date = date_of_day(day);
      return (day - static_cast<std::int64_t>(static_cast<unsigned>(date.day())) + 1) * kMicrosPerDay;
    }
    case CalendarUnit::year:
      return midnight(date_of_day(day).year() / 1 / 1);
  }
  return time;
}
/// Start of the window behind the one that begins at `start`.
[[nodiscard]] constexpr UnixMicros window_end(CalendarUnit unit, UnixMicros start) noexcept {
  switch (unit) {
    case CalendarUnit::day:
      return start + kMicrosPerDay;
    case CalendarUnit::week:
      return start + 7 * kMicrosPerDay;
    case CalendarUnit::month: {
      const auto date = date_of(start);
      return midnight(date.year() / date.month() / 1 + std::chrono::months{1});
    }
    case CalendarUnit::year:
      return midnight((date_of(start).year() + std::chrono::years{1}) / 1 / 1);
  }
  return start;
}
/// Windows of a fixed size, counted from 1970-01-01T00:00:00Z. `size` is positive.
[[nodiscard]] constexpr UnixMicros window_start(std::chrono::microseconds size, UnixMicros time) noexcept {
  return floor_divide(time, size.count()) * size.count();
}

}  // namespace weir
