#include "cluster/node/snapshot_maker.h"

#include <filesystem>

#include "runtime/adapters/directory_snapshots/directory_files.h"
#include "runtime/base/fail_point.h"
#include "runtime/base/hash.h"
#include "runtime/engine/digest.h"

namespace weir {

namespace {

/// The files of a checkpoint, until the node ends.
class CheckpointFiles final : public FileSource {
 public:
  CheckpointFiles(const SnapshotGround& ground, std::string directory) : files_(*ground.files, std::move(directory)), ending_(ground.ending) {}
  Result<std::vector<std::string>> names() const override { return files_.names(); }
  Result<void> read(const std::string& name, const PieceTaker& take) const override {
    return files_.read(name, [&](std::string_view piece) -> Result<void> {
      if (ending_ != nullptr && *ending_) return fail(Errc::cancelled, "the node is stopping");
      return take(piece);
    });
  }

 private:
  DirectorySource files_;
  const std::atomic<bool>* ending_;
};

}  // namespace

SnapshotPlace snapshot_place(std::uint32_t partitions, std::string_view wall_text, const Digest128& log_id) {
  return {log_id, xxh3_128(fmt::format("partitions={}\n{}", partitions, wall_text))};
}

std::string snapshot_directory(const std::string& data, const std::string& configured) { return configured.empty() ? data + "/snapshots" : configured; }

std::string scratch_directory(const std::string& data) { return data + "/scratch"; }
std::string past_directory(const std::string& data) { return data + "/past"; }
std::string checkpoint_directory(const std::string& data, PartitionId partition) {
  return fmt::format("{}/checkpoint-{}", scratch_directory(data), partition.value);
}

void remove_directory(const std::string& directory) noexcept {
  std::error_code ignored;
  std::filesystem::remove_all(directory, ignored);
}

Result<SnapshotManifest> describe_checkpoint(const SnapshotGround& ground, PartitionId partition, const std::string& directory) {
  ReplaySetup setup;
  setup.partition = partition;
  setup.log_id = ground.place.log_id;
  setup.views = ground.views;
  setup.remember = ground.pipeline->dedupe.remember;
  WEIR_ASSIGN(auto store, ground.states->open_read_only(directory, *ground.merger));
  WEIR_ASSIGN(const auto opened, ReplayedState::open(std::move(store), setup));
  const PartitionState& state = opened->state();
  const StateCursor& at = state.at();
  if (opened->through() < at.sequence)
    return fail(Errc::not_ready, "partition {}: a view is still being filled (commit {} of {}); a snapshot is made when it is", partition.value,
                opened->through().value, at.sequence.value);
  SnapshotManifest manifest;
  manifest.pipeline = ground.pipeline->name;
  manifest.partition = partition;
  manifest.log_id = at.log_id;
  manifest.sequence = at.sequence;
  manifest.committed = at.committed;
  manifest.epoch = at.epoch;
  manifest.partition_time = at.meta.partition_time;
  manifest.rules_hash = at.meta.rules_hash;
  manifest.created_at = ground.clock->wall();
  manifest.wall_hash = ground.place.wall_hash;
  for (const View& view : ground.views->views()) manifest.views.push_back({view.config.name, view.hash});
  WEIR_ASSIGN(manifest.state_digest, state.state_digest());
  WEIR_ASSIGN(auto picture, state.picture());
  WEIR_ASSIGN(manifest.answer_digest, answer_digest({std::move(picture)}, *ground.views));
  return manifest;
}

Result<MadeSnapshot> publish_checkpoint(const SnapshotGround& ground, PartitionId partition, const std::string& directory, std::uint32_t keep) {
  WEIR_ASSIGN(SnapshotManifest manifest, describe_checkpoint(ground, partition, directory));
  WEIR_FAIL_POINT_TRY("snapshot_before_publish");
  MadeSnapshot made;
  WEIR_ASSIGN(made.id, ground.store->publish(std::move(manifest), CheckpointFiles(ground, directory)));
  WEIR_FAIL_POINT_TRY("snapshot_published");
  WEIR_ASSIGN(const auto known, ground.store->list(partition));
  for (const StoredSnapshot& snapshot : known)
    if (snapshot.id == made.id && snapshot.manifest) made.manifest = *snapshot.manifest;
  for (std::string& id : snapshots_to_remove(known, ground.place, keep))
    if (ground.store->remove(id)) made.removed.push_back(std::move(id));
  return made;
}

}  // namespace weir
