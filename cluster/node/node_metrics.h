// Every metric of a node: what it is called, what it means, and its value now.
#pragma once
#include <string>
#include <vector>

#include "cluster/api/node_access.h"
#include "cluster/node/doorkeeper.h"
#include "cluster/node/live_state.h"
#include "cluster/node/open_pipeline.h"
#include "cluster/node/snapshot_keeper.h"
#include "runtime/adapters/system/work_pool.h"
#include "runtime/ports/http_server.h"
#include "runtime/ports/metrics.h"

namespace weir {

/// What is looked at; all of it outlives the call.
struct MetricSources {
  OpenPipeline* open = nullptr;
  const LiveState* state = nullptr;
  const WorkPool* pool = nullptr;
  const SnapshotKeeper* keeper = nullptr;
  const HttpServer* server = nullptr;      // null: there is none yet
  const Doorkeeper* doorkeeper = nullptr;  // null: there is none yet
  bool ready = false;
  std::vector<SinkReport> sinks;
};

/// In the order of the page. Thread-safe.
[[nodiscard]] std::vector<MetricFamily> node_metrics(const MetricSources& sources);
/// What configs/metrics.md says: made from the descriptions, so that it names every metric.
[[nodiscard]] std::string metrics_page();

}  // namespace weir
