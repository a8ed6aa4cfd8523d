// How often, and after which pause, an actor that died is started again. A decider: crashes, progress and time come in, a pause or
// escalation goes out. What fails for a moment is back after milliseconds; what fails for good reaches its parent in
// bounded time.
#pragma once
#include <chrono>
#include <cstdint>
#include <deque>
#include <optional>

#include "runtime/ports/supervision_config.h"

namespace weir {

/// The crashes of one child. Not thread-safe.
///
/// A crash is remembered for `window`, and until the child has made progress: one that dies of the same event again and again, once
/// in a while, would never be quick enough for a window alone; one that gets on but dies ten times a second would never be
/// stopped by progress alone.
class RestartPolicy {
 public:
  /// `seed`: what its jitter is drawn from; another one for each child.
  RestartPolicy(RestartLimits limits, std::uint64_t seed) noexcept : limits_(limits), random_(seed) {}

  /// Call once per crash; `now` never goes back (asserted). The pause before the restart: between half of the backoff and all of
  /// it, so that children that died together do not all come back at once ("equal jitter", M. Brooker, Exponential Backoff and
  /// Jitter, 2015). Nothing: restarts_max is used up, the parent decides.
  [[nodiscard]] std::optional<std::chrono::microseconds> on_crash(std::chrono::nanoseconds now);
  /// The pause after a crash that is not the child's fault, and does not count.
  [[nodiscard]] std::chrono::microseconds shortest_pause() noexcept;
  /// What it is there for has moved on.
  void on_progress(std::chrono::nanoseconds now) noexcept;
  /// A person says that it is worth another try: nothing is remembered.
  void forget() noexcept { crashes_.clear(); }
  /// Crashes that are remembered.
  [[nodiscard]] std::size_t crashes() const noexcept { return crashes_.size(); }

 private:
  [[nodiscard]] std::chrono::microseconds jittered(std::chrono::nanoseconds backoff) noexcept;
  RestartLimits limits_;
  std::uint64_t random_;
  std::deque<std::chrono::nanoseconds> crashes_;  // at most restarts_max
  std::chrono::nanoseconds last_{std::chrono::nanoseconds::min()};
  std::chrono::nanoseconds progress_{std::chrono::nanoseconds::min()};
};

}  // namespace weir
