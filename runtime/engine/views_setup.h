// What the views of one partition work with, recovered and ready.
#pragma once
#include <functional>
#include <memory>

#include "runtime/base/ids.h"
#include "runtime/engine/biography_index.h"
#include "runtime/engine/dedupe_log.h"
#include "runtime/engine/partition_gauges.h"
#include "runtime/engine/partition_state.h"
#include "runtime/engine/view_set.h"
#include "runtime/ports/logbook.h"
#include "runtime/ports/state_store.h"

namespace weir {

using ExtractorFactory = std::function<std::unique_ptr<RecordExtractor>()>;

/// The state must be recovered: it stands at its store's cursor. `store` and `logbook` outlive who works with it.
struct ViewsSetup {
  PartitionId partition;
  std::unique_ptr<DedupeLog> dedupe;          // joined to `state`
  std::unique_ptr<BiographyIndex> biography;  // likewise
  std::unique_ptr<PartitionState> state;
  StateStore* store = nullptr;
  std::shared_ptr<const void> keep;   // handed out with every look at the state: the store is not closed while one is held
  std::shared_ptr<PartitionGauges> gauges;  // may be null
  std::unique_ptr<RecordExtractor> extractor;
  Logbook* logbook = nullptr;
};

}  // namespace weir
