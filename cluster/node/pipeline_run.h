// `weir run`: the whole engine to completion. Opens everything, reads all inputs, waits until every event is terminal.
#pragma once
#include <atomic>
#include <functional>
#include <memory>
#include <string>
#include <vector>

#include "actors/messages/messages.h"
#include "cluster/node/compiled_pipeline.h"
#include "cluster/node/input_meter.h"
#include "runtime/adapters/embedded_log/log_progress.h"
#include "runtime/ports/clock.h"
#include "runtime/ports/logbook.h"
#include "runtime/ports/node_config.h"

namespace weir {

struct RunRequest {
  PipelineConfig pipeline;
  NodeConfig node;
  std::string data;                 // directory; made when missing
  std::vector<std::string> inputs;  // names as open_input takes them; none: only what is in the log already
  RecordFormat format = RecordFormat::any;  // of the command line
  /// For measuring the work alone: called when everything is open and the actors are about to start, and again when every event is
  /// terminal and the state is flushed. On the thread of run_pipeline; may be empty.
  std::function<void()> work_begins;
  std::function<void()> work_ended;
  /// How far opening is, where it takes long (an index that is made anew). On the thread of run_pipeline; may be empty.
  LogProgress opening;
  /// What is read of the inputs, for whoever shows how far they are. May be empty.
  std::shared_ptr<InputMeter> meter;
  /// What opening found and a person should know, one line each, before anything is read: a torn tail that was cut, an input that
  /// goes on where it had stopped, one that is read again. On the thread of run_pipeline; may be empty.
  std::function<void(const std::string&)> note;
};

struct RunReport {
  /// Success: every accepted event is terminal, the state is flushed, each sink has taken everything or is among `broken`. Errors: input_unreadable (what was read before is kept),
  /// limit_reached, cancelled (a signal), log_damaged or state_damaged (a partition was quarantined), config and data errors.
  Result<void> result;
  std::uint64_t accepted = 0;       // by the doors of this run
  std::vector<std::string> broken;  // sinks that have not taken everything, and why, one line each
};

/// Runs until done or `stop_signal` becomes a signal's number (a second one ends the process at once: see signals.h).
/// `summary` is called after everything is closed and flushed, before the inputs are marked as finished; only on success.
/// Blocks; one run per process at a time.
[[nodiscard]] RunReport run_pipeline(RunRequest request, const Clock& clock, Logbook& logbook, const std::atomic<int>& stop_signal,
                                     const std::function<void(const PartitionProgress&)>& progress,
                                     const std::function<Result<void>(const RunReport&)>& summary);

}  // namespace weir
