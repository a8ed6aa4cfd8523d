// Tries a snapshot out: restores it aside, replays the log to a checkpoint of the present state, compares the two. A copy that nobody
// has restored is none.
#pragma once
#include <functional>
#include <string>

#include "cluster/api/snapshot_report.h"
#include "cluster/node/snapshot_maker.h"

namespace weir {

/// Where a trial begins.
struct TrialBase {
  enum class Kind : std::uint8_t {
    newest,  // the newest snapshot that can be used
    zero,    // the first commit; where the log no longer has it, the oldest snapshot that can be used
    id,      // the snapshot named
  };
  Kind kind = Kind::newest;
  std::string id;
};
/// "newest", "zero", or an id. Error invalid_argument.
[[nodiscard]] Result<TrialBase> parse_trial_base(std::string_view text);

/// What a trial is made with beside the ground.
struct TrialSetup {
  PartitionId partition;
  PartitionStatus status;                 // of the log
  ReplayedState::ReadOutput read;
  std::string aside;                      // a directory that is made and removed
  std::size_t delta_bytes_max = 8 * 1024 * 1024;
};

/// The state that is compared with, at the commit the trial ends at: of a checkpoint, or of a stopped node. Outlives the trial.
struct PresentState {
  CommitSequence sequence;
  Digest128 digest;
  Result<PartitionPicture> picture;  // for naming the difference
};

/// Which snapshot a trial begins with; nullopt: the first commit of the log. Errors: not_found (there is none, or none of this id that can be
/// used: says why), below_horizon.
[[nodiscard]] Result<std::optional<StoredSnapshot>> choose_trial_base(const SnapshotGround& ground, PartitionId partition, const PartitionStatus& status,
                                                                      const TrialBase& base);

/// The fate says how it went: `good`, or the first difference, or what the base suffers from. A snapshot that is good is marked as
/// verified. Errors: those that say nothing of the snapshot: io_failed, disk_full, cancelled.
[[nodiscard]] Result<TrialFate> try_out(const SnapshotGround& ground, const TrialSetup& setup, const TrialBase& base, const PresentState& present);

}  // namespace weir
