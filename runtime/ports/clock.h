// Time comes in through here and nowhere else.
#pragma once
#include <chrono>
#include <cstdint>

namespace weir {

/// Elapsed time since an arbitrary start of this process; never goes backwards.
using TimePoint = std::chrono::nanoseconds;

/// Microseconds since 1970-01-01T00:00:00Z. Years 1900 to 2200 are in range for event times.
using UnixMicros = std::int64_t;

/// Thread-safe.
class Clock {
 public:
  virtual ~Clock() = default;
  [[nodiscard]] virtual TimePoint now() const = 0;
  /// Wall time read once at start plus elapsed time: it never steps when someone sets the machine's clock.
  [[nodiscard]] virtual UnixMicros wall() const = 0;
};

}  // namespace weir
