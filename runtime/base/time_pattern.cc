#include "runtime/base/time_pattern.h"

#include <algorithm>
#include <array>
#include <cstring>

#include "runtime/base/bytes.h"
#include "runtime/base/time_text.h"

namespace weir {

namespace {

constexpr std::array<std::string_view, 12> kMonths = {"january",   "february", "march",    "april",
                                                      "may",       "june",     "july",     "august",
                                                      "september", "october",  "november", "december"};
constexpr std::array<std::string_view, 7> kWeekdays = {"sunday",   "monday", "tuesday", "wednesday",
                                                       "thursday", "friday", "saturday"};

bool is_space(char c) noexcept {
  return c == ' ' || (c >= '\t' && c <= '\r');
}

/// Length of `name` or of its first three letters at the start of `text`, any case; 0: neither. The longer one wins.
std::size_t name_at(std::string_view text, std::string_view name) noexcept {
  std::size_t same = 0;
  while (same < name.size() && same < text.size() && (text[same] | 0x20) == name[same]) ++same;
  if (same == name.size()) return same;
  return same >= 3 ? 3 : 0;
}

}  // namespace

struct TimePattern::Reading {
  const char* at;
  const char* end;
  CivilTime civil;
  std::optional<std::int64_t> unix_seconds;  // without its sign
  bool before_1970 = false;                  // of unix_seconds
  bool finer = false;                        // the fraction says something below a microsecond
  unsigned day_of_year = 0;
  int weekday = -1;
  bool afternoon = false;
  bool twelve_hours = false;

  [[nodiscard]] std::string_view rest() const noexcept { return {at, static_cast<std::size_t>(end - at)}; }
  /// Between `least` and `most` digits.
  [[nodiscard]] bool number(int least, int most, unsigned& value) noexcept {
    value = 0;
    int count = 0;
    for (; count < most && at != end && static_cast<unsigned>(*at - '0') <= 9; ++count, ++at)
      value = value * 10 + static_cast<unsigned>(*at - '0');
    return count >= least;
  }
  template <std::size_t N>
  [[nodiscard]] bool name(const std::array<std::string_view, N>& names, unsigned& index) noexcept {
    for (std::size_t i = 0; i < N; ++i) {
      if (const std::size_t length = name_at(rest(), names[i]); length != 0) {
        at += length;
        index = static_cast<unsigned>(i);
        return true;
      }
    }
    return false;
  }
  [[nodiscard]] bool fraction() noexcept {
    const char* const begin = at;
    std::int64_t unit = kMicrosPerSecond;
    for (; at != end && static_cast<unsigned>(*at - '0') <= 9; ++at) {
      unit /= 10;
      civil.micros += unit * (*at - '0');
      finer |= unit == 0 && *at != '0';
    }
    return at != begin;
  }
  [[nodiscard]] bool half_day() noexcept {
    if (rest().size() < 2 || (at[1] | 0x20) != 'm') return false;
    if ((at[0] | 0x20) != 'a' && (at[0] | 0x20) != 'p') return false;
    afternoon = (at[0] | 0x20) == 'p';
    at += 2;
    return true;
  }
  /// Up to twelve digits: more are far outside the years allowed.
  [[nodiscard]] bool since_1970() noexcept {
    before_1970 = at != end && *at == '-';
    if (before_1970) ++at;
    std::int64_t seconds = 0;
    const char* const begin = at;
    for (; at != end && at - begin < 12 && static_cast<unsigned>(*at - '0') <= 9; ++at)
      seconds = seconds * 10 + (*at - '0');
    unix_seconds = seconds;
    return at != begin;
  }
  [[nodiscard]] bool zone() noexcept {
    std::size_t length = 0;
    while (at + length != end && length < 6 && std::strchr("+-:0123456789Zz", at[length]) != nullptr &&
           at[length] != '\0')
      ++length;
    for (; length != 0; --length) {
      if (const auto offset = parse_zone_offset({at, length})) {
        civil.offset = *offset;
        at += length;
        return true;
      }
    }
    return false;
  }
};

bool TimePattern::read_step(const Step& step, Reading& reading) noexcept {
  unsigned value = 0;
  switch (step.field) {
    case Field::literal:
      return reading.at != reading.end && *reading.at++ == step.literal;
    case Field::space:
      if (reading.at == reading.end || !is_space(*reading.at)) return false;
      while (reading.at != reading.end && is_space(*reading.at)) ++reading.at;
      return true;
    case Field::year:
      if (!reading.number(4, 4, value)) return false;
      reading.civil.year = static_cast<int>(value);
      return true;
    case Field::year_short:
      if (!reading.number(2, 2, value)) return false;
      reading.civil.year = static_cast<int>(value + (value < 69 ? 2000 : 1900));
      return true;
    case Field::month:
      return reading.number(1, 2, reading.civil.month);
    case Field::month_name:
      if (!reading.name(kMonths, value)) return false;
      reading.civil.month = value + 1;
      return true;
    case Field::day_space:
      if (reading.at != reading.end && *reading.at == ' ') ++reading.at;
      return reading.number(1, 2, reading.civil.day);
    case Field::day:
      return reading.number(1, 2, reading.civil.day);
    case Field::day_of_year:
      return reading.number(1, 3, reading.day_of_year) && reading.day_of_year != 0;
    case Field::hour:
      return reading.number(1, 2, reading.civil.hour);
    case Field::hour_12:
      reading.twelve_hours = true;
      return reading.number(1, 2, reading.civil.hour) && reading.civil.hour >= 1 && reading.civil.hour <= 12;
    case Field::half_day:
      return reading.half_day();
    case Field::minute:
      return reading.number(1, 2, reading.civil.minute);
    case Field::second:
      return reading.number(1, 2, reading.civil.second);
    case Field::fraction:
      return reading.fraction();
    case Field::offset:
      return reading.zone();
    case Field::zone_name:
      if (!reading.rest().starts_with("UTC") && !reading.rest().starts_with("GMT")) return false;
      reading.at += 3;
      reading.civil.offset = 0;
      return true;
    case Field::weekday:
      if (!reading.name(kWeekdays, value)) return false;
      reading.weekday = static_cast<int>(value);
      return true;
    case Field::unix_seconds:
      return reading.since_1970();
  }
  return false;
}

std::optional<UnixMicros> TimePattern::parse_steps(std::string_view text) const noexcept {
  Reading reading{text.data(), text.data() + text.size(), {}, std::nullopt};
  reading.civil.offset = offset_;
  for (const Step& step : steps_)
    if (!read_step(step, reading)) return std::nullopt;
  if (reading.at != reading.end) return std::nullopt;
  CivilTime& civil = reading.civil;
  if (reading.twelve_hours) civil.hour = civil.hour % 12 + (reading.afternoon ? 12 : 0);
  if (reading.day_of_year != 0) {
    const std::chrono::year year{civil.year};
    if (reading.day_of_year > (year.is_leap() ? 366u : 365u)) return std::nullopt;
    const auto date = date_of_day(days_of(year / 1 / 1) + reading.day_of_year - 1);
    civil.month = static_cast<unsigned>(date.month());
    civil.day = static_cast<unsigned>(date.day());
  }
  std::optional<UnixMicros> time;
  if (reading.unix_seconds) {
    // The sign is of the whole number: -1.5 is a second and a half before 1970.
    std::int64_t micros = *reading.unix_seconds * kMicrosPerSecond + civil.micros;
    if (reading.before_1970) micros = -micros - (reading.finer ? 1 : 0);
    if (in_event_time_range(micros)) time = micros;
  } else {
    time = to_unix(civil);
  }
  if (time && reading.weekday >= 0) {
    const std::int64_t local_day = floor_divide(*time + civil.offset * kMicrosPerSecond, kMicrosPerDay);
    // 1970-01-01 was a Thursday, number 4 from Sunday.
    if ((local_day % 7 + 7 + 4) % 7 != reading.weekday) return std::nullopt;
  }
  return time;
}

namespace {
constexpr std::uint64_t repeated(unsigned char byte) noexcept {
  return 0x0101010101010101u * byte;
}

/// Every byte of `word` under a byte of 0xff in `mask` is a digit. Bytes above 0x7f are none: their own top bit is set.
bool all_digits(std::uint64_t word, std::uint64_t mask) noexcept {
  const std::uint64_t digits = (word & mask) | (repeated('0') & ~mask);
  // '0' + 0x46 = 0x76 and '9' + 0x46 = 0x7f stay below 0x80, ':' does not; '0' - '0' does not borrow, '/' does.
  return (((digits + repeated(0x46)) | (digits - repeated('0')) | digits) & repeated(0x80)) == 0;
}
}  // namespace

std::optional<UnixMicros> TimePattern::parse_fixed(std::string_view text) const noexcept {
  const char* const from = text.data();
  for (std::size_t i = 0; i < fixed_.words; ++i) {
    const auto word = load<std::uint64_t>(from + fixed_.place[i]);
    if (((word ^ fixed_.literal[i]) & ~fixed_.digit_mask[i]) != 0 || !all_digits(word, fixed_.digit_mask[i]))
      return std::nullopt;
  }
  const auto two = [&](std::uint8_t place) {
    return static_cast<unsigned>((from[place] - '0') * 10 + (from[place + 1] - '0'));
  };
  CivilTime civil;
  civil.year = static_cast<int>(two(fixed_.year) * 100 + two(static_cast<std::uint8_t>(fixed_.year + 2)));
  civil.month = two(fixed_.month);
  civil.day = two(fixed_.day);
  if (fixed_.hour != kAbsent) civil.hour = two(fixed_.hour);
  if (fixed_.minute != kAbsent) civil.minute = two(fixed_.minute);
  if (fixed_.second != kAbsent) civil.second = two(fixed_.second);
  civil.offset = offset_;
  return to_unix(civil);
}

std::optional<UnixMicros> TimePattern::parse(std::string_view text) const noexcept {
  if (fixed_.size != 0 && text.size() == fixed_.size) {
    if (const auto time = parse_fixed(text)) return time;
  }
  return parse_steps(text);
}

void TimePattern::find_fixed_layout() {
  FixedLayout layout;
  std::string shape;  // '\0' where a digit stands
  for (const Step& step : steps_) {
    std::uint8_t* place = nullptr;
    switch (step.field) {
      case Field::literal:
        shape.push_back(step.literal);
        break;
      case Field::space:
        shape.push_back(' ');
        break;
      case Field::year:
        place = &layout.year;
        break;
      case Field::month:
        place = &layout.month;
        break;
      case Field::day:
        place = &layout.day;
        break;
      case Field::hour:
        place = &layout.hour;
        break;
      case Field::minute:
        place = &layout.minute;
        break;
      case Field::second:
        place = &layout.second;
        break;
      default:
        return;
    }
    if (place != nullptr) {
      *place = static_cast<std::uint8_t>(shape.size());
      shape.append(step.field == Field::year ? 4 : 2, '\0');
    }
    if (shape.size() > 32) return;
  }
  const bool dated = layout.year != kAbsent && layout.month != kAbsent && layout.day != kAbsent;
  if (!dated || shape.size() < 8) return;
  layout.size = static_cast<std::uint8_t>(shape.size());
  for (std::size_t begin = 0; begin < shape.size(); begin += 8) {
    const std::size_t place = std::min(begin, shape.size() - 8);
    const std::size_t word = layout.words++;
    layout.place[word] = static_cast<std::uint8_t>(place);
    for (std::size_t i = 0; i < 8; ++i) {
      const char c = shape[place + i];
      const std::uint64_t byte = c == '\0' ? 0xff : static_cast<unsigned char>(c);
      (c == '\0' ? layout.digit_mask : layout.literal)[word] |= byte << (8 * i);
    }
  }
  fixed_ = layout;
}

/// Turns a pattern's text into steps and checks that they say one whole date, once.
class PatternCompiler {
 public:
  using Field = TimePattern::Field;
  explicit PatternCompiler(TimePattern& pattern) : pattern_(pattern) {}

  Result<void> run() {
    const std::string_view text = pattern_.text_;
    if (text.find('\0') != std::string_view::npos)
      return fail(Errc::invalid_argument, "a time format must not contain NUL");
    for (std::size_t i = 0; i < text.size(); ++i) {
      if (text[i] != '%') {
        literal(text[i]);
        continue;
      }
      if (++i == text.size())
        return fail(Errc::invalid_argument, "time format '{}' ends in a single %; write %% for one", text);
      WEIR_TRY(directive(text[i], i));
    }
    return check();
  }

 private:
  void literal(char c) {
    if (!is_space(c)) {
      pattern_.steps_.push_back({Field::literal, c});
    } else if (pattern_.steps_.empty() || pattern_.steps_.back().field != Field::space) {
      pattern_.steps_.push_back({Field::space, ' '});
    }
  }
  [[nodiscard]] bool has(Field field) const {
    for (const auto& step : pattern_.steps_)
      if (step.field == field) return true;
    return false;
  }
  [[nodiscard]] Result<void> add(Field field, char letter, std::size_t place) {
    if (has(field))
      return fail(Errc::invalid_argument, "time format '{}': %{} at character {} says again what was said before",
                  pattern_.text_, letter, place);
    pattern_.steps_.push_back({field, 0});
    return {};
  }
  [[nodiscard]] Result<void> several(std::string_view letters, std::size_t place) {
    for (const char c : letters) {
      if (c == '-' || c == ':' || c == '/') {
        literal(c);
      } else {
        WEIR_TRY(directive(c, place));
      }
    }
    return {};
  }
  [[nodiscard]] Result<void> directive(char letter, std::size_t place) {
    switch (letter) {
      case 'Y':
        return add(Field::year, letter, place);
      case 'y':
        return add(Field::year_short, letter, place);
      case 'm':
        return add(Field::month, letter, place);
      case 'b':
      case 'B':
      case 'h':
        return add(Field::month_name, letter, place);
      case 'd':
        return add(Field::day, letter, place);
      case 'e':
        return add(Field::day_space, letter, place);
      case 'j':
        return add(Field::day_of_year, letter, place);
      case 'H':
        return add(Field::hour, letter, place);
      case 'I':
        return add(Field::hour_12, letter, place);
      case 'p':
        return add(Field::half_day, letter, place);
      case 'M':
        return add(Field::minute, letter, place);
      case 'S':
        return add(Field::second, letter, place);
      case 'f':
        return add(Field::fraction, letter, place);
      case 'z':
        return add(Field::offset, letter, place);
      case 'Z':
        return add(Field::zone_name, letter, place);
      case 'a':
      case 'A':
        return add(Field::weekday, letter, place);
      case 's':
        return add(Field::unix_seconds, letter, place);
      case 'F':
        return several("Y-m-d", place);
      case 'T':
        return several("H:M:S", place);
      case 'R':
        return several("H:M", place);
      case 'D':
        return several("m/d/y", place);
      case 'n':
      case 't':
        literal(' ');
        return {};
      case '%':
        literal('%');
        return {};
      default:
        return fail(Errc::invalid_argument,
                    "time format '{}': %{} at character {} is not known; allowed: %Y %y %m %b %B %d %e %j %H %I %p %M "
                    "%S %f %z %Z %a %A %s "
                    "%F %T %R %D %n %t %%",
                    pattern_.text_, letter, place);
    }
  }
  [[nodiscard]] Result<void> check() const {
    const std::string& text = pattern_.text_;
    const auto count = [&](std::initializer_list<Field> fields) {
      int found = 0;
      for (const Field field : fields) found += has(field) ? 1 : 0;
      return found;
    };
    const int years = count({Field::year, Field::year_short});
    const int months = count({Field::month, Field::month_name});
    const int days = count({Field::day, Field::day_space});
    const int yeardays = count({Field::day_of_year});
    const int hours = count({Field::hour, Field::hour_12});
    const int zones = count({Field::offset, Field::zone_name});
    if (has(Field::unix_seconds)) {
      if (years + months + days + yeardays + hours + zones + count({Field::minute, Field::second}) != 0)
        return fail(Errc::invalid_argument, "time format '{}': %s already says date and time", text);
      return {};
    }
    if (years != 1 || !((months == 1 && days == 1 && yeardays == 0) || (months == 0 && days == 0 && yeardays == 1)))
      return fail(Errc::invalid_argument,
                  "time format '{}' must say one whole date: year, month and day (%Y-%m-%d), or year and day of year "
                  "(%Y-%j), or %s",
                  text);
    if (hours > 1 || zones > 1)
      return fail(Errc::invalid_argument, "time format '{}' says the hour or the zone twice", text);
    if (has(Field::hour_12) != has(Field::half_day))
      return fail(Errc::invalid_argument,
                  "time format '{}': %I (12 hours) and %p (AM, PM) need each other; %H is the hour of 24", text);
    return {};
  }

  TimePattern& pattern_;
};

Result<TimePattern> TimePattern::compile(std::string_view pattern, std::int32_t offset) {
  TimePattern compiled;
  compiled.text_ = std::string(pattern);
  compiled.offset_ = offset;
  WEIR_TRY(PatternCompiler(compiled).run());
  compiled.find_fixed_layout();
  return compiled;
}

}  // namespace weir
