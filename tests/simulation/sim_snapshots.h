// Snapshots of a simulated node's states, and disks that lose a state: then the newest snapshot that is whole takes its place, and the log
// does the rest. What is kept may be damaged; writing it may fail anywhere.
#pragma once
#include <memory>
#include <optional>
#include <string>

#include "runtime/adapters/memory/memory_snapshots.h"
#include "runtime/adapters/memory/memory_state.h"
#include "runtime/engine/sink_gauges.h"
#include "runtime/ports/event_log.h"
#include "tests/simulation/sim_rules.h"
#include "tests/simulation/sim_run.h"
#include "tests/simulation/sim_world.h"

namespace weir::sim {

class Snapshots {
 public:
  /// All of them outlive it.
  Snapshots(Digest128 log_id, SeededRng& rng, Witness& witness, const StateMerger& merger);
  /// Of what is durable of a partition's state, under the rules of the node that runs.
  void make(PartitionId partition, const MemoryStateDisk& state, const SimRules& rules, UnixMicros wall);
  /// One byte of one file of some partition is another one.
  void damage(PartitionId partition);
  /// In place of a state that is lost. What no restore may give; empty: nothing is wrong. Without a snapshot `state` stays empty.
  [[nodiscard]] std::string restore(PartitionId partition, const PartitionStatus& log, MemoryStateDisk& state);
  /// Whether a state that is lost now comes back: by a snapshot that is whole, or by a log that has its beginning.
  [[nodiscard]] bool can_restore(PartitionId partition, const PartitionStatus& log);
  /// Tries the newest one out; then, what the log may let go of. Nothing: nothing.
  [[nodiscard]] std::optional<TrimPoint> verify_and_trim(PartitionId partition, const PartitionStatus& log, const SinkNeed& sinks, UnixMicros wall);

 private:
  SeededRng& rng_;
  Witness& witness_;
  const StateMerger& merger_;
  std::shared_ptr<MemorySnapshotDisk> disk_ = std::make_shared<MemorySnapshotDisk>();
  MemorySnapshots store_;
  Digest128 log_id_;
};

}  // namespace weir::sim
