// How far each sink is in each partition, with what it lags behind: for the API and the metrics.
#pragma once
#include <vector>

#include "cluster/api/node_access.h"
#include "cluster/node/live_state.h"
#include "cluster/node/open_pipeline.h"

namespace weir {

/// In the order of the pipeline file, then by partition. Thread-safe.
[[nodiscard]] std::vector<SinkReport> sink_reports(OpenPipeline& open, const LiveState& state);

}  // namespace weir
