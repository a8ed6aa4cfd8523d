// The committer of a node's lane: makes one commit group of what the partitions hand in, and tells each what became of it.
//
// CommitPart in (one per partition at a time: that is the credit), CommitDecided out. Keeps no durable state: when it dies, the
// partitions take the outcome of their outstanding parts for unknown, fence, and read back.
#pragma once
#include "actors/messages/messages.h"
#include "actors/supervise/actor_board.h"
#include "runtime/engine/commit_groups.h"
#include "runtime/engine/partition_gauges.h"
#include "runtime/ports/clock.h"

namespace weir {

/// The references must outlive the actor system.
struct CommitterSetup {
  EventLog* log = nullptr;
  const Clock* clock = nullptr;
  CommitGroupLimits limits;
  std::shared_ptr<CommitGauges> gauges = nullptr;  // may be null
  std::shared_ptr<ActorEntry> entry = nullptr;     // its place on the board; may be null
};

/// Monitored by `supervisor`.
[[nodiscard]] caf::actor spawn_committer(caf::event_based_actor* supervisor, CommitterSetup setup);

}  // namespace weir
