#include "runtime/base/time_writer.h"

#include <array>
#include <charconv>
#include <cstring>

namespace weir {

namespace {

constexpr std::array<std::string_view, 12> kMonths = {"January",   "February", "March",    "April",
                                                      "May",       "June",     "July",     "August",
                                                      "September", "October",  "November", "December"};
constexpr std::array<std::string_view, 7> kWeekdays = {"Monday", "Tuesday",  "Wednesday", "Thursday",
                                                       "Friday", "Saturday", "Sunday"};
/// Directives that are one value, and the bytes they need at most.
constexpr std::string_view kDirectives = "YymbBdejHIpMSfz:ZaAuwGVqs";
constexpr std::size_t kDirectiveMax = 20;  // %s: a number of 64 bits

char* digits(char* to, unsigned value, int count) noexcept {
  for (int i = count - 1; i >= 0; --i, value /= 10) to[i] = static_cast<char>('0' + value % 10);
  return to + count;
}
char* text(char* to, std::string_view what) noexcept {
  std::memcpy(to, what.data(), what.size());
  return to + what.size();
}
char* zone(char* to, std::int32_t offset, bool colon) noexcept {
  *to++ = offset < 0 ? '-' : '+';
  const auto minutes = static_cast<unsigned>(offset < 0 ? -offset : offset) / 60;
  to = digits(to, minutes / 60, 2);
  if (colon) *to++ = ':';
  return digits(to, minutes % 60, 2);
}

/// What a directive stands for where it is several.
std::string_view expansion(char directive) noexcept {
  switch (directive) {
    case 'F':
      return "%Y-%m-%d";
    case 'T':
      return "%H:%M:%S";
    case 'R':
      return "%H:%M";
    case 'D':
      return "%m/%d/%y";
    case 'n':
      return "\n";
    case 't':
      return "\t";
    default:
      return {};
  }
}

}  // namespace

LocalTime local_time(UnixMicros time, std::int32_t offset) noexcept {
  const UnixMicros shifted = time + std::int64_t{offset} * kMicrosPerSecond;
  const std::int64_t day = floor_divide(shifted, kMicrosPerDay);
  const auto rest = static_cast<std::uint64_t>(shifted - day * kMicrosPerDay);
  const auto date = date_of_day(day);
  LocalTime local;
  local.year = static_cast<int>(date.year());
  local.month = static_cast<unsigned>(date.month());
  local.day = static_cast<unsigned>(date.day());
  local.day_of_year = static_cast<unsigned>(day - days_of(date.year() / 1 / 1)) + 1;
  // 1970-01-01 was a Thursday.
  local.weekday = static_cast<unsigned>(day + 3 - floor_divide(day + 3, 7) * 7) + 1;
  // A week belongs to the year its Thursday lies in.
  const std::int64_t thursday = day + 4 - local.weekday;
  const auto year = date_of_day(thursday).year();
  local.week_year = static_cast<int>(year);
  local.week = static_cast<unsigned>((thursday - days_of(year / 1 / 1)) / 7) + 1;
  const auto seconds = static_cast<unsigned>(rest / kMicrosPerSecond);
  local.hour = seconds / 3'600;
  local.minute = seconds / 60 % 60;
  local.second = seconds % 60;
  local.micros = static_cast<unsigned>(rest % kMicrosPerSecond);
  return local;
}

Result<TimeWriter> TimeWriter::compile(std::string_view pattern, std::int32_t offset) {
  const auto bad = [&](std::size_t at, std::string_view what) {
    return fail(Errc::invalid_argument, "time format '{}', character {}: {}", pattern, at + 1, what);
  };
  if (pattern.empty()) return fail(Errc::invalid_argument, "a time format must not be empty");
  if (pattern.size() > kPatternMax)
    return fail(Errc::invalid_argument, "a time format has at most {} characters, this one {}", kPatternMax,
                pattern.size());
  TimeWriter writer;
  writer.offset_ = offset;
  const auto add = [&](std::string_view part, std::size_t from, const auto& again) -> Result<void> {
    for (std::size_t i = 0; i < part.size(); ++i) {
      if (part[i] != '%') {
        writer.steps_.push_back({0, part[i]});
        writer.size_max_ += 1;
        continue;
      }
      const std::size_t start = from + i;
      if (++i == part.size()) return bad(start, "% needs a directive behind it; %% is a percent sign");
      if (part[i] == '%') {
        writer.steps_.push_back({0, '%'});
        writer.size_max_ += 1;
      } else if (const std::string_view several = expansion(part[i]); !several.empty()) {
        WEIR_TRY(again(several, start, again));
      } else if (part[i] == ':' && i + 1 < part.size() && part[i + 1] == 'z') {
        ++i;
        writer.steps_.push_back({':', 0});
        writer.size_max_ += kDirectiveMax;
      } else if (part[i] != ':' && kDirectives.find(part[i]) != std::string_view::npos) {
        writer.steps_.push_back({part[i], 0});
        writer.size_max_ += kDirectiveMax;
      } else {
        return bad(start,
                   "no such directive; there are %Y %y %m %b %B %d %e "
                   "%j %H %I %p %M %S %f %z %:z %Z %a %A %u %w %G %V "
                   "%q %s %F %T %R %D %n %t %%");
      }
    }
    return {};
  };
  WEIR_TRY(add(pattern, 0, add));
  return writer;
}

char* TimeWriter::write_step(const Step& step, const LocalTime& local, UnixMicros time, std::int32_t offset,
                             char* to) noexcept {
  switch (step.directive) {
    case 'Y':
      return digits(to, static_cast<unsigned>(local.year), 4);
    case 'y':
      return digits(to, static_cast<unsigned>(local.year % 100), 2);
    case 'm':
      return digits(to, local.month, 2);
    case 'b':
      return text(to, kMonths[local.month - 1].substr(0, 3));
    case 'B':
      return text(to, kMonths[local.month - 1]);
    case 'd':
      return digits(to, local.day, 2);
    case 'e':
      if (local.day >= 10) return digits(to, local.day, 2);
      *to = ' ';
      return digits(to + 1, local.day, 1);
    case 'j':
      return digits(to, local.day_of_year, 3);
    case 'H':
      return digits(to, local.hour, 2);
    case 'I':
      return digits(to, (local.hour + 11) % 12 + 1, 2);
    case 'p':
      return text(to, local.hour < 12 ? "AM" : "PM");
    case 'M':
      return digits(to, local.minute, 2);
    case 'S':
      return digits(to, local.second, 2);
    case 'f':
      return digits(to, local.micros, 6);
    case 'z':
      return zone(to, offset, false);
    case ':':
      return zone(to, offset, true);
    case 'Z':
      return offset == 0 ? text(to, "UTC") : zone(to, offset, true);
    case 'a':
      return text(to, kWeekdays[local.weekday - 1].substr(0, 3));
    case 'A':
      return text(to, kWeekdays[local.weekday - 1]);
    case 'u':
      return digits(to, local.weekday, 1);
    case 'w':
      return digits(to, local.weekday % 7, 1);
    case 'G':
      return digits(to, static_cast<unsigned>(local.week_year), 4);
    case 'V':
      return digits(to, local.week, 2);
    case 'q':
      return digits(to, (local.month + 2) / 3, 1);
    case 's':
      return std::to_chars(to, to + kDirectiveMax, floor_divide(time, kMicrosPerSecond)).ptr;
    default:
      *to = step.literal;
      return to + 1;
  }
}

std::size_t TimeWriter::write(UnixMicros time, char* to) const noexcept {
  const LocalTime local = local_time(time, offset_);
  char* at = to;
  for (const Step& step : steps_) at = write_step(step, local, time, offset_, at);
  return static_cast<std::size_t>(at - to);
}

}  // namespace weir
