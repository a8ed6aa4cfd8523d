// Times in formats of one's own: a strptime pattern, compiled once and read fast.
#pragma once
#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "runtime/base/calendar.h"
#include "runtime/base/result.h"

namespace weir {

struct CivilTime;

/// Directives: %Y (four digits) %y (69..99 are 19xx, 00..68 are 20xx) %m %b %B (English names, any case) %d %e %j (day
/// of year) %H %I with %p %M %S (one or two digits each) %f (a fraction of a second, one digit or more) %z (Z, +hh:mm,
/// +hhmm, +hh) %Z (UTC or GMT) %a %A (must be the date's weekday) %s (seconds since 1970) %F %T %R %D %n %t %%. White
/// space in the pattern takes one or more white-space characters; every other character stands for itself. Immutable,
/// thread-safe, cheap to copy a few times.
class TimePattern {
 public:
  /// `offset`: seconds east of UTC of times whose pattern has no zone (parse_zone_offset).
  /// Errors, invalid_argument: a directive that is not listed, one given twice, a date that stays open (year with month
  /// and day, year with day of year, or %s), %I without %p. The context names the pattern and the place.
  [[nodiscard]] static Result<TimePattern> compile(std::string_view pattern, std::int32_t offset = 0);

  /// The whole text, nothing before or behind. nullopt: not of this pattern, a date that does not exist, a year outside
  /// 1900 to 2200. What is finer than a microsecond is cut off. About 20 ns for "%Y-%m-%d %H:%M:%S".
  [[nodiscard]] std::optional<UnixMicros> parse(std::string_view text) const noexcept;

  [[nodiscard]] const std::string& text() const noexcept { return text_; }

 private:
  enum class Field : std::uint8_t {
    literal,
    space,
    year,
    year_short,
    month,
    month_name,
    day,
    day_space,
    day_of_year,
    hour,
    hour_12,
    half_day,
    minute,
    second,
    fraction,
    offset,
    zone_name,
    weekday,
    unix_seconds
  };
  struct Step {
    Field field = Field::literal;
    char literal = 0;
  };
  struct Reading;
  friend class PatternCompiler;

  [[nodiscard]] static bool read_step(const Step& step, Reading& reading) noexcept;
  [[nodiscard]] std::optional<UnixMicros> parse_steps(std::string_view text) const noexcept;
  [[nodiscard]] std::optional<UnixMicros> parse_fixed(std::string_view text) const noexcept;
  void find_fixed_layout();

  // Patterns made of full-width numbers and plain characters alone, 8 to 32 long, are checked eight bytes at a time:
  // digits where `digit_mask` says so, `literal` elsewhere. The last word overlaps the one before it. Absent numbers:
  // kAbsent.
  static constexpr std::uint8_t kAbsent = 0xff;
  struct FixedLayout {
    std::uint8_t size = 0;  // 0: not such a pattern
    std::uint8_t words = 0;
    std::uint8_t place[4] = {0, 0, 0, 0};  // of each word
    std::uint8_t year = kAbsent, month = kAbsent, day = kAbsent, hour = kAbsent, minute = kAbsent, second = kAbsent;
    std::uint64_t literal[4] = {0, 0, 0, 0};
    std::uint64_t digit_mask[4] = {0, 0, 0, 0};
  };

  std::string text_;
  std::vector<Step> steps_;
  FixedLayout fixed_;
  std::int32_t offset_ = 0;
};

}  // namespace weir
