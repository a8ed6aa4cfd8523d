// One seed: a pipeline on a node that suffers, then a calm phase in which everything must finish, then the judgement.
#pragma once
#include <cstdint>
#include <string>
#include <vector>

#include "runtime/adapters/memory/memory_event_log.h"
#include "runtime/adapters/memory/memory_state.h"
#include "tests/simulation/sim_workload.h"

namespace weir::sim {

/// What the run met; the suite says INVALID when a fault that should have happened never did.
struct Witness {
  std::uint64_t steps = 0;
  std::uint64_t actors_killed = 0;
  std::uint64_t nodes_killed = 0;
  std::uint64_t nodes_stopped = 0;
  std::uint64_t appends_failed = 0;
  std::uint64_t replies_lost = 0;
  std::uint64_t disk_full = 0;
  std::uint64_t flushes_failed = 0;
  std::uint64_t duplicates = 0;
  std::uint64_t conflicts = 0;
  std::uint64_t superseded = 0;
  std::uint64_t late = 0;      // expired or dead-lettered for that
  std::uint64_t reopened = 0;  // an expired id that came again with other bytes
  std::uint64_t events = 0;
  Witness& operator+=(const Witness& other);
};

struct SeedResult {
  std::string verdict;   // empty: PASS; else what is wrong
  std::uint64_t trace = 0;
  Witness witness;
  std::vector<std::string> log;  // the node's last words, of a failing run
};

[[nodiscard]] SeedResult run_seed(std::uint64_t seed);

/// What a crash left behind, at once: what is committed must be covered by durable ingest (I5).
[[nodiscard]] std::string judge_disk(MemoryDisk& disk);

/// What is durable after a run, against the model. Empty: all is as it must be.
[[nodiscard]] std::string judge(const Workload& workload, MemoryDisk& disk, std::vector<std::shared_ptr<MemoryStateDisk>>& states,
                                Witness& witness);

}  // namespace weir::sim
