// How `limits.memory_max` is shared out: every buffer of a node gets its bound from here, once, when the node opens. A
// decider.
//
// What is left is for what grows with the data: the memory of ids (some 25 bytes each) above all. Nobody can bound that
// but the doors: they take less, then nothing, when the process comes near its limit (door_pressure.h).
#pragma once
#include <cstddef>
#include <cstdint>

#include "runtime/base/result.h"

namespace weir {

struct MemoryPlan {
  // Of the node.
  std::uint64_t log_outstanding_bytes_max = 0;  // appended, not yet synced; also the largest single append
  std::uint64_t http_bodies_bytes_max = 0;
  std::uint64_t http_answers_bytes_max = 0;
  std::uint64_t live_bytes_max = 0;   // of each door: handed to partitions ahead of their commit
  std::uint64_t files_bytes_max = 0;  // of all doors that follow files: what they read ahead
  std::size_t block_cache_bytes = 0;  // blocks, indexes and filters of all stores
  // Of each partition.
  std::size_t window_bytes_max = 0;   // admitted and not committed
  std::size_t delta_bytes_max = 0;    // twice: one is filled while the other is flushed
  std::uint64_t apply_bytes_max = 0;  // commits on their way to the views
  std::size_t read_bytes_max = 0;     // one read of a log
  std::uint64_t parked_bytes_max = 0; // events to be tried again; the pipeline's retry.parked_bytes_max may be less
};

/// Shares: an eighth each for what waits for its sync, for all windows, for all commits on their way to views and for all parked events, a
/// sixteenth each for bodies, answers, deltas, reads; 1/64 each for blocks and files; each at most what a node without
/// a limit would take (figures at their use). Measured with 8 partitions at 512 MiB: `tests/integration/limits`. Errors:
/// config_invalid when partitions or body_max are more than memory_max can hold; names the keys.
[[nodiscard]] Result<MemoryPlan> plan_memory(std::uint64_t memory_max, std::uint32_t partitions,
                                             std::uint64_t body_max);

}  // namespace weir
