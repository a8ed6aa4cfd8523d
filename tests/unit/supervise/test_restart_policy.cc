#include <algorithm>
#include <array>
#include <optional>

#include "actors/supervise/restart_policy.h"
#include "runtime/base/invariant.h"
#include "tests/support/catch.h"

using namespace weir;
using namespace std::chrono_literals;

namespace {

constexpr std::uint64_t kSeed = 7;  // where no pause depends on it

/// The jitter's range: from half of it to all of it.
bool about(std::optional<std::chrono::microseconds> pause, std::chrono::microseconds backoff) {
  return pause && *pause >= backoff / 2 && *pause <= backoff;
}

}  // namespace

TEST_CASE("pauses double up to backoff_max, and the crash after restarts_max escalates", "[supervise]") {
  RestartPolicy policy{{.restarts_max = 5, .window = 10s, .backoff_min = 10ms, .backoff_max = 50ms}, kSeed};
  std::chrono::nanoseconds now{0};
  for (const auto backoff : {10ms, 20ms, 40ms, 50ms, 50ms}) {
    CHECK(about(policy.on_crash(now), backoff));
    now += backoff;
  }
  CHECK_FALSE(policy.on_crash(now));
  CHECK_FALSE(policy.on_crash(now));
}

TEST_CASE("crashes older than the window are forgotten once there was progress behind them", "[supervise]") {
  RestartPolicy policy{{.restarts_max = 2, .window = 10s, .backoff_min = 100ms, .backoff_max = 500ms}, kSeed};
  CHECK(about(policy.on_crash(0s), 100ms));
  policy.on_progress(1s);
  CHECK(about(policy.on_crash(9s), 200ms));
  policy.on_progress(9s);
  SECTION("inside the window the third one escalates, whatever was achieved in between") { CHECK_FALSE(policy.on_crash(9'999ms)); }
  SECTION("then the first one is forgotten, and after as long the second one") {
    CHECK(about(policy.on_crash(10s), 200ms));
    CHECK(policy.crashes() == 2);
    CHECK_FALSE(policy.on_crash(18'999ms));
    CHECK(about(policy.on_crash(19s), 200ms));
    CHECK_FALSE(policy.on_crash(60s));  // behind the last two there was no progress
  }
  SECTION("and much later all of them, and the pause is the shortest again") { CHECK(about(policy.on_crash(60s), 100ms)); }
}

TEST_CASE("without progress a crash is never forgotten, however rare they are", "[supervise]") {
  RestartPolicy policy{{.restarts_max = 3, .window = 1s, .backoff_min = 10ms, .backoff_max = 50ms}, kSeed};
  for (const auto now : {0h, 1h, 2h}) CHECK(policy.on_crash(now));
  CHECK_FALSE(policy.on_crash(3h));
}

TEST_CASE("forgetting by hand gives all restarts back", "[supervise]") {
  RestartPolicy policy{{.restarts_max = 1, .window = 1s, .backoff_min = 10ms, .backoff_max = 50ms}, kSeed};
  CHECK(about(policy.on_crash(0s), 10ms));
  CHECK_FALSE(policy.on_crash(0s));
  policy.forget();
  CHECK(about(policy.on_crash(0s), 10ms));
}

TEST_CASE("with restarts_max 0 the first crash escalates", "[supervise]") {
  RestartPolicy policy{{.restarts_max = 0}, kSeed};
  CHECK_FALSE(policy.on_crash(0s));
}

TEST_CASE("jitter takes at most half off a pause, spreads evenly over that half, and is another for each seed", "[supervise]") {
  constexpr std::uint64_t seed = 20'261'127;
  std::array<std::uint32_t, 5> seen{};  // pauses of 5 to 6 ms, …, 9 to 10 ms
  for (std::uint64_t child = 0; child < 6'000; ++child) {
    RestartPolicy policy{{.restarts_max = 1, .window = 1s, .backoff_min = 10ms, .backoff_max = 10ms}, seed + child};
    const auto pause = policy.on_crash(0s);
    REQUIRE(about(pause, 10ms));
    ++seen[std::min<std::size_t>(4, static_cast<std::size_t>((*pause - 5ms) / 1ms))];
  }
  for (const std::uint32_t count : seen) CHECK(count > 950);  // of 1'200 expected: eight standard deviations
}

TEST_CASE("all pauses of the defaults together take under three seconds", "[supervise]") {
  RestartPolicy policy{RestartLimits{}, kSeed};
  std::chrono::microseconds sum{0};
  while (const auto pause = policy.on_crash(sum)) sum += *pause;
  CHECK(sum <= 2'630ms);
  CHECK(sum >= 1'315ms);
}

TEST_CASE("the longest backoffs and the most restarts do not overflow", "[supervise]") {
  RestartPolicy policy{{.restarts_max = 1'000, .window = 1h, .backoff_min = 1h, .backoff_max = 1h}, kSeed};
  for (int i = 0; i < 1'000; ++i) REQUIRE(about(policy.on_crash(0s), 1h));
  CHECK_FALSE(policy.on_crash(0s));
}

TEST_CASE("time that goes back between crashes is a broken promise", "[supervise]") {
  RestartPolicy policy{RestartLimits{}, kSeed};
  CHECK(policy.on_crash(2s));
  CHECK_THROWS_AS(policy.on_crash(1s), InvariantError);
}
