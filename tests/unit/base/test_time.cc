#include <array>
#include <cstdio>
#include <random>
#include <string>

#include "runtime/base/calendar.h"
#include "runtime/base/time_pattern.h"
#include "runtime/base/time_text.h"
#include "tests/support/catch.h"

namespace weir {
namespace {

/// The calendar counted one day at a time: obvious, slow, shares nothing with what it judges.
struct SlowCalendar {
  struct Day {
    int year, month, day, weekday /* 0: Monday */, day_of_year;
  };
  std::vector<Day> days;   // from 1900-01-01, a Monday
  std::int64_t first = 0;  // days since 1970 of days[0]

  SlowCalendar() {
    static constexpr std::array<int, 12> kLengths = {31, 28, 31, 30, 31, 30, 31, 31, 30, 31, 30, 31};
    int weekday = 0;
    for (int year = 1900; year <= 2200; ++year) {
      const bool leap = year % 4 == 0 && (year % 100 != 0 || year % 400 == 0);
      int day_of_year = 1;
      for (int month = 1; month <= 12; ++month) {
        const int length = kLengths[static_cast<std::size_t>(month - 1)] + (month == 2 && leap ? 1 : 0);
        for (int day = 1; day <= length; ++day) {
          if (year == 1970 && month == 1 && day == 1) first = -static_cast<std::int64_t>(days.size());
          days.push_back({year, month, day, weekday, day_of_year++});
          weekday = (weekday + 1) % 7;
        }
      }
    }
  }
};
const SlowCalendar& calendar() {
  static const SlowCalendar slow;
  return slow;
}

template <class... Args>
std::string text_of(const char* format, Args... args) {
  char text[128];
  std::snprintf(text, sizeof text, format, args...);
  return text;
}

TEST_CASE("every day of 1900 to 2200 has its date and its calendar windows", "[time]") {
  const SlowCalendar& slow = calendar();
  REQUIRE(slow.days.size() == 109'938);
  std::int64_t week = slow.first;
  std::int64_t month = slow.first;
  std::int64_t year = slow.first;
  for (std::size_t i = 0; i < slow.days.size(); ++i) {
    const auto& day = slow.days[i];
    const std::int64_t number = slow.first + static_cast<std::int64_t>(i);
    if (day.weekday == 0) week = number;
    if (day.day == 1) month = number;
    if (day.day_of_year == 1) year = number;
    const UnixMicros noon = number * kMicrosPerDay + kMicrosPerDay / 2;
    const auto date = date_of(noon);
    REQUIRE(date == std::chrono::year{day.year} / day.month / day.day);
    REQUIRE(window_start(CalendarUnit::day, noon) == number * kMicrosPerDay);
    REQUIRE(window_start(CalendarUnit::week, noon) == week * kMicrosPerDay);
    REQUIRE(window_start(CalendarUnit::month, noon) == month * kMicrosPerDay);
    REQUIRE(window_start(CalendarUnit::year, noon) == year * kMicrosPerDay);
    for (const CalendarUnit unit : {CalendarUnit::day, CalendarUnit::week, CalendarUnit::month, CalendarUnit::year}) {
      const UnixMicros start = window_start(unit, noon);
      const UnixMicros end = window_end(unit, start);
      REQUIRE(window_start(unit, start) == start);
      REQUIRE(window_start(unit, end) == end);
      REQUIRE(window_start(unit, end - 1) == start);
    }
    REQUIRE(to_rfc3339(number * kMicrosPerDay) == text_of("%04d-%02d-%02dT00:00:00Z", day.year, day.month, day.day));
  }
}

TEST_CASE("every form of a time says the same on every day of 1900 to 2200, at any microsecond", "[time]") {
  // Method: the day is counted by hand, the moment within it drawn; each text is put together from those two alone.
  constexpr std::uint64_t kSeed = 1970;
  INFO("seed " << kSeed);
  std::mt19937_64 rng(kSeed);
  const SlowCalendar& slow = calendar();
  const auto pattern = TimePattern::compile("%d.%m.%Y %H:%M:%S,%f").value();
  const auto east = TimePattern::compile("%Y-%j %T.%f %z").value();
  const auto seconds_since = TimePattern::compile("%s.%f").value();
  for (std::size_t i = 0; i < slow.days.size(); ++i) {
    const auto& day = slow.days[i];
    const std::int64_t number = slow.first + static_cast<std::int64_t>(i);
    // The first and the last microsecond of a day are where a mistake would be.
    const std::int64_t moment = i % 3 == 0   ? 0
                                : i % 3 == 1 ? kMicrosPerDay - 1
                                             : static_cast<std::int64_t>(rng() % kMicrosPerDay);
    const UnixMicros time = number * kMicrosPerDay + moment;
    const int micros = static_cast<int>(moment % kMicrosPerSecond);
    const int second = static_cast<int>(moment / kMicrosPerSecond);
    const int h = second / 3'600;
    const int m = second / 60 % 60;
    const int s = second % 60;
    REQUIRE(parse_rfc3339(
                text_of("%04d-%02d-%02dT%02d:%02d:%02d.%06dZ", day.year, day.month, day.day, h, m, s, micros)) == time);
    REQUIRE(parse_rfc3339(to_rfc3339(time)) == time);
    REQUIRE(pattern.parse(text_of("%d.%d.%04d %d:%d:%d,%06d", day.day, day.month, day.year, h, m, s, micros)) == time);
    // The same moment on clocks that are ahead or behind; away from the ends of the range it always exists.
    const int minutes = static_cast<int>(rng() % 1'439) - 719;
    const int away = minutes < 0 ? -minutes : minutes;
    const auto moved = east.parse(text_of("%04d-%03d %02d:%02d:%02d.%06d %c%02d:%02d", day.year, day.day_of_year, h, m,
                                          s, micros, minutes < 0 ? '-' : '+', away / 60, away % 60));
    const UnixMicros there = time - minutes * std::int64_t{60} * kMicrosPerSecond;
    REQUIRE(moved == (in_event_time_range(there) ? std::optional(there) : std::nullopt));
    // Numbers since 1970, spelled from sign and magnitude.
    const std::int64_t magnitude = time < 0 ? -time : time;
    const char* const sign = time < 0 ? "-" : "";
    const std::string whole = std::to_string(magnitude / kMicrosPerSecond);
    const std::string behind = text_of("%06d", static_cast<int>(magnitude % kMicrosPerSecond));
    REQUIRE(parse_unix(sign + whole + "." + behind, 0) == time);
    REQUIRE(seconds_since.parse(sign + whole + "." + behind) == time);
    REQUIRE(parse_unix(sign + whole + behind.substr(0, 3) + "." + behind.substr(3), 3) == time);
    REQUIRE(parse_unix(sign + std::to_string(magnitude), 6) == time);
  }
}

TEST_CASE("a fixed window is the one that a walk over its kind from 1970 meets", "[time]") {
  // Method: a cursor that steps from window to window, forwards and backwards, never divides.
  constexpr std::uint64_t kSeed = 300;
  INFO("seed " << kSeed);
  std::mt19937_64 rng(kSeed);
  using std::chrono::microseconds;
  for (const std::int64_t seconds : {46'807LL, 300LL, 3'600LL, 7LL * 3'600, 86'400LL, 7LL * 86'400, 366LL * 86'400}) {
    const microseconds size(seconds * kMicrosPerSecond);
    for (const int direction : {1, -1}) {
      UnixMicros start = 0;
      const int windows = static_cast<int>(std::min<std::int64_t>(20'000, kTimeEnd / size.count() / 2));
      for (int i = 0; i < windows; ++i, start += direction * size.count()) {
        const UnixMicros inside = start + static_cast<std::int64_t>(rng() % static_cast<std::uint64_t>(size.count()));
        REQUIRE(window_start(size, inside) == start);
        REQUIRE(window_start(size, start) == start);
        REQUIRE(window_start(size, start - 1) == start - size.count());
        REQUIRE(window_start(size, start + size.count() - 1) == start);
      }
    }
  }
}

TEST_CASE("fixed windows count from 1970, also before it", "[time]") {
  using namespace std::chrono_literals;
  CHECK(window_start(5min, 301 * kMicrosPerSecond) == 300 * kMicrosPerSecond);
  CHECK(window_start(5min, 0) == 0);
  CHECK(window_start(5min, -1) == -300 * kMicrosPerSecond);
  CHECK(window_start(5min, -300 * kMicrosPerSecond) == -300 * kMicrosPerSecond);
}

TEST_CASE("a time is written in UTC with a fraction only where there is one", "[time]") {
  CHECK(to_rfc3339(1'291'191'960 * kMicrosPerSecond) == "2010-12-01T08:26:00Z");
  CHECK(to_rfc3339(1'291'191'960 * kMicrosPerSecond + 40'000) == "2010-12-01T08:26:00.040Z");
  CHECK(to_rfc3339(1'291'191'960 * kMicrosPerSecond + 1) == "2010-12-01T08:26:00.000001Z");
  CHECK(to_rfc3339(-1) == "1969-12-31T23:59:59.999999Z");
  CHECK(to_rfc3339(kTimeMin) == "1900-01-01T00:00:00Z");
  CHECK(to_rfc3339(kTimeEnd - 1) == "2200-12-31T23:59:59.999999Z");
}

TEST_CASE("RFC 3339 is read in all its forms and nothing else is", "[time]") {
  const UnixMicros base = 1'291'191'960 * kMicrosPerSecond;
  CHECK(parse_rfc3339("2010-12-01T08:26:00Z") == base);
  CHECK(parse_rfc3339("2010-12-01t08:26:00z") == base);
  CHECK(parse_rfc3339("2010-12-01 08:26:00Z") == base);
  CHECK(parse_rfc3339("2010-12-01T10:26:00+02:00") == base);
  CHECK(parse_rfc3339("2010-12-01T02:56:00-05:30") == base);
  CHECK(parse_rfc3339("2010-12-01T08:26:00.5Z") == base + 500'000);
  CHECK(parse_rfc3339("2010-12-01T08:26:00.123456789012Z") == base + 123'456);
  CHECK(parse_rfc3339("1900-01-01T00:00:00Z") == kTimeMin);
  CHECK(parse_rfc3339("2200-12-31T23:59:59.999999Z") == kTimeEnd - 1);
  CHECK(parse_rfc3339("2016-12-31T23:59:60Z") == parse_rfc3339("2017-01-01T00:00:00Z"));
  CHECK(parse_rfc3339("2017-01-01T00:59:60+01:00") == parse_rfc3339("2017-01-01T00:00:00Z"));
  for (const char* text : {"",
                           "2010-12-01",
                           "2010-12-01T08:26Z",
                           "2010-12-01T08:26:00",
                           "2010-12-01T08:26:00+0200",
                           "2010-12-01T08:26:00.Z",
                           "2010-12-01T24:00:00Z",
                           "2010-12-01T08:60:00Z",
                           "2010-12-01T08:26:60Z",
                           "2010-13-01T08:26:00Z",
                           "2010-02-29T08:26:00Z",
                           "2010-12-00T08:26:00Z",
                           "1899-12-31T23:59:59Z",
                           "2201-01-01T00:00:00Z",
                           "1900-01-01T00:00:00+00:01",
                           "2010-12-01T08:26:00Zx",
                           " 2010-12-01T08:26:00Z",
                           "2010-12-01T08:26:00+24:00",
                           "2010-12-01T08:26:00+02:60",
                           "+010-12-01T08:26:00Z",
                           "2010/12/01T08:26:00Z"}) {
    INFO(text);
    CHECK_FALSE(parse_rfc3339(text).has_value());
  }
}

TEST_CASE("what is written is read back, for random times", "[time]") {
  constexpr std::uint64_t kSeed = 3339;
  INFO("seed " << kSeed);
  std::mt19937_64 rng(kSeed);
  std::uniform_int_distribution<UnixMicros> any(kTimeMin, kTimeEnd - 1);
  for (int i = 0; i < 100'000; ++i) {
    UnixMicros time = any(rng);
    if (i % 3 == 0) time -= time % 1'000;
    if (i % 3 == 1) time -= time % kMicrosPerSecond;
    REQUIRE(parse_rfc3339(to_rfc3339(time)) == time);
  }
}

TEST_CASE("numbers since 1970 are read in seconds, milliseconds and microseconds, with decimals and exponents",
          "[time]") {
  CHECK(parse_unix("1291191960", 0) == 1'291'191'960'000'000);
  CHECK(parse_unix("1291191960.25", 0) == 1'291'191'960'250'000);
  CHECK(parse_unix("1291191960250", 3) == 1'291'191'960'250'000);
  CHECK(parse_unix("1291191960250000", 6) == 1'291'191'960'250'000);
  CHECK(parse_unix("1291191960250000.9", 6) == 1'291'191'960'250'000);
  CHECK(parse_unix("1.29119196e9", 0) == 1'291'191'960'000'000);
  CHECK(parse_unix("-0.0000001", 0) == -1);
  CHECK(parse_unix("-1", 0) == -kMicrosPerSecond);
  CHECK(parse_unix("-2208988800", 0) == kTimeMin);
  CHECK_FALSE(parse_unix("-2208988800.000001", 0).has_value());
  CHECK_FALSE(parse_unix("7289654400", 0).has_value());
  CHECK(parse_unix("7289654399.999999", 0) == kTimeEnd - 1);
  CHECK_FALSE(parse_unix("1291191960250", 0).has_value());
  CHECK_FALSE(parse_unix("99999999999999999999999999999999999999", 0).has_value());
  CHECK_FALSE(parse_unix("", 0).has_value());
  CHECK_FALSE(parse_unix("now", 0).has_value());
}

TEST_CASE("a zone is UTC or a fixed offset", "[time]") {
  CHECK(parse_zone_offset("UTC") == 0);
  CHECK(parse_zone_offset("Z") == 0);
  CHECK(parse_zone_offset("+02:00") == 7'200);
  CHECK(parse_zone_offset("-0530") == -19'800);
  CHECK(parse_zone_offset("+02") == 7'200);
  for (const char* text : {"", "Europe/Berlin", "+2", "02:00", "+02:0", "+24:00", "+02:60", "UTC+1", "+02:00x"}) {
    INFO(text);
    CHECK_FALSE(parse_zone_offset(text).has_value());
  }
}

std::optional<UnixMicros> by_pattern(std::string_view pattern, std::string_view text, std::int32_t offset = 0) {
  return TimePattern::compile(pattern, offset).value().parse(text);
}

TEST_CASE("a pattern reads its own form and nothing else", "[time]") {
  const UnixMicros base = 1'291'191'960 * kMicrosPerSecond;  // 2010-12-01T08:26:00Z, a Wednesday, day 335
  CHECK(by_pattern("%Y-%m-%d %H:%M:%S", "2010-12-01 08:26:00") == base);
  CHECK(by_pattern("%Y-%m-%d %H:%M:%S", "2010-12-1 8:26:0") == base);
  CHECK(by_pattern("%Y-%m-%d %H:%M:%S", "2010-12-01 \t 08:26:00") == base);
  CHECK(by_pattern("%Y-%m-%d %H:%M:%S", "2010-12-01 10:26:00", 7'200) == base);
  CHECK(by_pattern("%F %T", "2010-12-01 08:26:00") == base);
  CHECK(by_pattern("%m/%d/%Y %H:%M", "12/1/2010 8:26") == base);
  CHECK(by_pattern("%D %R", "12/01/10 08:26") == base);
  CHECK(by_pattern("%d %b %Y %I:%M %p", "1 Dec 2010 8:26 AM") == base);
  CHECK(by_pattern("%d %B %Y %I:%M%p", "01 december 2010 08:26pm") == base + 43'200 * kMicrosPerSecond);
  CHECK(by_pattern("%Y-%j %H:%M", "2010-335 08:26") == base);
  CHECK(by_pattern("%Y-%m-%dT%H:%M:%S.%f%z", "2010-12-01T10:26:00.25+02:00") == base + 250'000);
  CHECK(by_pattern("%Y-%m-%dT%H:%M:%S.%f%z", "2010-12-01T08:26:00.1234567Z", 3'600) == base + 123'456);
  CHECK(by_pattern("%a, %d %b %Y %T %Z", "Wed, 01 Dec 2010 08:26:00 GMT") == base);
  CHECK(by_pattern("%A %e %b %Y %T", "wednesday  1 Dec 2010 08:26:00") == base);
  CHECK(by_pattern("%s", "1291191960") == base);
  CHECK(by_pattern("%s.%f", "1291191960.5") == base + 500'000);
  CHECK(by_pattern("%s.%f", "-1.5") == -1'500'000);
  CHECK(by_pattern("%s.%f", "-0.25") == -250'000);
  CHECK(by_pattern("%s.%f", "-0.0000001") == -1);
  CHECK(by_pattern("%s.%f", "-0.0000000") == 0);
  CHECK(by_pattern("%s.%f", "0.0000009") == 0);
  CHECK(by_pattern("%Y%m%d", "20101201") == base - base % kMicrosPerDay);
  CHECK(by_pattern("100%% %Y-%m-%d", "100% 2010-12-01") == base - base % kMicrosPerDay);
  CHECK(by_pattern("%y-%m-%d", "69-01-01") == parse_rfc3339("1969-01-01T00:00:00Z"));
  CHECK(by_pattern("%y-%m-%d", "68-01-01") == parse_rfc3339("2068-01-01T00:00:00Z"));
  CHECK(by_pattern("%I %p %F", "12 AM 2010-12-01") == base - base % kMicrosPerDay);
  CHECK(by_pattern("%d %b %Y", "1 May 2010") == parse_rfc3339("2010-05-01T00:00:00Z"));

  for (const char* text : {"", "2010-12-01", "2010-12-01 08:26:00 ", "2010-12-01 08:26:00Z", "2010-12-0108:26:00",
                           "2010-13-01 08:26:00", "2010-02-30 08:26:00", "2010-12-01 24:00:00", "2010-12-01 08:61:00",
                           "2010-12-01 08:26:61", "10-12-01 08:26:00", "2010-12-01 08:26:0\xb0", "2010-12-01 08:26:0/",
                           "2010-12-01 08:26:0:", "1899-12-31 23:59:59", "2201-01-01 00:00:00"}) {
    INFO(text);
    CHECK_FALSE(by_pattern("%Y-%m-%d %H:%M:%S", text).has_value());
  }
  CHECK_FALSE(by_pattern("%Y-%j", "2010-366").has_value());
  CHECK_FALSE(by_pattern("%Y-%j", "2010-0").has_value());
  CHECK(by_pattern("%Y-%j", "2012-366").has_value());
  CHECK_FALSE(by_pattern("%I %p %F", "13 AM 2010-12-01").has_value());
  CHECK_FALSE(by_pattern("%a %F", "Tue 2010-12-01").has_value());
  CHECK_FALSE(by_pattern("%F %Z", "2010-12-01 CET").has_value());
  CHECK_FALSE(by_pattern("%s", "99999999999").has_value());
  CHECK_FALSE(by_pattern("%s", "1291191960123").has_value());
}

TEST_CASE("a pattern that does not say one whole time once is refused with its place", "[time]") {
  for (const char* pattern :
       {"", "%Y", "%Y-%m", "%m-%d", "%H:%M:%S", "%Y-%m-%d %", "%Y-%m-%d %Q", "%Y-%m-%d %Y", "%Y-%m-%d %j", "%F %I",
        "%F %H %p", "%F %I %p %H", "%F %z %Z", "%s %F", "%Y %y-%m-%d", "%Y-%m-%b-%d"}) {
    INFO(pattern);
    const auto compiled = TimePattern::compile(pattern);
    REQUIRE_FALSE(compiled.has_value());
    CHECK(compiled.error().code == Errc::invalid_argument);
    CHECK(compiled.error().context.find(pattern) != std::string::npos);
  }
}

TEST_CASE("patterns agree with a calendar counted by hand, for random times", "[time]") {
  constexpr std::uint64_t kSeed = 1900;
  INFO("seed " << kSeed);
  std::mt19937_64 rng(kSeed);
  const SlowCalendar& slow = calendar();
  const auto plain = TimePattern::compile("%Y-%m-%d %H:%M:%S").value();
  const auto compact = TimePattern::compile("%Y%m%d%H%M%S", -3'600).value();
  const auto american = TimePattern::compile("%m/%d/%Y %H:%M:%S.%f").value();
  const auto ordinal = TimePattern::compile("%Y.%j %T").value();
  for (int i = 0; i < 50'000; ++i) {
    const std::size_t index = 1 + rng() % (slow.days.size() - 2);
    const auto& day = slow.days[index];
    const int second = static_cast<int>(rng() % 86'400);
    const int micros = static_cast<int>(rng() % 1'000'000);
    const UnixMicros time = ((slow.first + static_cast<std::int64_t>(index)) * 86'400 + second) * kMicrosPerSecond;
    const int h = second / 3'600;
    const int m = second / 60 % 60;
    const int s = second % 60;
    REQUIRE(plain.parse(text_of("%04d-%02d-%02d %02d:%02d:%02d", day.year, day.month, day.day, h, m, s)) == time);
    REQUIRE(compact.parse(text_of("%04d%02d%02d%02d%02d%02d", day.year, day.month, day.day, h, m, s)) ==
            time + 3'600 * kMicrosPerSecond);
    REQUIRE(american.parse(text_of("%d/%d/%d %d:%02d:%02d.%06d", day.month, day.day, day.year, h, m, s, micros)) ==
            time + micros);
    REQUIRE(ordinal.parse(text_of("%d.%d %02d:%02d:%02d", day.year, day.day_of_year, h, m, s)) == time);
  }
}

TEST_CASE("one changed byte never makes the fast reader and the slow one differ", "[time]") {
  // Goal: the eight-bytes-at-a-time check takes exactly what the steps take. Method: the same pattern without and with
  // a fraction behind it, which has no fixed width and so rules the fast reader out.
  constexpr std::uint64_t kSeed = 8;
  INFO("seed " << kSeed);
  std::mt19937_64 rng(kSeed);
  const auto fast = TimePattern::compile("%Y-%m-%dT%H:%M:%S").value();
  const auto slow = TimePattern::compile("%Y-%m-%dT%H:%M:%S%%%f").value();
  int good = 0;
  for (int i = 0; i < 100'000; ++i) {
    std::string text = text_of("%04d-%02d-%02dT%02d:%02d:%02d", static_cast<int>(1890 + rng() % 320),
                               static_cast<int>(rng() % 14), static_cast<int>(rng() % 33), static_cast<int>(rng() % 25),
                               static_cast<int>(rng() % 61), static_cast<int>(rng() % 62));
    if (rng() % 2 == 0) text[rng() % text.size()] = static_cast<char>(rng());
    const auto a = fast.parse(text);
    REQUIRE(a == slow.parse(text + "%0"));
    good += a ? 1 : 0;
  }
  CHECK(good > 20'000);
  CHECK(good < 80'000);
}

}  // namespace
}  // namespace weir
