// Which prepared commits go to the log together, and when. A decider: one group is in flight, the next one fills.
//
// A group goes when the last one started at least `interval` ago or when it is large; so a quiet node commits at once and a
// busy one commits every `interval`, whatever the number of partitions (a sync costs the same for one as for all of them).
// What has gathered behind a slow disk goes in several groups: a group's bytes are copied, and its parts wait for all of them.
#pragma once
#include <chrono>
#include <cstddef>
#include <deque>
#include <optional>
#include <utility>

#include "runtime/base/invariant.h"
#include "runtime/ports/clock.h"
#include "runtime/ports/event_log.h"

namespace weir {

struct CommitGroupLimits {
  std::chrono::microseconds interval{20'000};   // 1 ms .. 10 s
  std::size_t bytes_max = 4 * 1024 * 1024;      // with at least this many bytes a group does not wait, and takes no further part
};

/// Not thread-safe; `now` never goes backwards.
class CommitGroups {
 public:
  explicit CommitGroups(CommitGroupLimits limits) : limits_(limits) {}

  /// Each partition at most once per group (asserted): a partition hands its next part in after the last was decided.
  void add(PartitionCommit part, std::size_t bytes) {
    for (const Part& other : filling_) INVARIANT(other.commit.partition != part.partition, "one part per partition and group");
    filling_.push_back({std::move(part), bytes});
    bytes_ += bytes;
  }
  /// When the group that fills should go: a time not after `now` means at once. Empty: nothing to do until add or done.
  [[nodiscard]] std::optional<TimePoint> due() const {
    if (in_flight_ || filling_.empty()) return std::nullopt;
    if (left_behind_ || bytes_ >= limits_.bytes_max || !started_once_) return TimePoint{0};
    return last_start_ + limits_.interval;
  }
  /// The group, when it is due.
  [[nodiscard]] std::optional<CommitGroup> take(TimePoint now) {
    const auto when = due();
    if (!when || *when > now) return std::nullopt;
    in_flight_ = true;
    started_once_ = true;
    last_start_ = now;
    CommitGroup group;
    std::size_t bytes = 0;
    while (!filling_.empty() && bytes < limits_.bytes_max) {
      bytes += filling_.front().bytes;
      group.parts.push_back(std::move(filling_.front().commit));
      filling_.pop_front();
    }
    bytes_ -= bytes;
    left_behind_ = !filling_.empty();
    return group;
  }
  /// The group in flight was decided, whatever the outcome.
  void done() {
    INVARIANT(in_flight_, "a group is in flight");
    in_flight_ = false;
  }
  [[nodiscard]] bool in_flight() const noexcept { return in_flight_; }

 private:
  CommitGroupLimits limits_;
  struct Part {
    PartitionCommit commit;
    std::size_t bytes;
  };
  std::deque<Part> filling_;
  std::size_t bytes_ = 0;
  bool in_flight_ = false;
  bool started_once_ = false;
  bool left_behind_ = false;  // what fills was due already and found no room
  TimePoint last_start_{0};
};

}  // namespace weir
