// The sinks of a pipeline in memory: what each was given, in the order in which it took it. Nothing is written anywhere, unless somebody
// gives a sink another target.
#pragma once
#include <cstdint>
#include <functional>
#include <memory>
#include <string>
#include <vector>

#include "actors/partition/pipeline_supervisor.h"
#include "runtime/adapters/memory/memory_sink.h"
#include "runtime/engine/sink_gauges.h"
#include "runtime/ports/event_log.h"

namespace weir {

/// One record that a sink has taken.
struct SunkRecord {
  std::string sink;
  PartitionId partition;
  std::string id;    // as the sink gets it
  std::string text;  // one line
};

/// Not thread-safe. `config` must outlive it.
class MemorySinks {
 public:
  /// The target of sink `sink` in a partition; null: nobody gets what the sink takes.
  using MakeTarget = std::function<std::unique_ptr<SinkTarget>(std::size_t sink, PartitionId partition)>;
  explicit MemorySinks(const PipelineConfig& config, MakeTarget make = {}) : config_(&config), make_(std::move(make)) {}

  /// For a life of the node; a sink goes on where it was in the life before. All of them must outlive the actors.
  [[nodiscard]] std::vector<PipelineSink> open(EventLog& log, const Clock& clock, Logbook& logbook, std::function<void(std::function<void()>)> post);
  /// By the order in which they were taken.
  [[nodiscard]] const std::vector<SunkRecord>& taken() const noexcept { return *taken_; }
  /// "sink archive, partition 0: …" of each that was declared broken in the last life.
  [[nodiscard]] std::vector<std::string> broken() const;

 private:
  const PipelineConfig* config_;
  MakeTarget make_;
  MemorySinkCursors cursors_;
  std::shared_ptr<std::vector<SunkRecord>> taken_ = std::make_shared<std::vector<SunkRecord>>();
  SinkBoard board_;
};

}  // namespace weir
