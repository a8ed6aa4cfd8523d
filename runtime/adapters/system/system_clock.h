// The clock and the chance of a real node.
#pragma once
#include <memory>

#include "runtime/ports/clock.h"
#include "runtime/ports/rng.h"

namespace weir {

/// Monotonic time; wall time is read once, here, and advances with the monotonic clock from then on.
class SystemClock final : public Clock {
 public:
  SystemClock();
  [[nodiscard]] TimePoint now() const override;
  [[nodiscard]] UnixMicros wall() const override;
  /// Blocks the calling thread until now() is `time`; returns at once when it is past. For commands, never in an actor.
  void wait_until(TimePoint time) const;

 private:
  TimePoint start_;
  UnixMicros wall_at_start_;
};

/// From the kernel's generator. For ids and nonces; not thread-safe.
class SystemRng final : public Rng {
 public:
  [[nodiscard]] std::uint64_t next() override;
};

}  // namespace weir
