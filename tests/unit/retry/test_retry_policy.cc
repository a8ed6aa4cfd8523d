#include "runtime/engine/retry_policy.h"

#include <array>
#include <random>

#include "runtime/base/invariant.h"
#include "runtime/base/backoff.h"
#include "tests/support/catch.h"

using namespace weir;
using namespace std::chrono_literals;

namespace {

using Kind = RetryDecision::Kind;
constexpr std::uint64_t kLowest = 0, kHighest = ~std::uint64_t{0};

RetryDecision retry_at(TimePoint at) {
  return {Kind::retry, at};
}

}  // namespace

TEST_CASE("without jitter pauses double up to their limit, and attempts_max counts the first attempt", "[retry]") {
  const RetryPolicy policy({.attempts_max = 6,
                            .retry_age_max = 1h,
                            .backoff_min = 100ms,
                            .backoff_max = 500ms,
                            .jitter = RetryJitter::none});
  TimePoint now = 7s;
  std::uint32_t attempts = 1;
  for (const auto pause : {100ms, 200ms, 400ms, 500ms, 500ms}) {
    CHECK(policy.after({.attempts = attempts, .first = 7s, .now = now}) == retry_at(now + pause));
    now += pause;
    ++attempts;
  }
  CHECK(policy.after({.attempts = 6, .first = 7s, .now = now}).kind == Kind::attempts_spent);
  CHECK(policy.after({.attempts = 7, .first = 7s, .now = now}).kind == Kind::attempts_spent);
  CHECK(policy.patience() == 1'700ms);
}

TEST_CASE("jitter lies below the ceiling: full from nothing, equal from its half, both ends included", "[retry]") {
  RetryConfig config{
      .attempts_max = 9, .retry_age_max = 1h, .backoff_min = 100ms, .backoff_max = 1s, .jitter = RetryJitter::full};
  const auto pause = [&](std::uint32_t attempts, std::uint64_t random) {
    return RetryPolicy(config).after({.attempts = attempts, .random = random}).at;
  };
  CHECK(pause(1, kLowest) == 0ns);
  CHECK(pause(1, kHighest) == 100ms);
  CHECK(pause(4, kHighest) == 800ms);
  CHECK(pause(5, kHighest) == 1s);
  CHECK(RetryPolicy(config).patience() == 0ns);
  config.jitter = RetryJitter::equal;
  CHECK(pause(1, kLowest) == 50ms);
  CHECK(pause(1, kHighest) == 100ms);
  CHECK(pause(8, kLowest) == 500ms);
  CHECK(pause(8, kHighest) == 1s);
  CHECK(RetryPolicy(config).patience() == 50ms + 100ms + 200ms + 400ms + 4 * 500ms);
}

TEST_CASE("the last try is at retry_age_max, and nothing is tried after it", "[retry]") {
  const RetryPolicy policy(
      {.attempts_max = 1'000, .retry_age_max = 10s, .backoff_min = 4s, .backoff_max = 4s, .jitter = RetryJitter::none});
  CHECK(policy.after({.attempts = 2, .first = 1s, .now = 6s}) == retry_at(10s));
  CHECK(policy.after({.attempts = 2, .first = 1s, .now = 8s}) == retry_at(11s));
  CHECK(policy.after({.attempts = 3, .first = 1s, .now = 11s}).kind == Kind::too_old);
  CHECK(policy.after({.attempts = 3, .first = 1s, .now = 20s}).kind == Kind::too_old);
  CHECK(policy.patience() == 10s);
  // A clock that was set back makes nobody younger than new.
  CHECK(policy.after({.attempts = 1, .first = 5s, .now = 1s}) == retry_at(9s));
}

TEST_CASE("a dependency that asks for more time gets it, as far as retry_age_max goes", "[retry]") {
  const RetryPolicy policy(
      {.attempts_max = 5, .retry_age_max = 60s, .backoff_min = 1s, .backoff_max = 8s, .jitter = RetryJitter::none});
  CHECK(policy.after({.attempts = 1, .first = 10s, .now = 10s, .not_before = 10'500ms}) == retry_at(11s));
  CHECK(policy.after({.attempts = 1, .first = 10s, .now = 10s, .not_before = 30s}) == retry_at(30s));
  CHECK(policy.after({.attempts = 1, .first = 10s, .now = 10s, .not_before = 70s}) == retry_at(70s));
  CHECK(policy.after({.attempts = 1, .first = 10s, .now = 10s, .not_before = 71s}).kind == Kind::too_old);
  CHECK(policy.put_off(10s, 70s) == retry_at(70s));
  CHECK(policy.put_off(10s, 70s + 1ns).kind == Kind::too_old);
}

TEST_CASE("pauses stay within bounds that never fall, whatever the limits, the time and chance", "[retry]") {
  const auto seed = GENERATE(range(1u, 9u));
  CAPTURE(seed);
  std::mt19937_64 random(seed);
  const auto below = [&random](std::int64_t most) {
    return std::chrono::milliseconds(1 + static_cast<std::int64_t>(random() % static_cast<std::uint64_t>(most)));
  };
  for (int round = 0; round < 500; ++round) {
    RetryConfig config;
    config.attempts_max = 1 + static_cast<std::uint32_t>(random() % 1'000);
    config.retry_age_max = below(random() % 2 != 0 ? 100'000 : 7 * 86'400'000);
    config.backoff_max = below(random() % 2 != 0 ? 1'000 : 86'400'000);
    config.backoff_min = below(config.backoff_max.count());
    config.jitter = static_cast<RetryJitter>(random() % 3);
    REQUIRE(config.validate());
    const RetryPolicy policy(config);
    // Also at the end of time.
    const TimePoint first = random() % 4 == 0 ? TimePoint::max() - below(1'000) : TimePoint(below(1'000'000'000));
    RetryPolicy::Bounds before{};
    for (std::uint32_t attempts = 1; attempts <= config.attempts_max; attempts += 1 + attempts / 16) {
      const RetryPolicy::Bounds bounds = policy.pause_after(attempts);
      REQUIRE(bounds.least <= bounds.most);
      REQUIRE(bounds.most <= config.backoff_max);
      REQUIRE(bounds.most >= std::min(config.backoff_min, config.backoff_max));
      REQUIRE(before.least <= bounds.least);
      REQUIRE(before.most <= bounds.most);
      before = bounds;
      const TimePoint now = later(first, below(config.retry_age_max.count()));
      const TimePoint last = later(first, config.retry_age_max);
      const RetryDecision decision =
          policy.after({.attempts = attempts, .first = first, .now = now, .random = random()});
      if (attempts == config.attempts_max) {
        REQUIRE(decision.kind == Kind::attempts_spent);
      } else if (now >= last) {
        REQUIRE(decision.kind == Kind::too_old);
      } else {
        REQUIRE(decision.kind == Kind::retry);
        REQUIRE(decision.at >= std::min(last, later(now, bounds.least)));
        REQUIRE(decision.at <= std::min(last, later(now, bounds.most)));
      }
    }
  }
}

TEST_CASE("between() reaches every value of a small range, each as often as chance has it", "[retry]") {
  std::mt19937_64 random(4711);
  std::array<int, 5> seen{};
  for (int i = 0; i < 50'000; ++i) ++seen.at(static_cast<std::size_t>(between(10ns, 14ns, random()).count() - 10));
  for (const int count : seen) {
    CHECK(count > 9'500);
    CHECK(count < 10'500);
  }
  CHECK(between(3ns, 3ns, kHighest) == 3ns);
  CHECK(between(0ns, std::chrono::nanoseconds::max(), kHighest) == std::chrono::nanoseconds::max());
}

TEST_CASE("limits of retries outside their range are refused by name; no attempt at all is our own fault", "[retry]") {
  const auto refused = [](RetryConfig config) {
    const auto checked = config.validate();
    return checked ? std::string("valid") : checked.error().context;
  };
  CHECK(refused({}) == "valid");
  CHECK(refused({.attempts_max = 0}) == "attempts_max: 0 is not between 1 and 1000");
  CHECK(refused({.attempts_max = 1'001}) == "attempts_max: 1001 is not between 1 and 1000");
  CHECK(refused({.retry_age_max = 0ms}) == "retry_age_max: 0 ms is not between 1 ms and 7 days");
  CHECK(refused({.backoff_min = 2s, .backoff_max = 1s}) ==
        "backoff_min: 2000 ms is not between 1 ms and backoff_max (1000 ms)");
  CHECK(refused({.backoff_max = 25h}) == "backoff_max: 90000000 ms is not between 1 ms and 24 h");
  CHECK_THROWS_AS(RetryPolicy({}).after({.attempts = 0}), InvariantError);
  // What the header says of the defaults.
  CHECK(RetryPolicy({}).patience() > 5min);
}
