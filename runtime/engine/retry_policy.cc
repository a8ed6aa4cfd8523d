#include "runtime/engine/retry_policy.h"

#include <algorithm>

#include "runtime/base/invariant.h"
#include "runtime/base/backoff.h"

namespace weir {

Result<void> RetryConfig::validate() const {
  using std::chrono::hours;
  using std::chrono::milliseconds;
  if (attempts_max < 1 || attempts_max > 1'000)
    return fail(Errc::config_invalid, "attempts_max: {} is not between 1 and 1000", attempts_max);
  if (retry_age_max < milliseconds(1) || retry_age_max > hours(7 * 24))
    return fail(Errc::config_invalid, "retry_age_max: {} ms is not between 1 ms and 7 days", retry_age_max.count());
  if (backoff_max < milliseconds(1) || backoff_max > hours(24))
    return fail(Errc::config_invalid, "backoff_max: {} ms is not between 1 ms and 24 h", backoff_max.count());
  if (backoff_min < milliseconds(1) || backoff_min > backoff_max)
    return fail(Errc::config_invalid, "backoff_min: {} ms is not between 1 ms and backoff_max ({} ms)",
                backoff_min.count(), backoff_max.count());
  return {};
}

RetryPolicy::Bounds RetryPolicy::pause_after(std::uint32_t attempts) const noexcept {
  const std::chrono::nanoseconds ceiling = doubled(config_.backoff_min, config_.backoff_max, attempts - 1);
  switch (config_.jitter) {
    case RetryJitter::none:
      return {ceiling, ceiling};
    case RetryJitter::full:
      return {std::chrono::nanoseconds(0), ceiling};
    case RetryJitter::equal:
      break;
  }
  return {ceiling / 2, ceiling};
}

RetryDecision RetryPolicy::after(const FailedAttempt& failed) const {
  INVARIANT(failed.attempts >= 1, "who asks for a retry has made an attempt");
  if (failed.attempts >= config_.attempts_max) return {RetryDecision::Kind::attempts_spent, {}};
  const TimePoint now = std::max(failed.now, failed.first);
  const TimePoint last = later(failed.first, config_.retry_age_max);
  if (now >= last) return {RetryDecision::Kind::too_old, {}};
  const Bounds pause = pause_after(failed.attempts);
  const TimePoint wanted = std::min(last, later(now, between(pause.least, pause.most, failed.random)));
  return put_off(failed.first, std::max(wanted, failed.not_before));
}

RetryDecision RetryPolicy::put_off(TimePoint first, TimePoint at) const noexcept {
  if (at > later(first, config_.retry_age_max)) return {RetryDecision::Kind::too_old, {}};
  return {RetryDecision::Kind::retry, at};
}

std::chrono::nanoseconds RetryPolicy::patience() const noexcept {
  std::chrono::nanoseconds sum{0};
  for (std::uint32_t attempts = 1; attempts < config_.attempts_max; ++attempts) sum += pause_after(attempts).least;
  return std::min<std::chrono::nanoseconds>(sum, config_.retry_age_max);
}

}  // namespace weir
