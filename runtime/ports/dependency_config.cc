#include "runtime/ports/dependency_config.h"

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

Result<void> RetryBudgetConfig::validate() const {
  if (retries_percent > 1'000)
    return fail(Errc::config_invalid, "retries_percent: {} is not between 0 and 1000", retries_percent);
  if (retries_per_second_min < 1 || retries_per_second_min > 1'000)
    return fail(Errc::config_invalid, "retries_per_second_min: {} is not between 1 and 1000", retries_per_second_min);
  if (burst_max < 1 || burst_max > 1'000'000)
    return fail(Errc::config_invalid, "burst_max: {} is not between 1 and 1000000", burst_max);
  return {};
}

Result<void> BreakerConfig::validate() const {
  using std::chrono::hours;
  using std::chrono::milliseconds;
  if (window < milliseconds(100) || window > hours(1))
    return fail(Errc::config_invalid, "window: {} ms is not between 100 ms and 1 h", window.count());
  if (calls_min < 1 || calls_min > 1'000'000)
    return fail(Errc::config_invalid, "calls_min: {} is not between 1 and 1000000", calls_min);
  if (failures_percent_max < 1 || failures_percent_max > 100)
    return fail(Errc::config_invalid, "failures_percent_max: {} is not between 1 and 100", failures_percent_max);
  if (failures_in_a_row_max > 1'000'000)
    return fail(Errc::config_invalid, "failures_in_a_row_max: {} is not between 0 and 1000000", failures_in_a_row_max);
  if (slow_after < milliseconds(0) || slow_after > hours(1))
    return fail(Errc::config_invalid, "slow_after: {} ms is not between 0 and 1 h", slow_after.count());
  if (open_max < milliseconds(1) || open_max > hours(24))
    return fail(Errc::config_invalid, "open_max: {} ms is not between 1 ms and 24 h", open_max.count());
  if (open_min < milliseconds(1) || open_min > open_max)
    return fail(Errc::config_invalid, "open_min: {} ms is not between 1 ms and open_max ({} ms)", open_min.count(),
                open_max.count());
  if (probes_max < 1 || probes_max > 1'000)
    return fail(Errc::config_invalid, "probes_max: {} is not between 1 and 1000", probes_max);
  return {};
}

Result<void> LookupCacheConfig::validate() const {
  using std::chrono::hours;
  using std::chrono::milliseconds;
  constexpr hours kWeek(7 * 24), kMonth(30 * 24);
  if (bytes_max < 4'096 || bytes_max > std::uint64_t{1} << 40)
    return fail(Errc::config_invalid, "bytes_max: {} is not between 4 KiB and 1 TiB", bytes_max);
  if (entries_max < 1 || entries_max > 1'000'000'000)
    return fail(Errc::config_invalid, "entries_max: {} is not between 1 and 1000000000", entries_max);
  if (age_max < milliseconds(0) || age_max > kWeek)
    return fail(Errc::config_invalid, "age_max: {} ms is not between 0 and 7 days", age_max.count());
  if (missing_age_max < milliseconds(0) || missing_age_max > kWeek)
    return fail(Errc::config_invalid, "missing_age_max: {} ms is not between 0 and 7 days", missing_age_max.count());
  if (stale_max < milliseconds(0) || stale_max > kMonth)
    return fail(Errc::config_invalid, "stale_max: {} ms is not between 0 and 30 days", stale_max.count());
  if (waiters_max < 1 || waiters_max > 10'000'000)
    return fail(Errc::config_invalid, "waiters_max: {} is not between 1 and 10000000", waiters_max);
  return {};
}

}  // namespace weir
