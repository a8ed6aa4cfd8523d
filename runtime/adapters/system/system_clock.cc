#include "runtime/adapters/system/system_clock.h"

#include <sys/random.h>

#include <chrono>
#include <thread>

#include "runtime/base/invariant.h"

namespace weir {

SystemClock::SystemClock()
    : start_(std::chrono::steady_clock::now().time_since_epoch()),
      wall_at_start_(std::chrono::duration_cast<std::chrono::microseconds>(std::chrono::system_clock::now().time_since_epoch()).count()) {}

TimePoint SystemClock::now() const { return std::chrono::steady_clock::now().time_since_epoch() - start_; }

UnixMicros SystemClock::wall() const { return wall_at_start_ + std::chrono::duration_cast<std::chrono::microseconds>(now()).count(); }

void SystemClock::wait_until(TimePoint time) const { std::this_thread::sleep_until(std::chrono::steady_clock::time_point{start_ + time}); }

std::uint64_t SystemRng::next() {
  std::uint64_t value = 0;
  NODE_INVARIANT(::getrandom(&value, sizeof value, 0) == static_cast<ssize_t>(sizeof value), "the kernel gives random bytes");
  return value;
}

}  // namespace weir
