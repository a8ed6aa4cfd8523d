// What a stage lets people look at. Filled only while somebody asks, and only as far as it costs the stage next to nothing: what is over that
// is counted, not kept.
#pragma once
#include <atomic>
#include <chrono>
#include <cstdint>
#include <deque>
#include <map>
#include <memory>
#include <mutex>
#include <string>
#include <vector>

#include "runtime/base/ids.h"
#include "runtime/ports/clock.h"

namespace weir {

/// An event, or one part of a split one, behind a stage.
struct TapItem {
  PartitionId partition;
  Offset offset;
  std::uint16_t part = 0;
  std::string id;
  std::string verdict;                 // pass, filter, reject, retry
  std::string reason, details;         // of reject and retry
  std::string record;                  // of pass: a JSON object
  [[nodiscard]] std::size_t bytes() const noexcept { return sizeof(TapItem) + id.size() + reason.size() + details.size() + record.size(); }
};

struct TapPage {
  std::vector<TapItem> items;
  std::uint64_t next = 0;     // to ask with for what comes behind them
  std::uint64_t dropped = 0;  // since `after`: not kept, or gone again before it was asked for
};

/// How long a ring is filled after somebody has asked.
inline constexpr std::chrono::seconds kTapPatience{5};
/// What a stage shows at most, all partitions together. At some 2 us each, 1 % of a processor.
inline constexpr std::uint64_t kTapItemsPerSecond = 5'000;

/// Thread-safe. One for each stage, all partitions together.
class TapRing {
 public:
  explicit TapRing(std::size_t bytes_max = std::size_t{1} << 20) : bytes_max_(bytes_max) {}

  /// Whether somebody looks. To be asked before every round: one load.
  [[nodiscard]] bool wanted(TimePoint now) const noexcept { return now.count() < until_.load(std::memory_order_relaxed); }
  /// How many of `count` events may be shown now; the others are counted as dropped. Never waits: where somebody else is at it, none.
  [[nodiscard]] std::uint64_t admit(std::uint64_t count, TimePoint now);
  /// What was admitted. Never waits, likewise.
  void put(std::vector<TapItem> items);

  /// Where it ends now, and begins to be filled: for who has not asked yet.
  [[nodiscard]] std::uint64_t begin(TimePoint now);
  /// At most `items_max` behind `after`, and it is filled on.
  [[nodiscard]] TapPage take(std::uint64_t after, std::size_t items_max, TimePoint now);

 private:
  void want(TimePoint now) noexcept { until_.store((now + kTapPatience).count(), std::memory_order_relaxed); }
  struct Kept {
    std::uint64_t number;  // of it, and of everything that was dropped before it
    TapItem item;
  };
  const std::size_t bytes_max_;
  std::atomic<std::int64_t> until_{INT64_MIN};
  std::atomic<std::uint64_t> missed_{0};  // dropped while somebody else held the ring; counted with the next one
  std::mutex mutex_;
  std::deque<Kept> kept_;
  std::size_t bytes_ = 0;
  std::uint64_t last_ = 0;                // number of the last one, kept or dropped
  std::uint64_t tokens_ = 0;
  TimePoint refilled_{};
};

/// Thread-safe. The rings of every stage, by its name; they live as long as the board.
class TapBoard {
 public:
  [[nodiscard]] std::shared_ptr<TapRing> of(const std::string& stage) {
    const std::scoped_lock lock(mutex_);
    auto& ring = rings_[stage];
    if (!ring) ring = std::make_shared<TapRing>();
    return ring;
  }
  /// Null: there is no such stage.
  [[nodiscard]] std::shared_ptr<TapRing> find(const std::string& stage) const {
    const std::scoped_lock lock(mutex_);
    const auto found = rings_.find(stage);
    return found == rings_.end() ? nullptr : found->second;
  }

 private:
  mutable std::mutex mutex_;
  std::map<std::string, std::shared_ptr<TapRing>> rings_;
};

}  // namespace weir
