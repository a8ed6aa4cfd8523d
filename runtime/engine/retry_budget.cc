#include "runtime/engine/retry_budget.h"

#include <algorithm>

#include "runtime/base/invariant.h"
#include "runtime/base/backoff.h"

namespace weir {

void RetryBudget::accrue(TimePoint now) {
  if (!started_) {
    started_ = true;
    seen_ = now;
    return;
  }
  INVARIANT(now >= seen_, "the time of a retry budget does not go backwards");
  // A pause that fills the bucket is not multiplied out.
  const std::int64_t missing = full() - parts_, rate = config_.retries_per_second_min;
  const std::int64_t passed = (now - seen_).count();
  parts_ += passed > missing / rate ? missing : passed * rate;
  seen_ = now;
}

void RetryBudget::first_try(TimePoint now) {
  accrue(now);
  parts_ = std::min(full(), parts_ + kOne / 100 * config_.retries_percent);
}

RetryBudget::Grant RetryBudget::withdraw(TimePoint now) {
  accrue(now);
  if (parts_ >= kOne) {
    parts_ -= kOne;
    return {true, {}};
  }
  const std::int64_t rate = config_.retries_per_second_min;
  return {false, later(now, std::chrono::nanoseconds((kOne - parts_ + rate - 1) / rate))};
}

void RetryBudget::give_back() noexcept {
  parts_ = std::min(full(), parts_ + kOne);
}

std::uint32_t RetryBudget::balance() const noexcept {
  return static_cast<std::uint32_t>(parts_ / kOne);
}

}  // namespace weir
