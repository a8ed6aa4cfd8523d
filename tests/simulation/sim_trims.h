// A log that lets go of what no snapshot and no sink needs. What goes is kept for the judge.
#pragma once
#include <cstdint>
#include <deque>
#include <utility>
#include <vector>

#include "runtime/adapters/memory/memory_disk.h"
#include "runtime/adapters/memory/memory_event_log.h"
#include "tests/simulation/sim_run.h"
#include "tests/simulation/sim_sinks.h"
#include "tests/simulation/sim_snapshots.h"
#include "tests/simulation/sim_world.h"

namespace weir::sim {

class Trims {
 public:
  /// All of them outlive it. Its chance is its own: where nothing is trimmed a seed is what it was.
  Trims(std::uint64_t seed, std::uint32_t partitions, MemoryDisk& disk, Snapshots& snapshots, Sinks& sinks, Witness& witness);
  /// One step of a node that runs.
  void step(EventLog& log, UnixMicros wall);
  /// Whether the state of the partition comes back when it is lost now. True: it is taken for lost.
  [[nodiscard]] bool may_lose_state(PartitionId partition);
  /// For the judge, behind the last node.
  void put_back();

 private:
  void plan(PartitionId partition, EventLog& log, UnixMicros wall);
  SeededRng rng_;
  MemoryDisk& disk_;
  Snapshots& snapshots_;
  Sinks& sinks_;
  Witness& witness_;
  std::vector<MemoryPartition> kept_;
  std::deque<std::pair<std::uint64_t, TrimPoint>> due_;  // and at which step
  std::vector<CommitSequence> asked_;                    // by partition: of the log, to let go
};

}  // namespace weir::sim
