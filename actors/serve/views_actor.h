// The views of one partition: applies committed batches to the state, flushes it, answers nothing but facts.
//
// ApplyCommit in, in sequence; CommitApplied gives the sender its bytes back. FlushState flushes everything applied; StateFlushed
// follows every flush. Any error (a gap, damage) ends the actor: the partition is then rebuilt with a fresh store.
#pragma once
#include "actors/messages/views_interface.h"

namespace weir {

/// A ViewsSpawner.
[[nodiscard]] caf::actor spawn_views(caf::event_based_actor* partition, std::shared_ptr<ViewsSetup> setup);

}  // namespace weir
