// Written times against the C library's strftime over gmtime, which knows the Gregorian calendar in its own way.
#include <ctime>
#include <random>

#include "runtime/base/time_pattern.h"
#include "runtime/base/time_writer.h"
#include "tests/support/catch.h"

using namespace weir;

namespace {
std::string written(std::string_view pattern, UnixMicros time, std::int32_t offset = 0) {
  const auto writer = TimeWriter::compile(pattern, offset);
  if (!writer) FAIL(writer.error().context);
  std::string text(writer->size_max(), '\0');
  text.resize(writer->write(time, text.data()));
  return text;
}
std::string by_the_c_library(const char* pattern, UnixMicros time, std::int32_t offset) {
  const std::time_t seconds = floor_divide(time, kMicrosPerSecond) + offset;
  std::tm broken_down{};
  REQUIRE(gmtime_r(&seconds, &broken_down) != nullptr);
  char text[256];
  return std::string(text, std::strftime(text, sizeof text, pattern, &broken_down));
}
}  // namespace

TEST_CASE("every directive writes what it says", "[time_writer]") {
  const UnixMicros time = *TimePattern::compile("%F %T.%f")->parse("2010-12-01 08:26:05.000042");
  CHECK(written("%Y|%y|%m|%b|%B|%d|%e|%j", time) == "2010|10|12|Dec|December|01| 1|335");
  CHECK(written("%H|%I|%p|%M|%S|%f", time) == "08|08|AM|26|05|000042");
  CHECK(written("%a|%A|%u|%w|%G|%V|%q|%s", time) == "Wed|Wednesday|3|3|2010|48|4|1291191965");
  CHECK(written("%F|%T|%R|%D|%n|%t|%%", time) == "2010-12-01|08:26:05|08:26|12/01/10|\n|\t|%");
  CHECK(written("%z|%:z|%Z", time) == "+0000|+00:00|UTC");
  CHECK(written("%F %R %z|%:z|%Z", time, -12'600) == "2010-12-01 04:56 -0330|-03:30|-03:30");
  CHECK(written("%F %I %p", time, 4 * 3'600) == "2010-12-01 12 PM");
  CHECK(written("%F %I %p", time, 16 * 3'600) == "2010-12-02 12 AM");
  CHECK(written("é %Y.", time) == "é 2010.");
}

TEST_CASE("a week belongs to the year of its Thursday", "[time_writer]") {
  const auto week = [](int year, unsigned month, unsigned day) {
    const auto date = std::chrono::year{year} / static_cast<int>(month) / static_cast<int>(day);
    return written("%G-W%V-%u", midnight(date));
  };
  CHECK(week(2004, 12, 31) == "2004-W53-5");
  CHECK(week(2005, 1, 1) == "2004-W53-6");
  CHECK(week(2005, 1, 2) == "2004-W53-7");
  CHECK(week(2005, 1, 3) == "2005-W01-1");
  CHECK(week(2008, 12, 29) == "2009-W01-1");
  CHECK(week(2010, 1, 3) == "2009-W53-7");
  CHECK(week(1900, 1, 1) == "1900-W01-1");
  CHECK(week(2200, 12, 31) == "2201-W01-3");
}

TEST_CASE("every day of 1900 to 2200 is written as the C library writes it", "[time_writer]") {
  const char* const pattern = "%Y %y %m %b %B %d %e %j %a %A %u %w %G %V %F %D";
  const auto writer = TimeWriter::compile(pattern);
  REQUIRE(writer);
  std::string text(writer->size_max(), '\0');
  std::size_t days = 0;
  for (UnixMicros time = kTimeMin; time < kTimeEnd; time += kMicrosPerDay, ++days) {
    const std::string_view ours{text.data(), writer->write(time, text.data())};
    const std::string theirs = by_the_c_library(pattern, time, 0);
    if (ours != theirs) FAIL(ours << " is " << theirs);
  }
  CHECK(days == 109'938);
}

TEST_CASE("any time at any offset is written as the C library writes it, and read back", "[time_writer]") {
  const std::uint32_t seed = 1'900;
  INFO("seed " << seed);
  std::mt19937_64 random(seed);
  for (int i = 0; i < 50'000; ++i) {
    const UnixMicros time =
        kTimeMin + static_cast<UnixMicros>(random() % static_cast<std::uint64_t>(kTimeEnd - kTimeMin));
    const auto offset = (static_cast<std::int32_t>(random() % 2'879) - 1'439) * 60;
    const std::string theirs = by_the_c_library("%F %T %I %p %j %G-%V", time, offset);
    if (written("%F %T %I %p %j %G-%V", time, offset) != theirs) FAIL(theirs << " at offset " << offset);
    const std::string text = written("%F %T.%f %z", time, offset);
    CAPTURE(text);
    REQUIRE(TimePattern::compile("%F %T.%f %z")->parse(text) == time);
    REQUIRE(written("%s", time, offset) == std::to_string(floor_divide(time, kMicrosPerSecond)));
  }
}

TEST_CASE("a pattern that cannot be written says where", "[time_writer]") {
  const auto refused = [](const std::string& pattern) {
    const auto writer = TimeWriter::compile(pattern);
    return writer ? std::string() : writer.error().context;
  };
  CHECK(refused("").find("must not be empty") != std::string::npos);
  CHECK(refused("%Y-%Q").find("'%Y-%Q', character 4: no such directive") != std::string::npos);
  CHECK(refused("abc%").find("character 4: % needs a directive") != std::string::npos);
  CHECK(refused("%:Y").find("character 1: no such directive") != std::string::npos);
  CHECK(refused("%:").find("no such directive") != std::string::npos);
  CHECK(refused(std::string(256, 'x')).empty());
  CHECK(refused(std::string(257, 'x')).find("at most 256 characters, this one 257") != std::string::npos);
}
