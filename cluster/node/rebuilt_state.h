// A state made anew somewhere aside: of a snapshot and the commits behind it, up to where somebody wants it.
#pragma once
#include <memory>
#include <optional>
#include <string>

#include "cluster/node/replayed_state.h"
#include "cluster/node/snapshot_maker.h"
#include "runtime/engine/recoverability.h"

namespace weir {

struct RebuildSetup {
  PartitionId partition;
  PartitionStatus status;  // of the log
  ReplayedState::ReadOutput read;
  std::string aside;       // a directory that is made; the caller removes it, before and behind
  std::size_t delta_bytes_max = 8 * 1024 * 1024;
  bool check_digest = false;  // of what was restored: reads all of it
};

struct RebuiltState {
  std::unique_ptr<ReplayedState> state;
  RebuildMeasure measure;
  std::optional<std::string> wrong_from_the_start;  // as restored, it has not the digest that its manifest says, for people
};

/// `base`: none, the log from its first commit. Errors: not_found, state_damaged, format_newer (the base); log_damaged, below_horizon,
/// data_foreign; io_failed, disk_full, cancelled.
[[nodiscard]] Result<RebuiltState> rebuild_state(const SnapshotGround& ground, const RebuildSetup& setup, const StoredSnapshot* base, CommitSequence until);

/// Removes a directory now and at the end.
class Aside {
 public:
  explicit Aside(std::string directory) : directory_(std::move(directory)) { remove_directory(directory_); }
  ~Aside() { remove_directory(directory_); }
  Aside(const Aside&) = delete;
  Aside& operator=(const Aside&) = delete;
  [[nodiscard]] const std::string& directory() const noexcept { return directory_; }

 private:
  std::string directory_;
};

}  // namespace weir
