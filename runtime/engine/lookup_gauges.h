// What the lookups of a stage do and hold, all partitions together, for those who watch. Set by the stage's works, read from anywhere.
#pragma once
#include <array>
#include <atomic>
#include <cstdint>

#include "runtime/engine/stage_board.h"

namespace weir {

/// Counters say what happened since the node was started; gauges what there is now. A work that goes takes its share of the gauges along.
struct LookupGauges {
  std::atomic<std::uint64_t> asked{0};
  std::atomic<std::uint64_t> found{0};
  std::atomic<std::uint64_t> missing{0};
  std::atomic<std::uint64_t> stale{0};      // of found and missing
  std::atomic<std::uint64_t> temporary{0};  // asked, and to be tried again
  std::atomic<std::uint64_t> put_off{0};    // not asked, and to be tried again
  std::atomic<std::uint64_t> exhausted{0};  // one attempt too many, or too late for one
  std::atomic<std::uint64_t> invalid{0};
  std::atomic<std::uint64_t> calls{0};
  std::atomic<std::uint64_t> calls_retried{0};  // of calls
  std::atomic<std::uint64_t> calls_failed{0};   // of calls
  std::atomic<std::uint64_t> breaker_opened{0};
  // Gauges.
  std::atomic<std::uint64_t> pending{0};    // events that wait for an answer, or for their turn to ask
  std::atomic<std::uint64_t> calls_out{0};  // under way
  std::atomic<std::uint64_t> cache_entries{0};
  std::atomic<std::uint64_t> cache_bytes{0};
  std::array<std::atomic<std::uint64_t>, 3> breakers{};  // partitions by BreakerState
};

using LookupBoard = StageBoard<LookupGauges>;

}  // namespace weir
