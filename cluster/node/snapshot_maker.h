// Makes snapshots, and throws old ones away: what is done on a thread where it may take its time.
#pragma once
#include <atomic>
#include <string>

#include "cluster/node/replayed_state.h"
#include "runtime/adapters/rocksdb_state/rocksdb_states.h"
#include "runtime/engine/snapshot_plan.h"
#include "runtime/ports/clock.h"
#include "runtime/ports/file_ops.h"
#include "runtime/ports/pipeline_config.h"
#include "runtime/ports/snapshot_store.h"

namespace weir {

/// What snapshots of a pipeline are made with; all of it outlives them.
struct SnapshotGround {
  const PipelineConfig* pipeline = nullptr;
  const ViewSet* views = nullptr;
  const StateMerger* merger = nullptr;
  RocksdbStates* states = nullptr;
  SnapshotStore* store = nullptr;
  files::FileOps* files = nullptr;
  const Clock* clock = nullptr;
  SnapshotPlace place;
  std::string data;  // the data directory: for what is made aside
  const std::atomic<bool>* ending = nullptr;  // true: what is under way ends with `cancelled`; may be null
};

/// What snapshots of this data must belong to.
[[nodiscard]] SnapshotPlace snapshot_place(std::uint32_t partitions, std::string_view wall_text, const Digest128& log_id);
/// Where they are kept: `configured` (SnapshotConfig::directory), or beside the state.
[[nodiscard]] std::string snapshot_directory(const std::string& data, const std::string& configured);

/// Where checkpoints of a partition's state and states that are being tried out lie for as long as they are needed, inside the
/// data directory; what a killed process left there is removed when the next one begins.
[[nodiscard]] std::string scratch_directory(const std::string& data);
/// Likewise states of the past that somebody asks for.
[[nodiscard]] std::string past_directory(const std::string& data);
[[nodiscard]] std::string checkpoint_directory(const std::string& data, PartitionId partition);

/// Removes the directory and everything in it; of what cannot be removed nothing is said: it counts as disk space.
void remove_directory(const std::string& directory) noexcept;

/// What a checkpoint holds, with its digests: reads all of it. Errors: state_damaged, io_failed, not_ready (a view is still to be
/// filled, so no digest can be made).
[[nodiscard]] Result<SnapshotManifest> describe_checkpoint(const SnapshotGround& ground, PartitionId partition, const std::string& directory);

struct MadeSnapshot {
  std::string id;
  SnapshotManifest manifest;
  std::vector<std::string> removed;  // older ones that went for it
};
/// Publishes the checkpoint, then removes what `keep` does not need. Errors: of describing and publishing; a snapshot that could not be
/// removed is left for the next time.
[[nodiscard]] Result<MadeSnapshot> publish_checkpoint(const SnapshotGround& ground, PartitionId partition, const std::string& directory, std::uint32_t keep);

}  // namespace weir
