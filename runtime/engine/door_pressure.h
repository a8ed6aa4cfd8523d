// What doors look at before they take more: how near the node is to limits.memory_max or limits.disk_max.
#pragma once
#include <algorithm>
#include <atomic>
#include <chrono>
#include <cstdint>
#include <mutex>
#include <string>

#include "runtime/ports/clock.h"

namespace weir {

enum class Pressure : std::uint8_t {
  none,
  slow,  // doors take less: what they read or are sent waits a while
  full,  // doors take nothing
};

/// A decider: how near is near. `used` and `max` in bytes. Once full it stays full until `used` is clearly below, so
/// that doors do not open and close with every event. Above full lies room for what is on its way, for answers, and for
/// what the kernel holds for the process; below it for what comes while doors slow down. At 90 percent a node of 512
/// MiB was killed while it answered a query (tests/integration/limits).
class PressureGauge {
 public:
  [[nodiscard]] Pressure look(std::uint64_t used, std::uint64_t max) noexcept {
    const auto above = [&](std::uint64_t percent) { return used >= max / 100 * percent; };
    if (above(85) || (now_ == Pressure::full && above(80))) {
      now_ = Pressure::full;
    } else if (above(75) || (now_ != Pressure::none && above(70))) {
      now_ = Pressure::slow;
    } else {
      now_ = Pressure::none;
    }
    return now_;
  }

 private:
  Pressure now_ = Pressure::none;
};

/// A decider: when the allocator is asked to give back what was freed. That costs time, so it is not asked for nothing: near
/// the limit twice a second; away from it every ten seconds, when what is in use, by component, has shrunk by a sixteenth of the
/// limit.
class GiveBack {
 public:
  /// `in_use`: of all components, in bytes. True: give it back now.
  [[nodiscard]] bool due(TimePoint now, Pressure pressure, std::uint64_t in_use, std::uint64_t max) noexcept {
    peak_ = std::max(peak_, in_use);
    const bool shrunk = peak_ - in_use >= max / 16;
    if (pressure == Pressure::none && !shrunk) return false;
    if (now - last_ < (pressure == Pressure::none ? kCalmPause : kPause)) return false;
    last_ = now;
    peak_ = in_use;
    return true;
  }

 private:
  static constexpr std::chrono::milliseconds kPause{500};
  static constexpr std::chrono::milliseconds kCalmPause{10'000};
  TimePoint last_{-std::chrono::hours(1)};
  std::uint64_t peak_ = 0;  // since the last time
};

/// Set by the node's watch, read by every door. Thread-safe.
class DoorPressure {
 public:
  /// `why` names the key, what is used and what to do; of the greater of the two where both press.
  void set(Pressure level, std::string why, bool disk) {
    {
      const std::scoped_lock lock(mutex_);
      why_ = std::move(why);
      disk_ = disk;
    }
    level_.store(level);
  }
  void set_disk_bytes(std::uint64_t used) { disk_bytes_.store(used); }
  /// What the data directory held when it was looked at last.
  [[nodiscard]] std::uint64_t disk_bytes() const noexcept { return disk_bytes_.load(); }
  [[nodiscard]] Pressure level() const noexcept { return level_.load(); }
  [[nodiscard]] std::string why() const {
    const std::scoped_lock lock(mutex_);
    return why_;
  }
  /// It is the disk that is full, not the memory.
  [[nodiscard]] bool disk() const {
    const std::scoped_lock lock(mutex_);
    return disk_;
  }

 private:
  std::atomic<Pressure> level_{Pressure::none};
  std::atomic<std::uint64_t> disk_bytes_{0};
  mutable std::mutex mutex_;
  std::string why_;
  bool disk_ = false;
};

}  // namespace weir
