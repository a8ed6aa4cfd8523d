#include "actors/supervise/restart_backoff.h"
#include "tests/support/catch.h"

using namespace weir;
using namespace std::chrono_literals;

TEST_CASE("pauses double up to their limit, and after restarts_max crashes in a row there is no further start", "[supervise]") {
  RestartBackoff backoff{{.restarts_max = 5, .pause_min = 10ms, .pause_max = 50ms}};
  for (const auto pause : {10ms, 20ms, 40ms, 50ms, 50ms}) CHECK(backoff.on_crash() == pause);
  CHECK_FALSE(backoff.on_crash());
  CHECK_FALSE(backoff.on_crash());
}

TEST_CASE("progress makes crashes count from zero, also after the last one", "[supervise]") {
  RestartBackoff backoff{{.restarts_max = 2, .pause_min = 10ms, .pause_max = 50ms}};
  CHECK(backoff.on_crash() == 10ms);
  CHECK(backoff.on_crash() == 20ms);
  backoff.on_progress();
  CHECK(backoff.on_crash() == 10ms);
  CHECK(backoff.on_crash() == 20ms);
  CHECK_FALSE(backoff.on_crash());
  backoff.on_progress();
  CHECK(backoff.on_crash() == 10ms);
}

TEST_CASE("with restarts_max 0 the first crash is the last", "[supervise]") {
  RestartBackoff backoff{{.restarts_max = 0}};
  CHECK_FALSE(backoff.on_crash());
}

TEST_CASE("all pauses of the defaults together take under three seconds", "[supervise]") {
  RestartBackoff backoff{RestartLimits{}};
  std::chrono::milliseconds sum{0};
  while (const auto pause = backoff.on_crash()) sum += *pause;
  CHECK(sum == 2'630ms);
}
