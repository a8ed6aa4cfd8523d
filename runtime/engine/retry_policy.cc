#include "runtime/engine/retry_policy.h"

#include <algorithm>

#include "runtime/base/invariant.h"
#include "runtime/base/backoff.h"

namespace weir {

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
