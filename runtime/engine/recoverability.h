// What it would take to have a partition back if its node died now, and its state with it.
#pragma once
#include <cstdint>
#include <optional>

#include "runtime/base/ids.h"
#include "runtime/ports/event_log.h"

namespace weir {

/// How fast a rebuild was when it was last tried (a trial of a snapshot).
struct RebuildSpeed {
  double restore_bytes_per_second = 0;  // 0: never measured
  double events_per_second = 0;         // of replay; 0: never measured
};

/// What is known of a rebuild. `taken` seconds and what was done in them; a trial of next to nothing says nothing.
struct RebuildMeasure {
  std::uint64_t bytes = 0;
  double restore_seconds = 0;
  std::uint64_t events = 0;
  double replay_seconds = 0;
};
/// `before`, with what the measure says in its place where that is enough to go by.
[[nodiscard]] RebuildSpeed learn_speed(const RebuildSpeed& before, const RebuildMeasure& measure) noexcept;

/// The newest snapshot that can be used.
struct RecoveryBase {
  CommitSequence sequence;
  Offset committed;
  std::uint64_t bytes = 0;
};

struct Recoverability {
  bool possible = true;           // false: the log begins behind what a restore could begin with
  std::uint64_t events = 0;       // to be applied or decided again: from the base to the end of ingest
  std::optional<double> seconds;  // about; none: nothing like it was ever measured here
};
/// Without a base the log does, where it still has its beginning. A base that the log does not reach back to is none.
[[nodiscard]] Recoverability recoverability(const std::optional<RecoveryBase>& base, const PartitionStatus& log, const RebuildSpeed& speed) noexcept;

}  // namespace weir
