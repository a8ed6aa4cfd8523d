#include "runtime/engine/circuit_breaker.h"

#include <deque>
#include <random>
#include <vector>

#include "runtime/base/invariant.h"
#include "tests/support/catch.h"

using namespace weir;
using namespace std::chrono_literals;

namespace {

using State = BreakerState;
using Cause = BreakerCause;
constexpr std::uint64_t kLowest = 0, kHighest = ~std::uint64_t{0};

constexpr BreakerConfig kConfig{.window = 10s,
                                .calls_min = 4,
                                .failures_percent_max = 50,
                                .failures_in_a_row_max = 0,
                                .slow_after = 0ms,
                                .open_min = 1s,
                                .open_max = 10s,
                                .probes_max = 2};

BreakerConfig with(void (*change)(BreakerConfig&)) {
  BreakerConfig config = kConfig;
  change(config);
  return config;
}

/// A call that begins and ends at `now`.
std::optional<BreakerTransition> call(CircuitBreaker& breaker, CallOutcome outcome, TimePoint now,
                                      std::uint64_t random = kLowest) {
  const auto answer = breaker.ask(now);
  REQUIRE(answer.permit);
  return breaker.done(*answer.permit, outcome, now, random);
}

/// Opens a breaker of kConfig's kind.
void fail_four(CircuitBreaker& breaker, TimePoint now, std::uint64_t random = kLowest) {
  for (int i = 0; i < 3; ++i) REQUIRE_FALSE(call(breaker, CallOutcome::failure, now));
  REQUIRE(call(breaker, CallOutcome::failure, now, random));
  REQUIRE(breaker.state() == State::open);
}

}  // namespace

TEST_CASE("a breaker opens at its failure rate, not before calls_min calls, and lets nobody through", "[breaker]") {
  CircuitBreaker breaker(kConfig);
  CHECK_FALSE(call(breaker, CallOutcome::failure, 1s));
  CHECK_FALSE(call(breaker, CallOutcome::failure, 1s));
  CHECK_FALSE(call(breaker, CallOutcome::success, 1s));
  CHECK(breaker.counts(1s) == BreakerCounts{.calls = 3, .failures = 2});
  // The fourth call makes it a rate: 2 of 4 failed.
  const auto opened = call(breaker, CallOutcome::success, 2s, kHighest);
  CHECK(opened == BreakerTransition{State::closed, State::open, Cause::failure_rate, 4s});
  CHECK(breaker.state() == State::open);
  CHECK(breaker.open_until() == 4s);
  for (const TimePoint now : {2s, 3s}) {
    const auto refused = breaker.ask(now);
    CHECK_FALSE(refused.permit);
    CHECK_FALSE(refused.transition);
    CHECK(refused.not_before == 4s);
  }
  CHECK(breaker.counts(3s) == BreakerCounts{.opened = 1, .refused = 2});
}

TEST_CASE("a rate below the limit keeps the breaker closed", "[breaker]") {
  CircuitBreaker breaker(kConfig);
  for (int i = 0; i < 100; ++i) {
    CHECK_FALSE(call(breaker, CallOutcome::success, 1s));
    CHECK_FALSE(call(breaker, CallOutcome::success, 1s));
    CHECK_FALSE(call(breaker, CallOutcome::failure, 1s));
  }
  CHECK(breaker.state() == State::closed);
  CHECK(breaker.counts(1s) == BreakerCounts{.calls = 300, .failures = 100, .in_a_row = 1});
}

TEST_CASE("failures leave the window after its time", "[breaker]") {
  CircuitBreaker breaker(kConfig);
  for (int i = 0; i < 3; ++i) call(breaker, CallOutcome::failure, 500ms);
  CHECK(breaker.counts(9'999ms).failures == 3);
  CHECK(breaker.counts(10s).failures == 0);
  CHECK_FALSE(call(breaker, CallOutcome::failure, 10s));
  CHECK(breaker.counts(10s).calls == 1);
  // A part of the window that comes round again begins empty, also much later.
  CHECK_FALSE(call(breaker, CallOutcome::failure, 1'000'000s));
  CHECK(breaker.counts(1'000'000s).calls == 1);
}

TEST_CASE("failures in a row open the breaker before there is a rate, a success between them does not", "[breaker]") {
  CircuitBreaker breaker(with([](BreakerConfig& c) { c.failures_in_a_row_max = 3, c.calls_min = 1'000; }));
  call(breaker, CallOutcome::failure, 1s);
  call(breaker, CallOutcome::failure, 1s);
  CHECK(breaker.counts(1s).in_a_row == 2);
  call(breaker, CallOutcome::success, 1s);
  CHECK(breaker.counts(1s).in_a_row == 0);
  call(breaker, CallOutcome::failure, 1s);
  // The window may forget them, the row does not.
  call(breaker, CallOutcome::failure, 60s);
  const auto opened = call(breaker, CallOutcome::failure, 120s);
  CHECK(opened == BreakerTransition{State::closed, State::open, Cause::failures_in_a_row, 121s});
}

TEST_CASE("slow successes are failures where slow_after is set", "[breaker]") {
  CircuitBreaker breaker(with([](BreakerConfig& c) { c.slow_after = 200ms; }));
  const auto one = breaker.ask(1s), other = breaker.ask(1s);
  CHECK_FALSE(breaker.done(*one.permit, CallOutcome::success, 1'200ms, 0));
  CHECK(breaker.counts(2s) == BreakerCounts{.calls = 1});
  CHECK_FALSE(breaker.done(*other.permit, CallOutcome::success, 1'201ms, 0));
  CHECK(breaker.counts(2s) == BreakerCounts{.calls = 2, .failures = 1, .slow = 1, .in_a_row = 1});
  CircuitBreaker patient(kConfig);
  const auto slow = patient.ask(1s);
  CHECK_FALSE(patient.done(*slow.permit, CallOutcome::success, 60s, 0));
  CHECK(patient.counts(60s).slow == 0);
}

TEST_CASE("after its time an open breaker lets probes_max calls through, and their success closes it", "[breaker]") {
  CircuitBreaker breaker(kConfig);
  fail_four(breaker, 1s);
  CHECK_FALSE(breaker.ask(2s - 1ns).permit);
  CHECK(breaker.state() == State::open);
  const auto first = breaker.ask(2s);
  REQUIRE(first.permit);
  CHECK(first.transition == BreakerTransition{State::open, State::half_open, Cause::time_over, {}});
  CHECK(breaker.open_until() == TimePoint{});
  const auto second = breaker.ask(2s);
  REQUIRE(second.permit);
  CHECK_FALSE(second.transition);
  const auto third = breaker.ask(2s);
  CHECK_FALSE(third.permit);
  CHECK(third.not_before == 3s);
  CHECK(breaker.counts(2s).probes_out == 2);
  CHECK_FALSE(breaker.done(*first.permit, CallOutcome::success, 3s, 0));
  // One success is known, one probe is out: a third would be one more than it takes to decide.
  CHECK_FALSE(breaker.ask(3s).permit);
  CHECK(breaker.counts(3s).probes_succeeded == 1);
  CHECK(breaker.done(*second.permit, CallOutcome::success, 3s, 0) ==
        BreakerTransition{State::half_open, State::closed, Cause::probes_succeeded, {}});
  CHECK(breaker.counts(3s) == BreakerCounts{.opened = 1, .refused = 3});
  // Closed again, it judges by what happens from now on.
  CHECK_FALSE(call(breaker, CallOutcome::failure, 3s));
}

TEST_CASE("one failed probe opens the breaker for longer, within open_min and open_max", "[breaker]") {
  const std::uint64_t random = GENERATE(kLowest, kHighest);
  CircuitBreaker breaker(kConfig);
  TimePoint now = 1s;
  fail_four(breaker, now, random);
  std::vector<TimePoint> opened_for;
  for (int i = 0; i < 6; ++i) {
    const TimePoint until = breaker.ask(now).not_before;
    opened_for.push_back(until - now);
    now = until;
    const auto transition = call(breaker, CallOutcome::failure, now, random);
    REQUIRE(transition);
    CHECK(transition->from == State::half_open);
    CHECK(transition->cause == Cause::probe_failed);
    CHECK(transition->open_until > now);
  }
  if (random == kLowest) {
    CHECK(opened_for == std::vector<TimePoint>{1s, 2s, 4s, 5s, 5s, 5s});
  } else {
    CHECK(opened_for == std::vector<TimePoint>{2s, 4s, 8s, 10s, 10s, 10s});
  }
  // Once closed, it begins with the shortest again.
  now = breaker.ask(now).not_before;
  call(breaker, CallOutcome::success, now);
  CHECK(call(breaker, CallOutcome::success, now)->to == State::closed);
  fail_four(breaker, now, random);
  CHECK(breaker.ask(now).not_before == now + (random == kLowest ? 1s : 2s));
}

TEST_CASE("a probe that fails while another is out opens the breaker, and the other changes nothing", "[breaker]") {
  CircuitBreaker breaker(kConfig);
  fail_four(breaker, 1s);
  const auto one = breaker.ask(2s), other = breaker.ask(2s);
  CHECK(breaker.done(*one.permit, CallOutcome::failure, 2s, kLowest)->open_until == 4s);
  CHECK_FALSE(breaker.done(*other.permit, CallOutcome::success, 3s, 0));
  CHECK(breaker.state() == State::open);
  CHECK(breaker.counts(3s).probes_out == 0);
}

TEST_CASE("a cancelled call counts nowhere and gives a probe's place back", "[breaker]") {
  CircuitBreaker breaker(kConfig);
  for (int i = 0; i < 50; ++i) CHECK_FALSE(call(breaker, CallOutcome::cancelled, 1s));
  CHECK(breaker.counts(1s) == BreakerCounts{});
  fail_four(breaker, 1s);
  for (int i = 0; i < 50; ++i) CHECK_FALSE(call(breaker, CallOutcome::cancelled, 2s));
  CHECK(breaker.state() == State::half_open);
  call(breaker, CallOutcome::success, 2s);
  CHECK(call(breaker, CallOutcome::success, 2s)->to == State::closed);
}

TEST_CASE("a call from before the breaker opened is no probe when it ends", "[breaker]") {
  CircuitBreaker breaker(kConfig);
  const auto old = breaker.ask(1s), older = breaker.ask(1s);
  fail_four(breaker, 1s);
  CHECK_FALSE(breaker.done(*old.permit, CallOutcome::failure, 1'500ms, 0));
  const auto probe = breaker.ask(2s);
  REQUIRE(probe.permit);
  CHECK_FALSE(breaker.done(*older.permit, CallOutcome::failure, 2s, 0));
  CHECK(breaker.state() == State::half_open);
  CHECK(breaker.counts(2s).probes_out == 1);
}

namespace {

/// Keeps every call instead of counting parts of a window.
struct Model {
  struct Ended {
    std::int64_t part;
    bool failed;
    bool slow;
  };
  BreakerConfig config;
  State state = State::closed;
  std::deque<Ended> ended;
  std::uint32_t in_a_row = 0, out = 0, succeeded = 0, era = 0;

  void move(State to) {
    state = to;
    ended.clear();
    in_a_row = out = succeeded = 0;
    ++era;
  }
  [[nodiscard]] std::int64_t part(TimePoint now) const { return now / (TimePoint(config.window) / 10); }
  [[nodiscard]] BreakerCounts counts(TimePoint now) const {
    BreakerCounts counts{.in_a_row = in_a_row, .probes_out = out, .probes_succeeded = succeeded};
    for (const Ended& call : ended) {
      if (part(now) - call.part >= 10) continue;
      ++counts.calls;
      counts.failures += call.failed ? 1 : 0;
      counts.slow += call.slow ? 1 : 0;
    }
    return counts;
  }
  /// Whether this makes the breaker change, and to what.
  std::optional<State> end(bool failed, bool slow, TimePoint now) {
    ended.push_back({part(now), failed, slow});
    in_a_row = failed ? in_a_row + 1 : 0;
    if (state == State::half_open) {
      --out;
      if (failed) return State::open;
      return ++succeeded == config.probes_max ? std::optional(State::closed) : std::nullopt;
    }
    const BreakerCounts all = counts(now);
    const bool row = config.failures_in_a_row_max > 0 && in_a_row >= config.failures_in_a_row_max;
    const bool rate = all.calls >= config.calls_min && all.failures * 100 >= all.calls * config.failures_percent_max;
    return row || rate ? std::optional(State::open) : std::nullopt;
  }
};

}  // namespace

TEST_CASE("a breaker does what a model does that keeps every call", "[breaker]") {
  const auto seed = GENERATE(range(1u, 21u));
  CAPTURE(seed);
  std::mt19937_64 random(seed);
  BreakerConfig config;
  config.window = std::chrono::milliseconds(100 + random() % 2'000);
  config.calls_min = 1 + static_cast<std::uint32_t>(random() % 20);
  config.failures_percent_max = 1 + static_cast<std::uint32_t>(random() % 100);
  config.failures_in_a_row_max = static_cast<std::uint32_t>(random() % 8);
  config.slow_after = std::chrono::milliseconds(random() % 2 * 30);
  config.open_min = std::chrono::milliseconds(1 + random() % 100);
  config.open_max = config.open_min * (1 + random() % 20);
  config.probes_max = 1 + static_cast<std::uint32_t>(random() % 4);
  REQUIRE(config.validate());
  CircuitBreaker breaker(config);
  Model model;
  model.config = config;
  struct Out {
    CircuitBreaker::Permit permit;
    std::uint32_t era;
  };
  std::vector<Out> out;
  TimePoint now{}, open_until{};
  std::uint64_t opened = 0, refused = 0, closed = 0;
  const std::uint64_t bad = random() % 60;
  for (int step = 0; step < 20'000; ++step) {
    now += std::chrono::microseconds(random() % 4'000);
    const bool outage = step / 1'000 % 2 == 1;
    if (random() % 2 == 0 && out.size() < 50) {
      const bool over = model.state == State::open && now >= open_until;
      if (over) model.move(State::half_open);
      const bool through = model.state == State::closed ||
                           (model.state == State::half_open && model.out + model.succeeded < config.probes_max);
      const auto answer = breaker.ask(now);
      REQUIRE(answer.transition.has_value() == over);
      REQUIRE(answer.permit.has_value() == through);
      if (through) {
        model.out += model.state == State::half_open ? 1 : 0;
        out.push_back({*answer.permit, model.era});
      } else {
        ++refused;
        REQUIRE(answer.not_before > now);
        if (model.state == State::open) REQUIRE(answer.not_before == open_until);
      }
    } else if (!out.empty()) {
      std::swap(out[random() % out.size()], out.back());
      const Out call = out.back();
      out.pop_back();
      const auto outcome = random() % 20 == 0                     ? CallOutcome::cancelled
                           : random() % 100 < (outage ? 90 : bad) ? CallOutcome::failure
                                                                  : CallOutcome::success;
      const auto transition = breaker.done(call.permit, outcome, now, random());
      std::optional<State> to;
      if (call.era == model.era && outcome == CallOutcome::cancelled) {
        model.out -= model.state == State::half_open ? 1 : 0;
      } else if (call.era == model.era) {
        const bool slow =
            outcome == CallOutcome::success && config.slow_after > 0ms && now - call.permit.begun > config.slow_after;
        to = model.end(slow || outcome == CallOutcome::failure, slow, now);
      }
      REQUIRE(transition.has_value() == to.has_value());
      if (to) {
        REQUIRE(transition->to == *to);
        REQUIRE(transition->from == model.state);
        model.move(*to);
        if (*to == State::open) {
          ++opened;
          open_until = transition->open_until;
          REQUIRE(open_until - now >= config.open_min);
          REQUIRE(open_until - now <= config.open_max);
        } else {
          ++closed;
        }
      }
    }
    REQUIRE(breaker.state() == model.state);
    BreakerCounts expected = model.counts(now);
    expected.opened = opened;
    expected.refused = refused;
    REQUIRE(breaker.counts(now) == expected);
  }
  CHECK(opened > 10);
  if (bad < 10) CHECK(closed > 0);
}

TEST_CASE("limits of a breaker outside their range are refused by name; time that goes back is our own fault",
          "[breaker]") {
  const auto refused = [](BreakerConfig config) {
    const auto checked = config.validate();
    return checked ? std::string("valid") : checked.error().context;
  };
  CHECK(refused({}) == "valid");
  CHECK(refused({.window = 99ms}) == "window: 99 ms is not between 100 ms and 1 h");
  CHECK(refused({.calls_min = 0}) == "calls_min: 0 is not between 1 and 1000000");
  CHECK(refused({.failures_percent_max = 101}) == "failures_percent_max: 101 is not between 1 and 100");
  CHECK(refused({.failures_in_a_row_max = 2'000'000}) == "failures_in_a_row_max: 2000000 is not between 0 and 1000000");
  CHECK(refused({.slow_after = -1ms}) == "slow_after: -1 ms is not between 0 and 1 h");
  CHECK(refused({.open_min = 2s, .open_max = 1s}) == "open_min: 2000 ms is not between 1 ms and open_max (1000 ms)");
  CHECK(refused({.open_max = 25h}) == "open_max: 90000000 ms is not between 1 ms and 24 h");
  CHECK(refused({.probes_max = 0}) == "probes_max: 0 is not between 1 and 1000");
  CHECK(to_string(State::half_open) == "half_open");
  CHECK(to_string(Cause::probe_failed) == "probe_failed");
  CircuitBreaker breaker(kConfig);
  static_cast<void>(breaker.ask(2s));
  CHECK_THROWS_AS(breaker.ask(1s), InvariantError);
}
