// Pauses that grow, and chance within them: the arithmetic that restarts, retries and circuit breakers share. Nothing overflows.
#pragma once
#include <chrono>
#include <cstdint>

#include "runtime/base/int256.h"

namespace weir {

/// `first` doubled `doublings` times, but at most `max`. 1 ns <= first <= max.
[[nodiscard]] constexpr std::chrono::nanoseconds doubled(std::chrono::nanoseconds first, std::chrono::nanoseconds max,
                                                         std::uint32_t doublings) noexcept {
  for (; doublings > 0; --doublings) {
    if (first > max / 2) return max;
    first *= 2;
  }
  return first < max ? first : max;
}

/// One of least, least + 1 ns, …, most; each as likely as `random` is uniform. 0 <= least <= most.
[[nodiscard]] constexpr std::chrono::nanoseconds between(std::chrono::nanoseconds least, std::chrono::nanoseconds most,
                                                         std::uint64_t random) noexcept {
  const auto choices = static_cast<std::uint64_t>((most - least).count()) + 1;
  return least + std::chrono::nanoseconds(static_cast<std::int64_t>((UInt128{random} * choices) >> 64));
}

/// `pause` (at least 0) after `time`; the end of time where there is no such time.
[[nodiscard]] constexpr std::chrono::nanoseconds later(std::chrono::nanoseconds time, std::chrono::nanoseconds pause) noexcept {
  return time > std::chrono::nanoseconds::max() - pause ? std::chrono::nanoseconds::max() : time + pause;
}

}  // namespace weir
