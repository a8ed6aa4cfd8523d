// Snapshots for people and scripts: what `weir snapshot list` and /v1/snapshots say.
#pragma once
#include <optional>
#include <string>
#include <vector>

#include "runtime/engine/recoverability.h"
#include "runtime/engine/snapshot_plan.h"
#include "runtime/ports/snapshot_store.h"

namespace weir {

/// One snapshot with everything that is known against it: `snapshot.trouble`, or that it belongs to another log.
struct SnapshotReport {
  PartitionId partition;
  StoredSnapshot snapshot;
};

/// What it would take to have a partition back if its state were lost now.
struct RecoveryReport {
  PartitionId partition;
  std::string base;  // the snapshot that would be restored; empty: the log alone, where it is possible
  Recoverability needed;
  CommitSequence trimmed_commit;  // commits up to this one have left the log
  Offset trimmed_offset;          // likewise events below
  std::optional<std::string> held_by;  // what keeps the log from letting go of more; none: nobody who knows was asked
};

struct SnapshotList {
  std::vector<SnapshotReport> snapshots;  // newest commit first in each partition
  std::vector<RecoveryReport> recovery;   // one for each partition
};
/// What the store has of these partitions, and what their logs say. Without `held_by`. Errors: io_failed.
[[nodiscard]] Result<SnapshotList> list_snapshots(const SnapshotStore& store, const std::vector<PartitionStatus>& logs, const SnapshotPlace& place,
                                                  const RebuildSpeed& speed);

/// What became of a partition when snapshots were asked for.
struct SnapshotFate {
  PartitionId partition;
  std::string id;     // of the newest one; empty: there is none
  bool made = false;  // just now; else there was nothing new since it
  std::string error;  // why none could be made
};

/// How a trial of one partition went: a base was restored aside, the log replayed to the present, the states compared.
struct TrialFate {
  PartitionId partition;
  std::string base;         // the snapshot it began with; empty: the first commit of the log
  CommitSequence from;      // what the base held
  CommitSequence until;     // the present
  bool tried = true;        // false: there was nothing to try
  bool good = false;
  Digest128 digest;         // of the replayed state; zero when it did not come to that
  std::string difference;   // the first one
  std::string error;        // what the base or the log suffers from
  RebuildMeasure measure;   // how fast it went
};

/// One line each, without a line's end.
[[nodiscard]] std::string snapshots_json(const SnapshotList& list);
[[nodiscard]] std::string fates_json(const std::vector<SnapshotFate>& fates);
[[nodiscard]] std::string trials_json(const std::vector<TrialFate>& fates);

}  // namespace weir
