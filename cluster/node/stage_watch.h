// Watches the stages from outside: one that does not come back, or that uses up the node's memory, is ended with the process, and the
// event it had is named for the next one.
#pragma once
#include <cstdint>
#include <map>
#include <optional>
#include <string>

#include "cluster/node/repeated_look.h"
#include "runtime/adapters/system/mapped_marks.h"
#include "runtime/ports/clock.h"
#include "runtime/ports/logbook.h"

namespace weir {

struct StageWatchLimits {
  std::chrono::microseconds stall_max{30'000'000};  // limits.stage_stall_max
  std::uint64_t memory_max = 0;                     // limits.memory_max
};

/// Who is to blame, when the process has to end.
struct StageVerdict {
  const MappedMarks::Working* working = nullptr;  // of those given to look()
  std::uint64_t cause = 0;
};

/// A decider. Not thread-safe.
class StageWatch {
 public:
  explicit StageWatch(StageWatchLimits limits) : limits_(limits) {}
  /// `working`: who is inside a stage now; `resident`: memory of the process in bytes. A stage that has the same event since stall_max
  /// has stalled. When the memory is used up, whoever has had one event for longest, and for kMemoryStay at least, is to blame, if
  /// the process grew by a kMemoryShare-th of it meanwhile: no ordinary event takes that long, and that much. Nobody: nothing.
  [[nodiscard]] StageVerdict look(TimePoint now, const std::vector<MappedMarks::Working>& working, std::uint64_t resident);

  static constexpr std::chrono::milliseconds kMemoryStay{100};
  static constexpr std::uint64_t kMemoryShare = 8;
  /// Looks come every 20 ms; what is longer than this between two of them does not count as anybody's stay.
  static constexpr std::chrono::milliseconds kLookMax{1'000};

 private:
  struct Stay {
    std::uint64_t entries = 0;
    TimePoint since{0};
    std::uint64_t resident = 0;  // then
    bool seen = false;
  };
  StageWatchLimits limits_;
  std::map<const CodeMark*, Stay> stays_;
  std::optional<TimePoint> last_look_;
};

/// Watches from a thread of its own, as long as it lives. It must outlive the actor system, whose end a stage that hangs holds up.
class StageGuard {
 public:
  StageGuard(StageWatchLimits limits, const MappedMarks& marks, const Clock& clock, Logbook& logbook)
      : watch_(limits), marks_(marks), clock_(clock), logbook_(logbook), looking_(std::chrono::milliseconds(20), [this] { look(); }) {}

 private:
  /// Where somebody is to blame says who, notes it in the mark and aborts the process.
  void look();
  StageWatch watch_;
  const MappedMarks& marks_;
  const Clock& clock_;
  Logbook& logbook_;
  RepeatedLook looking_;  // last: its thread uses the others
};

}  // namespace weir
