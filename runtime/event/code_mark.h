// Which events a stage has in its hands right now: written by the stage's shell, read when the stage has crashed, by whoever is left:
// the shell's own handler, a watch, or, where the words lie in a mapped file, the next life of the process.
#pragma once
#include <atomic>
#include <chrono>
#include <cstdint>
#include <optional>

#include "runtime/base/ids.h"

namespace weir {

/// 64 bytes, a cache line of its own; part of a stored format (runtime/adapters/system/mapped_marks.h). One thread writes, any reads.
class alignas(64) CodeMark {
 public:
  struct Inside {
    Offset first;
    std::uint32_t count = 0;         // events from `first` on; 1: this one
    std::uint64_t fingerprint = 0;   // of its bytes, where count is 1
    std::uint64_t entries = 0;       // grows with every enter: the same number twice is the same call
  };

  /// These events are worked on from now on.
  void enter(Offset first, std::uint32_t count, std::uint64_t fingerprint) noexcept {
    count_.store(count, std::memory_order_relaxed);
    fingerprint_.store(fingerprint, std::memory_order_relaxed);
    entries_.store(entries_.load(std::memory_order_relaxed) + 1, std::memory_order_relaxed);
    place_.store(first.value + 1, std::memory_order_release);
  }
  void leave() noexcept { place_.store(0, std::memory_order_release); }
  /// Nothing: it has none.
  [[nodiscard]] std::optional<Inside> inside() const noexcept {
    const std::uint64_t place = place_.load(std::memory_order_acquire);
    if (place == 0) return std::nullopt;
    return Inside{Offset{place - 1}, static_cast<std::uint32_t>(count_.load(std::memory_order_relaxed)),
                  fingerprint_.load(std::memory_order_relaxed), entries_.load(std::memory_order_relaxed)};
  }
  /// Why the process is about to die in there: a signal's number, or kStalled, kMemory. From a signal handler, too.
  void cause(std::uint64_t cause) noexcept { cause_.store(cause, std::memory_order_relaxed); }
  [[nodiscard]] std::uint64_t cause() const noexcept { return cause_.load(std::memory_order_relaxed); }
  /// How long the call with this number of entries has lasted; by whoever watches. Of an older one: nothing.
  void stayed(std::chrono::milliseconds time, std::uint64_t entries) noexcept {
    stay_entries_.store(entries, std::memory_order_relaxed);
    stay_ms_.store(static_cast<std::uint64_t>(time.count()), std::memory_order_relaxed);
  }
  /// Of the call that is inside now, as the watch saw it last.
  [[nodiscard]] std::chrono::milliseconds stay() const noexcept {
    const bool same = stay_entries_.load(std::memory_order_relaxed) == entries_.load(std::memory_order_relaxed);
    return std::chrono::milliseconds(same ? static_cast<std::int64_t>(stay_ms_.load(std::memory_order_relaxed)) : 0);
  }
  static constexpr std::uint64_t kStalled = 1'000;  // longer than limits.stage_stall_max with one event
  static constexpr std::uint64_t kMemory = 1'001;   // the process had used its memory up

 private:
  std::atomic<std::uint64_t> place_{0};  // offset + 1; 0: outside
  std::atomic<std::uint64_t> count_{0};
  std::atomic<std::uint64_t> fingerprint_{0};
  std::atomic<std::uint64_t> entries_{0};
  std::atomic<std::uint64_t> cause_{0};
  std::atomic<std::uint64_t> stay_entries_{0};
  std::atomic<std::uint64_t> stay_ms_{0};
  std::uint64_t reserved_ = 0;
};
static_assert(sizeof(CodeMark) == 64);

}  // namespace weir
