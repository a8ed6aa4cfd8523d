#include "runtime/engine/circuit_breaker.h"

#include <algorithm>

#include "runtime/base/invariant.h"
#include "runtime/base/backoff.h"

namespace weir {

std::string_view to_string(BreakerState state) noexcept {
  switch (state) {
    case BreakerState::closed:
      return "closed";
    case BreakerState::open:
      return "open";
    case BreakerState::half_open:
      break;
  }
  return "half_open";
}

std::string_view to_string(BreakerCause cause) noexcept {
  switch (cause) {
    case BreakerCause::failure_rate:
      return "failure_rate";
    case BreakerCause::failures_in_a_row:
      return "failures_in_a_row";
    case BreakerCause::time_over:
      return "time_over";
    case BreakerCause::probe_failed:
      return "probe_failed";
    case BreakerCause::probes_succeeded:
      break;
  }
  return "probes_succeeded";
}

void CircuitBreaker::see(TimePoint now) {
  INVARIANT(now >= seen_, "the time of a circuit breaker does not go backwards");
  seen_ = now;
}

std::int64_t CircuitBreaker::part_number(TimePoint now) const noexcept {
  return now / (std::chrono::nanoseconds(config_.window) / static_cast<std::int64_t>(kParts));
}

void CircuitBreaker::count(bool failed, bool slow, TimePoint now) noexcept {
  const std::int64_t number = part_number(now);
  Part& part = parts_[static_cast<std::size_t>(number % static_cast<std::int64_t>(kParts))];
  if (part.number != number) part = {.number = number};
  ++part.calls;
  part.failures += failed ? 1 : 0;
  part.slow += slow ? 1 : 0;
  in_a_row_ = failed ? in_a_row_ + 1 : 0;
}

BreakerCounts CircuitBreaker::counts(TimePoint now) const noexcept {
  BreakerCounts counts;
  const std::int64_t newest = part_number(now);
  for (const Part& part : parts_) {
    if (part.number < 0 || part.number <= newest - static_cast<std::int64_t>(kParts)) continue;
    counts.calls += part.calls;
    counts.failures += part.failures;
    counts.slow += part.slow;
  }
  counts.in_a_row = in_a_row_;
  counts.probes_out = probes_out_;
  counts.probes_succeeded = probes_succeeded_;
  counts.opened = opened_;
  counts.refused = refused_;
  return counts;
}

std::optional<BreakerCause> CircuitBreaker::opens_for(TimePoint now) const noexcept {
  if (config_.failures_in_a_row_max > 0 && in_a_row_ >= config_.failures_in_a_row_max)
    return BreakerCause::failures_in_a_row;
  const BreakerCounts counts = this->counts(now);
  if (counts.calls < config_.calls_min) return std::nullopt;
  if (std::uint64_t{counts.failures} * 100 < std::uint64_t{counts.calls} * config_.failures_percent_max)
    return std::nullopt;
  return BreakerCause::failure_rate;
}

std::optional<BreakerTransition> CircuitBreaker::move_to(BreakerState to, BreakerCause cause) noexcept {
  const BreakerTransition transition{state_, to, cause, to == BreakerState::open ? open_until_ : TimePoint{}};
  state_ = to;
  ++era_;
  probes_out_ = probes_succeeded_ = 0;
  // A new state judges by what happens in it.
  parts_ = {};
  in_a_row_ = 0;
  return transition;
}

BreakerTransition CircuitBreaker::open(BreakerCause cause, TimePoint now, std::uint64_t random) noexcept {
  // Half of what is doubled is chance, so that many who watch one dependency do not come back to it together.
  const std::chrono::nanoseconds most = doubled(config_.open_min, config_.open_max, opened_in_a_row_ + 1);
  const std::chrono::nanoseconds least = std::max<std::chrono::nanoseconds>(config_.open_min, most / 2);
  open_until_ = later(now, between(least, most, random));
  ++opened_in_a_row_;
  ++opened_;
  return *move_to(BreakerState::open, cause);
}

CircuitBreaker::Answer CircuitBreaker::ask(TimePoint now) {
  see(now);
  Answer answer;
  if (state_ == BreakerState::open && now >= open_until_)
    answer.transition = move_to(BreakerState::half_open, BreakerCause::time_over);
  switch (state_) {
    case BreakerState::closed:
      answer.permit = Permit{now, era_};
      return answer;
    case BreakerState::open:
      answer.not_before = open_until_;
      break;
    case BreakerState::half_open:
      // Those that succeeded count too: no more calls than it takes to decide.
      if (probes_out_ + probes_succeeded_ < config_.probes_max) {
        ++probes_out_;
        answer.permit = Permit{now, era_};
        return answer;
      }
      answer.not_before = later(now, config_.open_min);
      break;
  }
  ++refused_;
  return answer;
}

std::optional<BreakerTransition> CircuitBreaker::done(const Permit& permit, CallOutcome outcome, TimePoint now,
                                                      std::uint64_t random) {
  see(now);
  INVARIANT(permit.begun <= now, "a call ends after it began");
  if (permit.era != era_) return std::nullopt;
  if (state_ == BreakerState::half_open) --probes_out_;
  if (outcome == CallOutcome::cancelled) return std::nullopt;
  const bool slow =
      outcome == CallOutcome::success && config_.slow_after.count() > 0 && now - permit.begun > config_.slow_after;
  const bool failed = slow || outcome == CallOutcome::failure;
  count(failed, slow, now);
  if (state_ == BreakerState::half_open) {
    if (failed) return open(BreakerCause::probe_failed, now, random);
    if (++probes_succeeded_ < config_.probes_max) return std::nullopt;
    opened_in_a_row_ = 0;
    return move_to(BreakerState::closed, BreakerCause::probes_succeeded);
  }
  const std::optional<BreakerCause> cause = opens_for(now);
  if (!cause) return std::nullopt;
  return open(*cause, now, random);
}

}  // namespace weir
