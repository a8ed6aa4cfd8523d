// `weir up`: a node that serves until it is stopped. Doors take events in, the API answers, partitions that fail are
// rebuilt or quarantined while the others run on.
#pragma once
#include <atomic>
#include <functional>
#include <string>

#include "runtime/base/result.h"
#include "runtime/adapters/embedded_log/log_progress.h"
#include "runtime/ports/clock.h"
#include "runtime/ports/logbook.h"
#include "runtime/ports/node_config.h"
#include "runtime/ports/pipeline_config.h"

namespace weir {

struct NodeRequest {
  PipelineConfig pipeline;
  NodeConfig node;
  std::string data;  // directory; made when missing
  /// How far opening is, where it takes long (an index that is made anew). On the thread of run_node; may be empty.
  LogProgress opening;
  /// What opening found and a person should know, one line each. On the thread of run_node; may be empty.
  std::function<void(const std::string&)> note;
  /// Every partition runs (or is quarantined) and the API answers at `address`, e.g. "127.0.0.1:7070". Called once, on
  /// the thread of run_node.
  std::function<void(const std::string& address)> ready;
  /// A service, or what it has spawned, runs on behind run_node: the process must end now, without destructors, with this result. On the
  /// thread of run_node; may be empty.
  std::function<void(const Result<void>& result)> abandoned;
};

/// Runs until `stop_signal` becomes a signal's number (a second one ends the process at once: see signals.h), then
/// answers what is under way, commits and flushes, within limits.shutdown_max. Success: everything accepted is decided
/// or in the log for the next start. Errors: of opening; cancelled (not everything was done in time: the next start
/// does it); log_damaged or state_damaged (a partition was quarantined); internal. Blocks; one node per process.
[[nodiscard]] Result<void> run_node(NodeRequest request, const Clock& clock, Logbook& logbook,
                                    const std::atomic<int>& stop_signal);

}  // namespace weir
