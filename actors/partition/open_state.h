// What a partition begins with: its state as it was flushed, and of that what it keeps in memory.
#pragma once
#include <memory>

#include "actors/partition/partition_actor.h"
#include "runtime/base/result.h"
#include "runtime/engine/dedupe_index.h"
#include "runtime/engine/retry_set.h"

namespace weir {

struct OpenedState {
  std::shared_ptr<ViewsSetup> views;  // recovered; for the views' actor
  CommitSequence views_through;       // what all views have: commits behind it are to be applied
};

/// `index` and `retries` are empty (asserted by what fills them) and then stand at views->state->sequence(). Errors: of the store,
/// state_damaged, data_foreign, format_newer.
[[nodiscard]] Result<OpenedState> open_partition_state(const PartitionSetup& setup, DedupeIndex& index, RetrySet& retries);

}  // namespace weir
