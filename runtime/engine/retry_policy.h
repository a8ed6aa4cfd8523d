// When something that failed for a while is tried again, and when no more. A decider: time and chance are arguments.
//
// Pauses are those of "Exponential Backoff and Jitter" (M. Brooker, AWS Architecture Blog, 2015): a ceiling that
// doubles with each attempt, and chance below it, so that those who failed together do not come back together. Of its
// two good forms `equal` is the default: full jitter makes a little less work for the dependency, but its pauses have
// no lower bound, and so no outage is short enough to be sure that nobody ran out of attempts in it (patience()).
#pragma once
#include <chrono>
#include <cstdint>

#include "runtime/base/result.h"
#include "runtime/ports/clock.h"
#include "runtime/ports/dependency_config.h"

namespace weir {

/// An attempt that failed for a reason that may pass. All times are of one clock.
struct FailedAttempt {
  std::uint32_t attempts = 1;  // made so far, this one included; at least 1 (asserted)
  TimePoint first{};           // when the first began
  TimePoint now{};             // before `first` (a machine whose clock was set back): counts as `first`
  TimePoint not_before{};      // the dependency asked to be left alone until then
  std::uint64_t random = 0;    // uniform over all 64-bit values
};

struct RetryDecision {
  enum class Kind : std::uint8_t {
    retry,           // at `at`
    attempts_spent,  // attempts_max attempts were made
    too_old,         // the next one would come later than retry_age_max after the first
  };
  Kind kind = Kind::retry;
  TimePoint at{};  // of `retry`, never before `now`
  friend bool operator==(const RetryDecision&, const RetryDecision&) = default;
};

/// Immutable, thread-safe; never allocates.
class RetryPolicy {
 public:
  /// `config` is validate()d.
  explicit RetryPolicy(RetryConfig config) noexcept : config_(config) {}

  /// Where the pause would end after retry_age_max, the last try is at that very time, unless not_before forbids it.
  [[nodiscard]] RetryDecision after(const FailedAttempt& failed) const;
  /// For one who was not tried at all, because nobody may ask before `at`: retry at `at`, or too_old.
  [[nodiscard]] RetryDecision put_off(TimePoint first, TimePoint at) const noexcept;

  struct Bounds {
    std::chrono::nanoseconds least{0};
    std::chrono::nanoseconds most{0};
  };
  /// Of the pause after `attempts` (at least 1) attempts. Neither bound falls as attempts grow.
  [[nodiscard]] Bounds pause_after(std::uint32_t attempts) const noexcept;
  /// An outage shorter than this exhausts nobody, however chance falls.
  [[nodiscard]] std::chrono::nanoseconds patience() const noexcept;

 private:
  RetryConfig config_;
};

}  // namespace weir
