// How many retries one dependency may get for the first tries it gets, so that retries cannot multiply an outage. A
// decider; time is an argument.
//
// A token bucket, as Finagle's RetryBudget and gRPC's retry throttling (gRFC A6): a first try deposits a part of a
// retry, a retry withdraws a whole one, and a small rate comes in by itself, so that retries go on when nothing new
// arrives. Unlike theirs an empty bucket refuses nobody for good: the retry is put off, and a time is given.
#pragma once
#include <cstdint>

#include "runtime/base/result.h"
#include "runtime/ports/clock.h"
#include "runtime/ports/dependency_config.h"

namespace weir {

/// From any a to any b: retries granted <= burst_max + retries_percent / 100 * first tries + retries_per_second_min *
/// (b - a). Exact: integers only. Not thread-safe; never allocates; `now` never goes backwards (asserted).
class RetryBudget {
 public:
  /// Starts empty; the rate begins with the first call. `config` is validate()d.
  explicit RetryBudget(RetryBudgetConfig config) noexcept : config_(config) {}

  /// The dependency is asked something for the first time.
  void first_try(TimePoint now);

  struct Grant {
    bool granted = false;
    /// Not granted: one retry is there at this time, or sooner when first tries come. Where many wait, ask for the one
    /// in front alone: what it does not get, nobody behind it would get.
    TimePoint ask_again{};
  };
  /// Takes one retry where there is one.
  [[nodiscard]] Grant withdraw(TimePoint now);
  /// A retry that was granted was not made. Beyond burst_max it is void.
  void give_back() noexcept;

  /// Whole retries that are there, as of the last call.
  [[nodiscard]] std::uint32_t balance() const noexcept;

 private:
  // Parts of a retry, so that a nanosecond of one retry a second is a whole number. burst_max of them fit 64 bits.
  static constexpr std::int64_t kOne = 1'000'000'000;
  [[nodiscard]] std::int64_t full() const noexcept { return std::int64_t{config_.burst_max} * kOne; }
  void accrue(TimePoint now);

  RetryBudgetConfig config_;
  std::int64_t parts_ = 0;
  TimePoint seen_{};
  bool started_ = false;
};

}  // namespace weir
