// The attempts of an event as its dead letter tells them.
#include <fmt/format.h>

#include "runtime/engine/attempt_log.h"
#include "tests/support/catch.h"

using namespace weir;

namespace {

constexpr std::int64_t kNoon = 1'795'608'000'000'000;  // 2026-11-25T12:00:00Z

std::string add(const std::string& log, std::uint32_t number, std::int64_t second, const std::string& details) {
  return with_attempt(log, {number, kNoon + second * 1'000'000, "geo", "lookup", details});
}

}  // namespace

TEST_CASE("attempts that fail alike are one line, with the first and the last of them", "[retry]") {
  std::string log = add("", 1, 0, R"(["503"])");
  CHECK(log == R"(["attempt 1, 2026-11-25T12:00:00Z: geo: lookup: 503"])");
  log = add(log, 2, 1, R"(["503"])");
  log = add(log, 3, 5, R"(["503"])");
  CHECK(log == R"(["attempts 1 to 3, 2026-11-25T12:00:00Z to 2026-11-25T12:00:05Z: geo: lookup: 503"])");
  log = add(log, 4, 6, R"(["no \"answer\"","in 5 s: a, b"])");
  CHECK(log == R"(["attempts 1 to 3, 2026-11-25T12:00:00Z to 2026-11-25T12:00:05Z: geo: lookup: 503",)"
               R"("attempt 4, 2026-11-25T12:00:06Z: geo: lookup: no \"answer\"; in 5 s: a, b"])");
  log = add(log, 5, 7, R"(["no \"answer\"","in 5 s: a, b"])");
  CHECK(log.ends_with(R"(,"attempts 4 to 5, 2026-11-25T12:00:06Z to 2026-11-25T12:00:07Z: geo: lookup: no \"answer\"; in 5 s: a, b"])"));
}

TEST_CASE("to be put off is no attempt, and is told apart from one", "[retry]") {
  std::string log = add("[]", 1, 0, R"(["503"])");
  log = add(log, 0, 1, R"(["503"])");
  log = add(log, 0, 2, R"(["503"])");
  log = add(log, 2, 3, R"(["503"])");
  CHECK(log == R"(["attempt 1, 2026-11-25T12:00:00Z: geo: lookup: 503",)"
               R"("not tried, 2026-11-25T12:00:01Z to 2026-11-25T12:00:02Z: geo: lookup: 503",)"
               R"("attempt 2, 2026-11-25T12:00:03Z: geo: lookup: 503"])");
}

TEST_CASE("of very many different attempts the first ten and the last ten stay, and how many are left out", "[retry]") {
  std::string log;
  for (std::uint32_t i = 1; i <= 1'000; ++i) log = add(log, i, i, fmt::format(R"(["error {}"])", i));
  CHECK(log.size() < 2'000);
  CHECK(log.find("error 10\"") != std::string::npos);
  CHECK(log.find("error 11\"") == std::string::npos);
  CHECK(log.find("runs of attempts are left out here: 980\"") != std::string::npos);
  CHECK(log.find("error 990\"") == std::string::npos);
  CHECK(log.find("error 991\"") != std::string::npos);
  CHECK(log.ends_with("error 1000\"]"));
}
