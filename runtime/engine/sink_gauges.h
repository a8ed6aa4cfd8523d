// How far the sinks are, for those who watch, and for whoever trims the log. Set by the sinks, read from anywhere.
#pragma once
#include <algorithm>
#include <atomic>
#include <cstdint>
#include <map>
#include <memory>
#include <mutex>
#include <optional>
#include <string>
#include <utility>
#include <vector>

#include "runtime/base/ids.h"

namespace weir {

/// Of one sink in one partition. Counters since the node was started, but for those of the cursor.
struct SinkGauges {
  std::atomic<std::uint64_t> through{0};      // durable: commits up to this one are taken
  std::atomic<std::uint64_t> newest{0};       // of the log, as the sink knows it
  std::atomic<std::uint64_t> records{0};      // taken, of the cursor
  std::atomic<std::uint64_t> skipped{0};      // refused and passed over, of the cursor
  std::atomic<std::uint64_t> log_records{0};  // of the curated log up to `through`, of the cursor
  std::atomic<std::uint64_t> bytes{0};        // of texts that were taken
  std::atomic<std::uint64_t> batches{0};      // that were taken
  std::atomic<std::uint64_t> failures{0};     // batches, and writes of its own, that failed and are tried again
  std::atomic<std::int64_t> lag_since{0};     // wall time of the oldest commit that is not taken, microseconds since 1970; 0: there is none
  std::atomic<bool> known{false};             // `through` is that of its cursor
  std::atomic<bool> broken{false};

  void note(std::string text) {
    const std::scoped_lock lock(mutex_);
    note_ = std::move(text);
  }
  /// What it says of itself: why it is broken, or what failed last.
  [[nodiscard]] std::string note() const {
    const std::scoped_lock lock(mutex_);
    return note_;
  }

 private:
  mutable std::mutex mutex_;
  std::string note_;
};

/// What the slowest sink of a partition has taken.
struct SinkNeed {
  CommitSequence taken;  // commits up to and with this one are needed by none any more
  std::string sink;
  friend bool operator==(const SinkNeed&, const SinkNeed&) = default;
};

/// Thread-safe.
class SinkBoard {
 public:
  struct Line {
    std::string sink;
    PartitionId partition;
    std::string kind;  // files, http, stdout, or a plugin's
    bool letters = false;
    std::shared_ptr<SinkGauges> gauges;
  };
  /// Made once for each place, before the sink starts.
  std::shared_ptr<SinkGauges> add(std::string sink, PartitionId partition, std::string kind, bool letters) {
    const std::scoped_lock lock(mutex_);
    lines_.push_back({std::move(sink), partition, std::move(kind), letters, std::make_shared<SinkGauges>()});
    return lines_.back().gauges;
  }
  /// For another life of the node.
  void clear() {
    const std::scoped_lock lock(mutex_);
    lines_.clear();
  }
  [[nodiscard]] std::vector<Line> lines() const {
    const std::scoped_lock lock(mutex_);
    return lines_;
  }
  /// By partition; nothing: no unbroken sink reads this partition. A sink that does not know its cursor yet needs everything.
  [[nodiscard]] std::vector<std::optional<SinkNeed>> taken_by_all(std::uint32_t partitions) const {
    std::vector<std::optional<SinkNeed>> taken(partitions);
    for (const Line& line : lines()) {
      if (line.gauges->broken.load() || line.partition.value >= partitions) continue;
      const CommitSequence through{line.gauges->known.load() ? line.gauges->through.load() : 0};
      auto& least = taken[line.partition.value];
      if (!least || through < least->taken) least = SinkNeed{through, line.sink};
    }
    return taken;
  }

 private:
  mutable std::mutex mutex_;
  std::vector<Line> lines_;
};

}  // namespace weir
