// The data of a stopped node, opened to be asked: nothing is written, no lock is taken. What is in the journal and not yet in the
// state is applied in memory.
#pragma once
#include <memory>
#include <string>
#include <vector>

#include "cluster/node/replayed_state.h"
#include "runtime/adapters/embedded_log/read_only_log.h"
#include "runtime/adapters/rocksdb_state/rocksdb_states.h"
#include "runtime/engine/partition_state.h"
#include "runtime/ports/pipeline_config.h"
#include "runtime/ports/plugin_kinds.h"

namespace weir {

class StoppedData {
 public:
  struct Partition {
    PartitionId id;
    PartitionStatus status;
    std::unique_ptr<ReplayedState> replayed;
    PartitionState* state = nullptr;  // of `replayed`
  };

  /// Errors: not_found (no data there), data_locked (a node runs on it), data_foreign, format_newer, state_damaged, log_damaged,
  /// io_failed; each names the place.
  /// `plugins`: whose views can be asked. The rows of others are left as they are.
  /// `progress`: of reading what the index lacks, and of what is applied in memory.
  /// `held`: the caller holds the directory's lock and has closed everything in it.
  [[nodiscard]] static Result<std::unique_ptr<StoppedData>> open(const std::string& directory, const PluginKinds& plugins, bool held = false, const LogProgress& progress = {});

  [[nodiscard]] const PipelineConfig& config() const noexcept { return config_; }
  /// But those of plugins that are not loaded.
  [[nodiscard]] const ViewSet& views() const noexcept { return views_; }
  /// Error config_invalid: a view (`name`; empty: any) is of a plugin that is not loaded.
  [[nodiscard]] Result<void> check_loaded(std::string_view name = {}) const;
  [[nodiscard]] const std::vector<Partition>& partitions() const noexcept { return partitions_; }
  [[nodiscard]] const ReadOnlyLog& log() const noexcept { return *log_; }
  /// The state of a partition as it was flushed last: without what is applied in memory. Errors: io_failed.
  [[nodiscard]] Result<std::shared_ptr<const StateReader>> flushed(PartitionId partition) const;
  /// Of all partitions, for queries. Errors: state_damaged, io_failed.
  [[nodiscard]] Result<std::vector<PartitionPicture>> pictures() const;

 private:
  StoppedData() = default;
  [[nodiscard]] Result<void> open_partition(const std::string& directory, PartitionId id, const LogProgress& progress);
  PipelineConfig config_;
  ViewSet views_;
  RocksdbStates stores_;
  std::unique_ptr<ReadOnlyLog> log_;
  std::vector<Partition> partitions_;
};

}  // namespace weir
