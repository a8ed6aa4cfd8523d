// What a partition hands to its views actor when it starts it, and how: the wiring knows the concrete actor, the partition only
// this.
#pragma once
#include <functional>
#include <memory>

#include "actors/messages/messages.h"
#include "runtime/engine/dedupe_log.h"
#include "runtime/engine/partition_state.h"
#include "runtime/engine/view_set.h"
#include "runtime/ports/logbook.h"
#include "runtime/ports/state_store.h"

namespace weir {

using ExtractorFactory = std::function<std::unique_ptr<RecordExtractor>()>;

/// The state must be recovered: it stands at its store's cursor. `store` and `logbook` outlive the actor.
struct ViewsSetup {
  PartitionId partition;
  std::unique_ptr<DedupeLog> dedupe;  // joined to `state`
  std::unique_ptr<PartitionState> state;
  StateStore* store = nullptr;
  std::unique_ptr<RecordExtractor> extractor;
  Logbook* logbook = nullptr;
};

/// Spawns the views actor monitored by its partition; it dies with it.
using ViewsSpawner = std::function<caf::actor(caf::event_based_actor* partition, std::shared_ptr<ViewsSetup> setup)>;

}  // namespace weir
