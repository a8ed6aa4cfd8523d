// Everything a pipeline runs on, opened: compiled stages and views, data directory with its lock, log, stores. What
// `weir run` and `weir up` have in common.
#pragma once
#include <atomic>
#include <memory>
#include <optional>
#include <string>
#include <vector>

#include "actors/partition/pipeline_supervisor.h"
#include "cluster/node/compiled_pipeline.h"
#include "cluster/node/limits_watch.h"
#include "cluster/node/open_sinks.h"
#include "cluster/node/rules_watch.h"
#include "cluster/node/snapshot_maker.h"
#include "cluster/node/state_opening.h"
#include "cluster/node/suspects_file.h"
#include "runtime/adapters/embedded_log/embedded_log.h"
#include "runtime/adapters/rocksdb_state/rocksdb_states.h"
#include "runtime/adapters/system/data_directory.h"
#include "runtime/adapters/system/system_clock.h"
#include "runtime/adapters/system/work_pool.h"
#include "runtime/engine/door_pressure.h"
#include "runtime/engine/files_gauges.h"
#include "runtime/engine/lookup_gauges.h"
#include "runtime/engine/pending_gauges.h"
#include "runtime/engine/memory_plan.h"
#include "runtime/engine/partition_gauges.h"
#include "runtime/ports/clock.h"
#include "runtime/ports/http_fetch.h"
#include "runtime/ports/logbook.h"
#include "runtime/ports/node_config.h"

namespace weir {

/// What a `files` input says of itself.
struct FilesInput {
  std::string name;
  std::shared_ptr<FilesGauges> gauges = std::make_shared<FilesGauges>();
};

/// Not movable: actors and stores point into it. Must outlive the actor system.
class OpenPipeline {
 public:
  /// Errors: config_invalid, input_unreadable (a table), data_locked, data_foreign, format_newer, log_damaged,
  /// state_damaged, io_failed, disk_full. `clock` and `logbook` must outlive it; `opening` is called until it is there.
  [[nodiscard]] static Result<std::unique_ptr<OpenPipeline>> open(PipelineConfig pipeline, NodeConfig node,
                                                                  std::string data, const Clock& clock,
                                                                  Logbook& logbook, const LogProgress& opening = {});
  OpenPipeline(const OpenPipeline&) = delete;
  OpenPipeline& operator=(const OpenPipeline&) = delete;
  ~OpenPipeline() { close(); }

  [[nodiscard]] const PipelineConfig& config() const noexcept { return pipeline_->config(); }
  [[nodiscard]] const NodeConfig& node() const noexcept { return node_; }
  [[nodiscard]] const CompiledPipeline& compiled() const noexcept { return *pipeline_; }
  [[nodiscard]] const std::string& data() const noexcept { return data_; }
  [[nodiscard]] EmbeddedLog& log() noexcept { return *log_; }
  [[nodiscard]] Rng& rng() noexcept { return rng_; }
  [[nodiscard]] const MemoryPlan& memory() const noexcept { return memory_; }
  /// For doors; set by the watch.
  [[nodiscard]] const Clock& clock() const noexcept { return clock_; }
  [[nodiscard]] DoorPressure& pressure() noexcept { return pressure_; }
  [[nodiscard]] const DoorPressure& pressure() const noexcept { return pressure_; }
  [[nodiscard]] const std::vector<std::shared_ptr<PartitionGauges>>& gauges() const noexcept { return gauges_; }
  [[nodiscard]] const std::shared_ptr<CommitGauges>& commits() const noexcept { return commits_; }
  [[nodiscard]] const RulesGauges& rules() const noexcept { return *rules_gauges_; }
  /// Who is inside a stage.
  [[nodiscard]] const MappedMarks& marks() const noexcept { return *marks_; }
  /// The live supervision tree.
  [[nodiscard]] const std::shared_ptr<ActorBoard>& board() const noexcept { return board_; }
  /// What stages ask servers for.
  [[nodiscard]] const LookupBoard& lookups() const noexcept { return *lookups_; }
  [[nodiscard]] const PendingBoard& pending() const noexcept { return *pending_; }
  [[nodiscard]] TapBoard& taps() noexcept { return *taps_; }
  /// The `files` inputs of the pipeline, in file order, whoever reads them.
  [[nodiscard]] const std::vector<FilesInput>& files_inputs() const noexcept { return files_inputs_; }
  /// How far the sinks are.
  [[nodiscard]] const SinkBoard& sinks() const noexcept { return sinks_->board(); }
  /// When the actors are gone and their system is still there: calls and threads of sinks, and states that are being opened, may still
  /// speak to them. What is being restored is broken off.
  void end_beside();
  /// Whether events may come over HTTP.
  [[nodiscard]] bool takes_http() const;
  /// What of this uses memory, by component.
  [[nodiscard]] std::vector<MemoryUse> memory_use() const;
  /// Events accepted and not committed.
  [[nodiscard]] std::uint64_t backlog() const;
  /// What opening found and a person should know, one line each: a torn tail that was cut.
  [[nodiscard]] std::vector<std::string> recovery_notes() const;

  /// Times that a snapshot became the state of the partition.
  [[nodiscard]] std::uint64_t restored(PartitionId partition) const { return opening_->restored(partition); }
  /// What snapshots of it are made with and kept in. Valid until close().
  [[nodiscard]] SnapshotGround snapshot_ground() const;

  /// Partitions, committer and stores; doors and whoever listens are the caller's to add.
  [[nodiscard]] PipelineSetup setup();
  /// Of the files that its stages read. Must not outlive this, nor `looks`. Once, after setup(): from then on compiled() has no
  /// rules any more, so that nobody keeps the first ones.
  [[nodiscard]] RulesWatch watch_rules(const FileLooks& looks);

  /// After the actors are gone. Idempotent; blocks until the log is closed.
  void close();
  /// The log once more, after close(): for marks that are written last.
  [[nodiscard]] Result<std::unique_ptr<EmbeddedLog>> open_log_again(const LogProgress& opening = {});

 private:
  [[nodiscard]] Result<void> open_marks();
  OpenPipeline(NodeConfig node, std::string data, const Clock& clock, Logbook& logbook)
      : node_(std::move(node)), data_(std::move(data)), clock_(clock), logbook_(logbook) {}
  NodeConfig node_;
  std::string data_;
  const Clock& clock_;
  Logbook& logbook_;
  SystemRng rng_;
  MemoryPlan memory_;
  DoorPressure pressure_;
  std::vector<std::shared_ptr<PartitionGauges>> gauges_;
  std::shared_ptr<CommitGauges> commits_ = std::make_shared<CommitGauges>();
  std::shared_ptr<ActorBoard> board_ = std::make_shared<ActorBoard>();
  std::unique_ptr<RulesGauges> rules_gauges_ = std::make_unique<RulesGauges>();
  std::vector<FilesInput> files_inputs_;
  std::unique_ptr<CompiledPipeline> pipeline_;
  std::optional<DataDirectory> directory_;
  std::shared_ptr<MappedMarks> marks_;
  Suspects suspects_;
  std::shared_ptr<LookupBoard> lookups_ = std::make_shared<LookupBoard>();
  std::shared_ptr<PendingBoard> pending_ = std::make_shared<PendingBoard>();
  std::shared_ptr<TapBoard> taps_ = std::make_shared<TapBoard>();
  std::unique_ptr<HttpFetch> fetch_;  // null: no stage asks anybody
  std::unique_ptr<EmbeddedLog> log_;
  std::unique_ptr<RocksdbStates> stores_;
  std::unique_ptr<SnapshotStore> snapshots_;
  std::unique_ptr<StateOpening> opening_;
  std::unique_ptr<OpenSinks> sinks_;
  std::atomic<bool> ending_{false};
  /// Where states are opened, several side by side: each waits for the disk as long as it computes. Last: its jobs use the others.
  WorkPool beside_{4, 1'024};
};

}  // namespace weir
