// Snapshots for people and scripts: what `weir snapshot list` and /v1/snapshots say.
#pragma once
#include <string>
#include <vector>

#include "runtime/engine/snapshot_plan.h"
#include "runtime/ports/snapshot_store.h"

namespace weir {

/// One snapshot with everything that is known against it: `snapshot.trouble`, or that it belongs to another log.
struct SnapshotReport {
  PartitionId partition;
  StoredSnapshot snapshot;
};

/// What the store has of these partitions, newest commit first in each. Errors: io_failed.
[[nodiscard]] Result<std::vector<SnapshotReport>> list_snapshots(const SnapshotStore& store, std::uint32_t partitions, const SnapshotPlace& place);

/// What became of a partition when snapshots were asked for.
struct SnapshotFate {
  PartitionId partition;
  std::string id;     // of the newest one; empty: there is none
  bool made = false;  // just now; else there was nothing new since it
  std::string error;  // why none could be made
};

/// One line each, without a line's end.
[[nodiscard]] std::string snapshots_json(const std::vector<SnapshotReport>& reports);
[[nodiscard]] std::string fates_json(const std::vector<SnapshotFate>& fates);

}  // namespace weir
