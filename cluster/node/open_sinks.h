// The sinks of a node, opened: what each writes to, its thread, and where its cursors are.
#pragma once
#include <memory>
#include <string>
#include <vector>

#include "actors/partition/pipeline_supervisor.h"
#include "runtime/adapters/sink_files/cursor_files.h"
#include "runtime/adapters/sink_files/stdout_target.h"
#include "runtime/adapters/system/work_pool.h"
#include "runtime/engine/sink_gauges.h"
#include "runtime/ports/http_fetch.h"

namespace weir {

[[nodiscard]] std::string sinks_directory(const std::string& data);
/// Whether lines of a sink go to stdout: then what a command says goes to stderr.
[[nodiscard]] bool writes_to_stdout(const PipelineConfig& pipeline);

/// Must outlive the actors; close() while their system is there.
class OpenSinks {
 public:
  /// `log`, `clock` and `logbook` must outlive it. Errors: internal (libcurl cannot be set up).
  [[nodiscard]] static Result<std::unique_ptr<OpenSinks>> open(const PipelineConfig& pipeline, const std::string& data, EventLog& log, const Clock& clock, Logbook& logbook);
  ~OpenSinks() { close(); }

  [[nodiscard]] const SinkBoard& board() const noexcept { return board_; }
  /// For PipelineSetup. `seed`: of the jitter of pauses.
  [[nodiscard]] std::vector<PipelineSink> sinks(std::uint64_t seed);
  /// Ends calls and threads, whoever waits for them. Idempotent.
  void close();

 private:
  OpenSinks(const PipelineConfig& pipeline, const std::string& data, EventLog& log, const Clock& clock, Logbook& logbook);
  [[nodiscard]] std::unique_ptr<SinkTarget> make_target(std::size_t sink, PartitionId partition);
  std::shared_ptr<const PipelineConfig> pipeline_;
  EventLog& log_;
  const Clock& clock_;
  Logbook& logbook_;
  SinkCursorFiles cursors_;
  SinkBoard board_;
  std::vector<std::shared_ptr<SinkGauges>> gauges_;     // by sink, then partition
  std::vector<std::shared_ptr<StdoutStream>> streams_;  // by sink; null: it is no such sink
  std::unique_ptr<HttpFetch> fetch_;                    // null: no sink asks anybody
  std::vector<std::unique_ptr<WorkPool>> threads_;      // one for each sink: one that hangs keeps nobody else
};

}  // namespace weir
