// Trying out snapshots of a stopped node: what `weir up` does by itself, against data that nobody writes.
#pragma once
#include <functional>
#include <string>
#include <vector>

#include "cluster/node/snapshot_trial.h"
#include "runtime/adapters/embedded_log/log_progress.h"
#include "runtime/ports/plugin_kinds.h"

namespace weir {

struct StoppedTrial {
  std::string data;
  PluginKinds plugins;
  std::string snapshots;  // empty: in the data directory
  std::string scratch;    // a directory that is made and removed; nothing else is written but marks in the store
  TrialBase base;
};
/// One fate for each partition, or for that of the snapshot named. Errors: as StoppedData::open(); io_failed, disk_full.
[[nodiscard]] Result<std::vector<TrialFate>> try_out_stopped(const StoppedTrial& trial, const Clock& clock, const LogProgress& progress);

}  // namespace weir
