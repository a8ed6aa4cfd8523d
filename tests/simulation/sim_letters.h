// Somebody who looks for dead letters in a simulated node and redrives, edits or drops what is there.
#pragma once
#include <string>

#include "runtime/adapters/memory/memory_disk.h"
#include "tests/simulation/sim_node.h"
#include "tests/simulation/sim_world.h"

namespace weir::sim {

class Operator {
 public:
  /// All of them outlive it.
  Operator(std::uint32_t partitions, MemoryDisk& disk, SeededRng& rng) : partitions_(partitions), disk_(disk), rng_(rng) {}
  /// One order, of a kind and at places that the generator draws: most places hold no letter any more. `node` outlives the answer.
  void order(SimNode& node);
  /// The first answer that no node may give; empty: none.
  [[nodiscard]] const std::string& wrong() const noexcept { return wrong_; }

 private:
  void told_of(const SimNode& node, PartitionId p, Offset letter);
  std::uint32_t partitions_;
  MemoryDisk& disk_;
  SeededRng& rng_;
  std::string wrong_;
};

}  // namespace weir::sim
