// Times as people want to read them: a pattern as strftime takes it, compiled once, and the parts of a time.
#pragma once
#include <cstddef>
#include <cstdint>
#include <string>
#include <string_view>
#include <vector>

#include "runtime/base/calendar.h"
#include "runtime/base/result.h"

namespace weir {

/// What clock and calendar show at a place with a fixed offset from UTC (Gregorian, as in calendar.h).
struct LocalTime {
  int year = 1970;
  unsigned month = 1;        // 1..12
  unsigned day = 1;          // 1..31
  unsigned day_of_year = 1;  // 1..366
  unsigned weekday = 4;      // ISO 8601: 1 Monday .. 7 Sunday
  int week_year = 1970;      // ISO 8601: the year its week belongs to
  unsigned week = 1;         // ISO 8601: 1..53
  unsigned hour = 0;
  unsigned minute = 0;
  unsigned second = 0;
  unsigned micros = 0;  // 0..999'999
};
/// `offset`: seconds east of UTC. Pure; exact for every time in the years 1899 to 2201.
[[nodiscard]] LocalTime local_time(UnixMicros time, std::int32_t offset) noexcept;

/// Directives: %Y (four digits) %y %m %b %B %d %e (space for a leading zero) %j %H %I %p %M %S %f (six digits) %z
/// (+hhmm) %:z (+hh:mm) %Z (UTC or +hh:mm) %a %A %u (1 Monday .. 7) %w (0 Sunday .. 6) %G %V (year and number of the
/// ISO week) %q (quarter) %s (whole seconds since 1970) %F %T %R %D %n %t %%. Names are English. Every other character
/// stands for itself. Immutable, thread-safe.
class TimeWriter {
 public:
  static constexpr std::size_t kPatternMax = 256;
  /// `offset`: seconds east of UTC of the times that are written, at most a day either way. Errors, invalid_argument:
  /// an empty pattern, one longer than kPatternMax, a directive that is not listed. The context names the pattern and
  /// the place.
  [[nodiscard]] static Result<TimeWriter> compile(std::string_view pattern, std::int32_t offset = 0);

  /// Bytes that any time needs at most.
  [[nodiscard]] std::size_t size_max() const noexcept { return size_max_; }
  /// Writes at most size_max() bytes, no terminator; returns how many.
  [[nodiscard]] std::size_t write(UnixMicros time, char* to) const noexcept;

 private:
  struct Step {
    char directive = 0;  // 0: literal. ':' stands for %:z
    char literal = 0;
  };
  [[nodiscard]] static char* write_step(const Step& step, const LocalTime& local, UnixMicros time, std::int32_t offset,
                                        char* to) noexcept;
  std::vector<Step> steps_;
  std::size_t size_max_ = 0;
  std::int32_t offset_ = 0;
};

}  // namespace weir
