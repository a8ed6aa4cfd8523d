// What is to be done with snapshots of a partition: whether one is due, which go, which one a restore begins with, and what the
// log may let go of. Looks at what is known of them; reads and writes nothing.
#pragma once
#include <chrono>
#include <cstdint>
#include <optional>
#include <string>
#include <vector>

#include "runtime/base/ids.h"
#include "runtime/engine/sink_gauges.h"
#include "runtime/event/snapshot_manifest.h"
#include "runtime/ports/clock.h"
#include "runtime/ports/event_log.h"
#include "runtime/ports/snapshot_config.h"
#include "runtime/ports/snapshot_store.h"

namespace weir {

/// What a snapshot must belong to.
struct SnapshotPlace {
  Digest128 log_id;
  Digest128 wall_hash;
};

/// Empty: it belongs there. Else what it belongs to instead, for people.
[[nodiscard]] std::string foreign_reason(const SnapshotManifest& manifest, const SnapshotPlace& place);

/// `newest`: when the newest one was made; none: there is none. `commits`: made since. A clock that was set back makes no
/// snapshot wait longer than one interval.
[[nodiscard]] bool snapshot_due(const SnapshotConfig& config, UnixMicros now, std::optional<UnixMicros> newest, std::uint64_t commits) noexcept;
/// Likewise; `newest`: when one was last verified.
[[nodiscard]] bool verify_due(const SnapshotConfig& config, UnixMicros now, std::optional<UnixMicros> newest) noexcept;

/// Ids of those that may go: everything but the `keep` newest that can be used and the newest verified one. What belongs to another
/// log is left alone, and so is a damaged one that is newer than what is kept: somebody may want to look at it.
[[nodiscard]] std::vector<std::string> snapshots_to_remove(const std::vector<StoredSnapshot>& known, const SnapshotPlace& place, std::uint32_t keep);

/// Those to try at a restore, newest first, and those that are not to be, each with why.
struct RestoreChoice {
  std::vector<const StoredSnapshot*> candidates;
  struct Refusal {
    std::string id;
    std::string why;
  };
  std::vector<Refusal> refused;
};
/// `begin`: commits up to and including this one are no longer in the log; `end`: the newest in it. A base below `begin` leaves a
/// gap, one beyond `end` knows commits that the log has lost. `known` must outlive the choice.
[[nodiscard]] RestoreChoice choose_base(const std::vector<StoredSnapshot>& known, const SnapshotPlace& place, CommitSequence begin, CommitSequence end);

/// Up to where a partition's log may let go, and what keeps it from more.
struct TrimPlan {
  std::optional<TrimPoint> point;  // none: nothing may go
  std::string held_by;             // for people: "snapshot 3-17-9f8a01c2", "sink archive", "no snapshot was verified yet"
};
/// What neither a restore from the oldest verified snapshot that is kept nor a sink would read. `kept`: after what may go is gone. How old
/// it must be (log.retain) is the log's to heed.
[[nodiscard]] TrimPlan plan_trim(PartitionId partition, const std::vector<StoredSnapshot>& kept, const SnapshotPlace& place, const PartitionStatus& status,
                                 const std::optional<SinkNeed>& sinks);

/// The newest that can be used. none: there is none.
[[nodiscard]] const StoredSnapshot* newest_usable(const std::vector<StoredSnapshot>& known, const SnapshotPlace& place);

}  // namespace weir
