// Sinks of a simulated node, in every partition one that hides what it wrote until its cursor knows of it, and one that shows it at once.
// Where they write and their cursors outlive the node; each call may fail. Judged by what the log holds: the one has every record once, the
// other at least once, both in the order of the log.
#pragma once
#include <memory>
#include <string>
#include <vector>

#include "actors/partition/pipeline_supervisor.h"
#include "runtime/adapters/memory/memory_disk.h"
#include "runtime/adapters/memory/memory_sink.h"
#include "tests/simulation/sim_run.h"
#include "tests/simulation/sim_world.h"

namespace weir::sim {

class Sinks {
 public:
  /// All of them outlive it.
  Sinks(std::uint32_t partitions, SeededRng& rng, Witness& witness);
  /// Of a node that starts. All of them outlive the node.
  [[nodiscard]] std::vector<PipelineSink> of_node(EventLog& log, const Clock& clock, Logbook& logbook, SimScheduler& scheduler);
  /// The next call of some kind, of one of them, fails.
  void fail_one();
  /// From now on nothing fails.
  void calm();
  /// Each has taken everything the log has, in the node that runs.
  [[nodiscard]] bool took_all(const MemoryDisk& disk) const;
  /// What the slower one of a partition has taken; one that does not know yet has taken nothing.
  [[nodiscard]] SinkNeed need(PartitionId partition) const;
  /// Empty: what is shown is what it must be.
  [[nodiscard]] std::string judge(MemoryDisk& disk);

 private:
  struct Place {
    std::size_t sink;
    PartitionId partition;
    std::shared_ptr<MemorySinkStore> store;
    std::shared_ptr<SinkGauges> gauges;  // of the node that runs
  };
  SeededRng& rng_;
  Witness& witness_;
  std::shared_ptr<const PipelineConfig> pipeline_;
  MemorySinkCursors cursors_;
  std::vector<Place> places_;
};

}  // namespace weir::sim
