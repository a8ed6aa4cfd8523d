// One seed: a pipeline on a node that suffers, then a calm phase in which everything must finish, then the judgement.
#pragma once
#include <cstdint>
#include <string>
#include <vector>

#include "runtime/adapters/memory/memory_disk.h"
#include "runtime/adapters/memory/memory_event_log.h"
#include "runtime/adapters/memory/memory_state.h"
#include "tests/simulation/sim_history.h"

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
  std::uint64_t rules_changed = 0;
  std::uint64_t duplicates = 0;
  std::uint64_t conflicts = 0;
  std::uint64_t superseded = 0;
  std::uint64_t late = 0;          // expired or dead-lettered for that
  std::uint64_t reopened = 0;      // an expired id that came again with other bytes
  std::uint64_t outages = 0;       // of what a stage depends on
  std::uint64_t parked = 0;        // events, each time they were
  std::uint64_t held = 0;          // of them: behind another one
  std::uint64_t exhausted = 0;     // events given up
  std::uint64_t crashes = 0;       // of stages, by what they were given
  std::uint64_t deaths = 0;        // of them: with the process
  std::uint64_t poisoned = 0;      // events given up for that
  std::uint64_t snapshots = 0;
  std::uint64_t trims = 0;
  std::uint64_t snapshots_failed = 0;
  std::uint64_t snapshots_damaged = 0;
  std::uint64_t states_lost = 0;
  std::uint64_t restored = 0;          // of them: from a snapshot
  std::uint64_t restores_refused = 0;  // from one that was damaged
  std::uint64_t from_zero = 0;         // made anew from the log: none that there were was whole
  std::uint64_t sinks_failed = 0;      // calls
  std::uint64_t shown = 0;             // records, by sinks
  std::uint64_t shown_again = 0;       // of them, where nothing can be hidden
  std::uint64_t redriven = 0;      // dead letters, by order; likewise the next two
  std::uint64_t edited = 0;
  std::uint64_t dropped = 0;
  std::uint64_t events = 0;        // of the feed
  std::uint64_t requests = 0;      // attempts of clients
  std::uint64_t acknowledged = 0;  // of them: durable
  std::uint64_t refused = 0;       // of them: for certain
  std::uint64_t too_large = 0;     // of those: for ever
  std::uint64_t broken_off = 0;
  std::uint64_t repeated = 0;  // although they were acknowledged
  std::uint64_t waited = 0;    // answered with outcomes
  std::uint64_t reads = 0;
  std::uint64_t reads_with_token = 0;
  std::uint64_t reads_refused = 0;  // 503
  Witness& operator+=(const Witness& other);
  /// "7 actors and 2 nodes killed, …".
  [[nodiscard]] std::string text() const;
  /// What must occur in a hundred runs and did not; empty: nothing.
  [[nodiscard]] std::string missing() const;
};

/// Who orders what is done with dead letters.
inline constexpr std::string_view kOperator = "operator";

struct SeedResult {
  std::string verdict;  // empty: PASS; else what is wrong
  std::uint64_t trace = 0;
  Witness witness;
  std::vector<std::string> log;  // the node's last words, of a failing run
};

[[nodiscard]] SeedResult run_seed(std::uint64_t seed);

/// What lies in the log of one partition, and what the model says of it.
struct PartitionTruth {
  struct Logged {
    SimEvent event;
    bool of_feed = false;
  };
  std::vector<Logged> events;       // by offset
  std::vector<Expected> decided;    // by offset: in the end
  std::vector<Outcome> at_first;    // by offset: in the commit that passed it
  std::vector<std::uint64_t> decided_in;  // by offset: the commit that said so in the end
  std::vector<std::uint64_t> ends;  // of commit 1, 2, …: everything below is decided
};

/// What a crash left behind, at once: what is committed must be covered by durable ingest (I5).
[[nodiscard]] std::string judge_disk(MemoryDisk& disk);

/// What clients were told and saw: acknowledged is there (I1), nothing else is (I2), whole requests, outcomes, reads
/// (I6).
[[nodiscard]] std::string judge_clients(const History& history, const std::vector<PartitionTruth>& truths);

/// The index of biographies in a state that was flushed at the end, against the log.
[[nodiscard]] std::string judge_lives(const MemoryPartition& log, const std::shared_ptr<MemoryStateDisk>& disk, const StateMerger& merger);

/// What is durable after a run, against the model. Empty: all is as it must be.
[[nodiscard]] std::string judge(const Workload& workload, const History& history, MemoryDisk& disk,
                                std::vector<std::shared_ptr<MemoryStateDisk>>& states, Witness& witness);

}  // namespace weir::sim
