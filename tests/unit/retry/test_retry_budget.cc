#include "runtime/engine/retry_budget.h"

#include <algorithm>
#include <random>
#include <vector>

#include "runtime/base/invariant.h"
#include "tests/support/catch.h"

using namespace weir;
using namespace std::chrono_literals;

TEST_CASE("five first tries pay for one retry at twenty percent, and saved retries end at burst_max", "[retry]") {
  RetryBudget budget({.retries_percent = 20, .retries_per_second_min = 1, .burst_max = 2});
  for (int i = 0; i < 4; ++i) budget.first_try(0s);
  CHECK_FALSE(budget.withdraw(0s).granted);
  budget.first_try(0s);
  CHECK(budget.balance() == 1);
  CHECK(budget.withdraw(0s).granted);
  CHECK_FALSE(budget.withdraw(0s).granted);
  for (int i = 0; i < 100; ++i) budget.first_try(0s);
  CHECK(budget.balance() == 2);
  CHECK(budget.withdraw(0s).granted);
  CHECK(budget.withdraw(0s).granted);
  CHECK_FALSE(budget.withdraw(0s).granted);
  budget.give_back();
  CHECK(budget.withdraw(0s).granted);
  for (int i = 0; i < 100; ++i) budget.first_try(0s);
  budget.give_back();
  CHECK(budget.balance() == 2);
}

TEST_CASE("with no first tries retries go on at the small rate, each at the time that was given", "[retry]") {
  RetryBudget budget({.retries_percent = 0, .retries_per_second_min = 3, .burst_max = 1});
  TimePoint now = 1s;
  auto asked = budget.withdraw(now);
  for (int i = 0; i < 30; ++i) {
    REQUIRE_FALSE(asked.granted);
    REQUIRE(asked.ask_again > now);
    CHECK_FALSE(budget.withdraw(asked.ask_again - 1ns).granted);
    now = asked.ask_again;
    REQUIRE(budget.withdraw(now).granted);
    asked = budget.withdraw(now);
  }
  CHECK(now >= 11s);
  CHECK(now < 11s + 100ns);  // a third of a second is no whole number of nanoseconds: rounded up each time
  CHECK(RetryBudget({.retries_per_second_min = 1'000}).withdraw(TimePoint::max()).ask_again == TimePoint::max());
}

TEST_CASE("a long pause fills the budget and no more", "[retry]") {
  RetryBudget budget({.retries_percent = 1'000, .retries_per_second_min = 1'000, .burst_max = 1'000'000});
  CHECK_FALSE(budget.withdraw(0s).granted);
  budget.first_try(std::chrono::hours(24 * 365 * 200));
  CHECK(budget.balance() == 1'000'000);
  CHECK_THROWS_AS(budget.first_try(1s), InvariantError);
}

TEST_CASE("in an outage retries never exceed their part of first tries over any window, and none is lost", "[retry]") {
  // Goal: the outage is not multiplied. Method: first tries come at a changing rate, in the outage everything fails and
  // waits for a retry; each granted retry is noted with the first tries so far, then every pair of grants is a window.
  const auto seed = GENERATE(range(1u, 5u));
  CAPTURE(seed);
  std::mt19937_64 random(seed);
  const RetryBudgetConfig config{.retries_percent = 20, .retries_per_second_min = 2, .burst_max = 10};
  RetryBudget budget(config);
  struct Granted {
    TimePoint at;
    std::int64_t first_tries;
  };
  std::vector<Granted> granted;
  std::int64_t first_tries = 0, waiting = 0, failed = 0, recovered = 0;
  TimePoint now{}, ask_at{};
  const auto down = [&] { return now >= 5s && now < 65s; };
  while (now < 65s || waiting > 0) {
    // Either something new comes, or the one in front of those that wait is due.
    const TimePoint next = now + std::chrono::microseconds(1 + random() % (now < 30s ? 20'000 : 200'000));
    const bool retries = waiting > 0 && (now >= 120s || ask_at <= next);
    now = retries ? std::max(now, ask_at) : next;
    if (!retries) {
      budget.first_try(now);
      ++first_tries;
      if (down()) ++failed, ++waiting;
      continue;
    }
    const RetryBudget::Grant grant = budget.withdraw(now);
    if (!grant.granted) {
      REQUIRE(grant.ask_again > now);
      ask_at = grant.ask_again;
      continue;
    }
    granted.push_back({now, first_tries});
    if (!down()) --waiting, ++recovered;
  }
  REQUIRE(failed > 1'000);
  CHECK(recovered == failed);
  std::int64_t in_outage = 0, first_in_outage = 0;
  for (std::size_t i = 0; i < granted.size(); ++i) {
    in_outage += granted[i].at >= 5s && granted[i].at < 65s ? 1 : 0;
    if (granted[i].at < 65s) first_in_outage = granted[i].first_tries;
    for (std::size_t k = i; k < granted.size(); ++k) {
      const auto retries = static_cast<std::int64_t>(k - i + 1);
      const std::int64_t firsts = granted[k].first_tries - granted[i].first_tries;
      const std::int64_t nanos = (granted[k].at - granted[i].at).count();
      // In billionths of a retry: nothing is rounded.
      const std::int64_t allowed =
          std::int64_t{config.burst_max} * 1'000'000'000 + firsts * 200'000'000 + nanos * config.retries_per_second_min;
      if (retries * 1'000'000'000 > allowed)
        FAIL(retries << " retries for " << firsts << " first tries in " << nanos << " ns");
    }
  }
  // And what may be used is used: a budget that grants nothing would keep the promise above too.
  CHECK(in_outage >= first_in_outage / 5 * 9 / 10);
}

TEST_CASE("limits of a retry budget outside their range are refused by name", "[retry]") {
  const auto refused = [](RetryBudgetConfig config) {
    const auto checked = config.validate();
    return checked ? std::string("valid") : checked.error().context;
  };
  CHECK(refused({}) == "valid");
  CHECK(refused({.retries_percent = 1'001}) == "retries_percent: 1001 is not between 0 and 1000");
  CHECK(refused({.retries_per_second_min = 0}) == "retries_per_second_min: 0 is not between 1 and 1000");
  CHECK(refused({.burst_max = 0}) == "burst_max: 0 is not between 1 and 1000000");
}
