#include <chrono>
#include <string>

#include "runtime/base/suggest.h"
#include "runtime/base/units.h"
#include "tests/support/catch.h"

namespace weir {
namespace {

using namespace std::chrono_literals;

TEST_CASE("durations have a unit", "[units]") {
  CHECK(parse_duration("7d").value() == 168h);
  CHECK(parse_duration("50ms").value() == 50ms);
  CHECK(parse_duration("20us").value() == 20us);
  CHECK(parse_duration("1w").value() == 168h);
  CHECK(parse_duration("1.5h").value() == 90min);
  CHECK(parse_duration("0s").value() == 0s);
  CHECK(parse_duration("5m").value() == 5min);
}

TEST_CASE("sizes have a unit of 1024 and counts may have one of 1000", "[units]") {
  CHECK(parse_size("512MiB").value() == 512ull << 20);
  CHECK(parse_size("900KiB").value() == 900ull << 10);
  CHECK(parse_size("1B").value() == 1);
  CHECK(parse_size("0.5KiB").value() == 512);
  CHECK(parse_size("8191PiB").value() == 8191ull << 50);
  CHECK(parse_count("50M").value() == 50'000'000);
  CHECK(parse_count("1500").value() == 1500);
  CHECK(parse_count("0").value() == 0);
  CHECK(parse_count("1.5K").value() == 1500);
}

TEST_CASE("a wrong unit is refused with what to write", "[units]") {
  for (const char* text : {"", "7", "0", "d", "7 d", "-7d", "7D", "7days", "1h30m", "1ns", "1.0000001s", "9999999999w",
                           "1e3s", ".d", "1..5s", " 7d"}) {
    INFO(text);
    const auto value = parse_duration(text);
    REQUIRE_FALSE(value.has_value());
    CHECK(value.error().code == Errc::invalid_argument);
    CHECK(value.error().context.find(text) != std::string::npos);
  }
  CHECK(parse_duration("7").error().context ==
        "'7' has no unit: a duration is a number with one of us ms s m h d w, as in 7ms");
  CHECK(parse_size("512MB").error().context ==
        "'512MB' is not a size: the unit 'MB' is not one of B KiB MiB GiB TiB PiB (powers of 1024), as in 512MiB");
  for (const char* text : {"512", "1.5B", "8192PiB", "1kib", "MiB", "0x10B"}) {
    INFO(text);
    CHECK_FALSE(parse_size(text).has_value());
  }
  for (const char* text : {"", "M", "1.5", "-1", "5k", "10T", "9223372036854775808"}) {
    INFO(text);
    CHECK_FALSE(parse_count(text).has_value());
  }
}

TEST_CASE("what is written with a unit is read back the same", "[units]") {
  CHECK(format_duration(168h) == "7d");
  CHECK(format_duration(1500ms) == "1500ms");
  CHECK(format_duration(90min) == "90m");
  CHECK(format_duration(0us) == "0s");
  CHECK(format_size(900 * 1024) == "900KiB");
  CHECK(format_size(0) == "0B");
  CHECK(format_size(1025) == "1025B");
  CHECK(format_count(50'000'000) == "50M");
  CHECK(format_count(0) == "0");
  for (std::int64_t value = 1; value < std::int64_t{1} << 50; value = value * 3 + 1) {
    CHECK(parse_duration(format_duration(std::chrono::microseconds{value})).value().count() == value);
    CHECK(parse_size(format_size(static_cast<std::uint64_t>(value))).value() == static_cast<std::uint64_t>(value));
    CHECK(parse_count(format_count(static_cast<std::uint64_t>(value))).value() == static_cast<std::uint64_t>(value));
  }
}

TEST_CASE("the nearest right word is offered where there is one", "[suggest]") {
  CHECK(edit_distance("", "") == 0);
  CHECK(edit_distance("abc", "") == 3);
  CHECK(edit_distance("pipline", "pipeline") == 1);
  CHECK(edit_distance("pieplin", "pipeline") == 2);
  CHECK(edit_distance("ca", "ac") == 1);
  CHECK(edit_distance("Partitions", "partitions") == 0);
  CHECK(edit_distance("kitten", "sitting") == 3);
  const std::vector<std::string> keys = {"pipeline", "partitions", "record", "dedupe", "stages", "views"};
  CHECK(nearest("pipelnie", keys) == "pipeline");
  CHECK(nearest("stage", keys) == "stages");
  CHECK(nearest("dedup", keys) == "dedupe");
  CHECK_FALSE(nearest("kafka", keys).has_value());
  CHECK_FALSE(nearest("", keys).has_value());
}

}  // namespace
}  // namespace weir
