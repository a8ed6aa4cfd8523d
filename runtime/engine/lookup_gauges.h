// What the lookups of a stage do and hold, all partitions together, for those who watch. Set by the stage's works, read from anywhere.
#pragma once
#include <array>
#include <atomic>
#include <cstdint>
#include <map>
#include <memory>
#include <mutex>
#include <string>
#include <vector>

namespace weir {

/// Counters say what happened since the node was started; gauges what there is now. A work that goes takes its share of the gauges along.
struct LookupGauges {
  std::atomic<std::uint64_t> asked{0};
  std::atomic<std::uint64_t> found{0};
  std::atomic<std::uint64_t> missing{0};
  std::atomic<std::uint64_t> stale{0};      // of found and missing
  std::atomic<std::uint64_t> temporary{0};  // asked, and to be tried again
  std::atomic<std::uint64_t> put_off{0};    // not asked, and to be tried again
  std::atomic<std::uint64_t> exhausted{0};  // one attempt too many, or too late for one
  std::atomic<std::uint64_t> invalid{0};
  std::atomic<std::uint64_t> calls{0};
  std::atomic<std::uint64_t> calls_retried{0};  // of calls
  std::atomic<std::uint64_t> calls_failed{0};   // of calls
  std::atomic<std::uint64_t> breaker_opened{0};
  // Gauges.
  std::atomic<std::uint64_t> pending{0};    // events that wait for an answer, or for their turn to ask
  std::atomic<std::uint64_t> calls_out{0};  // under way
  std::atomic<std::uint64_t> cache_entries{0};
  std::atomic<std::uint64_t> cache_bytes{0};
  std::array<std::atomic<std::uint64_t>, 3> breakers{};  // partitions by BreakerState
};

/// Thread-safe. The gauges of every stage that looks things up, by its name.
class LookupBoard {
 public:
  struct Line {
    std::string stage;
    std::shared_ptr<const LookupGauges> gauges;
  };
  /// Made when it is asked for first; lives as long as the board, so that its counters never go back.
  [[nodiscard]] std::shared_ptr<LookupGauges> of(const std::string& stage) {
    const std::scoped_lock lock(mutex_);
    auto& known = gauges_[stage];
    if (!known) known = std::make_shared<LookupGauges>();
    return known;
  }
  [[nodiscard]] std::vector<Line> lines() const {
    const std::scoped_lock lock(mutex_);
    std::vector<Line> lines;
    for (const auto& [stage, gauges] : gauges_) lines.push_back({stage, gauges});
    return lines;
  }

 private:
  mutable std::mutex mutex_;
  std::map<std::string, std::shared_ptr<LookupGauges>> gauges_;
};

}  // namespace weir
