// What one partition and the committer do and hold, for those who watch. Set by their actors, read from anywhere; they
// outlive them.
#pragma once
#include <atomic>
#include <cstdint>

#include "runtime/engine/histogram.h"

namespace weir {

struct PartitionGauges {
  std::atomic<std::uint64_t> in_flight_events{0};  // admitted and not committed
  std::atomic<std::uint64_t> in_flight_bytes{0};   // of their ingest batches
  std::atomic<std::uint64_t> dedupe_bytes{0};      // the memory of ids
  std::atomic<std::uint64_t> delta_bytes{0};       // what the store does not have yet
  std::atomic<std::uint64_t> stage_crashes{0};     // exceptions that left a stage
  std::atomic<std::uint64_t> poison_events{0};     // events that became dead letters because they crash stages
  std::atomic<std::uint64_t> retries{0};           // parked events that were decided or parked again
  std::atomic<std::uint64_t> parked_bytes{0};      // of the events parked now, in memory
  std::atomic<std::uint64_t> held_keys{0};         // values of retry.order_by (or ids) that hold back their later events now
  std::atomic<std::uint64_t> letter_bytes{0};      // of open dead letters, as they are kept
  std::atomic<std::uint64_t> biography_bytes{0};   // of the index of lives, as stored
  std::atomic<std::uint64_t> biography_items{0};   // what it knows: each time that something was decided of an event
  std::atomic<std::int64_t> biography_forgot{0};   // what was decided before this moment (microseconds since 1970) left it; 0: nothing yet
  std::atomic<bool> parked_full{false};            // nothing new is taken, for so much is parked
  std::atomic<bool> flush_waits{false};            // the store had no space for a flush; it is tried again
  // Microseconds since 1970; 0: there is none.
  std::atomic<std::int64_t> commit_out_since{0};   // a commit is with the log since then, and has no answer
  std::atomic<std::int64_t> committed_at{0};       // the last commit
  std::atomic<std::int64_t> next_due{0};           // the next parked event
  Histogram latency_seconds{kLatencyBounds};       // from the door's stamp to the commit, per event
};

struct CommitGauges {
  Histogram group_bytes{kGroupBytesBounds};
  Histogram seconds{kLatencyBounds};          // from handing a group to the log to its answer
  std::atomic<std::uint64_t> not_written{0};  // groups refused, unknown or failed
};

}  // namespace weir
