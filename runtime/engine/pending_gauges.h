// What the stages of plugins that answer later wait for, all partitions together.
#pragma once
#include <atomic>
#include <cstdint>

#include "runtime/engine/stage_board.h"

namespace weir {

/// Counters say what happened since the node was started; gauges what there is now. A work that goes takes its share of the gauges along.
struct PendingGauges {
  std::atomic<std::uint64_t> answered{0};
  std::atomic<std::uint64_t> failed{0};    // said so, or dropped unanswered
  std::atomic<std::uint64_t> late{0};      // no answer by the deadline
  std::atomic<std::uint64_t> unwanted{0};  // answers that nobody waited for any more
  // Gauges.
  std::atomic<std::uint64_t> pending{0};  // events whose answer is awaited
  std::atomic<std::uint64_t> turn{0};     // events that are decided when fewer are pending
};
using PendingBoard = StageBoard<PendingGauges>;

}  // namespace weir
