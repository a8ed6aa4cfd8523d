#include "runtime/engine/snapshot_plan.h"

#include <algorithm>

#include "runtime/base/hash.h"

namespace weir {

namespace {

bool elapsed(std::chrono::microseconds interval, UnixMicros now, UnixMicros since) noexcept {
  return now - since >= interval.count() || since > now + interval.count();
}

bool usable(const StoredSnapshot& snapshot, const SnapshotPlace& place) {
  return snapshot.manifest && snapshot.trouble.empty() && foreign_reason(*snapshot.manifest, place).empty();
}

/// By what they hold, never by when somebody says they were made.
bool newer(const StoredSnapshot* a, const StoredSnapshot* b) {
  if (a->manifest->sequence != b->manifest->sequence) return a->manifest->sequence > b->manifest->sequence;
  if (a->manifest->created_at != b->manifest->created_at) return a->manifest->created_at > b->manifest->created_at;
  return a->id > b->id;
}

std::vector<const StoredSnapshot*> usable_ones(const std::vector<StoredSnapshot>& known, const SnapshotPlace& place) {
  std::vector<const StoredSnapshot*> found;
  for (const StoredSnapshot& snapshot : known)
    if (usable(snapshot, place)) found.push_back(&snapshot);
  std::sort(found.begin(), found.end(), newer);
  return found;
}

}  // namespace

std::string foreign_reason(const SnapshotManifest& manifest, const SnapshotPlace& place) {
  if (manifest.log_id != place.log_id)
    return fmt::format("it belongs to log {}, this is log {}", to_hex(manifest.log_id), to_hex(place.log_id));
  if (manifest.wall_hash != place.wall_hash)
    return "it was made under other partitions, ids or formats than the pipeline has";
  return {};
}

bool snapshot_due(const SnapshotConfig& config, UnixMicros now, std::optional<UnixMicros> newest, std::uint64_t commits) noexcept {
  if (config.interval.count() == 0 || commits == 0) return false;
  return !newest || elapsed(config.interval, now, *newest);
}

bool verify_due(const SnapshotConfig& config, UnixMicros now, std::optional<UnixMicros> newest) noexcept {
  if (config.verify_interval.count() == 0) return false;
  return !newest || elapsed(config.verify_interval, now, *newest);
}

std::vector<std::string> snapshots_to_remove(const std::vector<StoredSnapshot>& known, const SnapshotPlace& place, std::uint32_t keep) {
  const std::vector<const StoredSnapshot*> usable = usable_ones(known, place);
  if (usable.size() <= keep) return {};
  const auto verified = std::find_if(usable.begin(), usable.end(), [](const StoredSnapshot* one) { return one->verified_at.has_value(); });
  std::vector<std::string> gone;
  for (auto it = usable.begin() + keep; it != usable.end(); ++it)
    if (it != verified) gone.push_back((*it)->id);
  // Damaged ones below what is kept; what has no manifest says by its id what it held.
  const CommitSequence oldest = usable[keep - 1]->manifest->sequence;
  for (const StoredSnapshot& snapshot : known) {
    if (snapshot.trouble.empty() || (snapshot.manifest && !foreign_reason(*snapshot.manifest, place).empty())) continue;
    if (const auto name = parse_snapshot_id(snapshot.id); name && name->sequence < oldest) gone.push_back(snapshot.id);
  }
  return gone;
}

RestoreChoice choose_base(const std::vector<StoredSnapshot>& known, const SnapshotPlace& place, CommitSequence begin, CommitSequence end) {
  RestoreChoice choice;
  for (const StoredSnapshot& snapshot : known) {
    std::string why = snapshot.trouble;
    if (why.empty() && !snapshot.manifest) why = "it has no manifest";
    if (why.empty()) why = foreign_reason(*snapshot.manifest, place);
    if (why.empty() && snapshot.manifest->sequence < begin)
      why = fmt::format("the log begins behind commit {}, it ends at commit {}", begin.value, snapshot.manifest->sequence.value);
    if (why.empty() && snapshot.manifest->sequence > end)
      why = fmt::format("it holds commit {}, the log ends at commit {}: the log has lost what it had", snapshot.manifest->sequence.value, end.value);
    if (why.empty()) {
      choice.candidates.push_back(&snapshot);
    } else {
      choice.refused.push_back({snapshot.id, std::move(why)});
    }
  }
  std::sort(choice.candidates.begin(), choice.candidates.end(), newer);
  return choice;
}

TrimPlan plan_trim(PartitionId partition, const std::vector<StoredSnapshot>& kept, const SnapshotPlace& place, const PartitionStatus& status,
                   const std::optional<SinkNeed>& sinks) {
  const RestoreChoice choice = choose_base(kept, place, status.output_begin, status.position.sequence);
  const auto& bases = choice.candidates;
  const auto oldest = std::find_if(bases.rbegin(), bases.rend(), [](const StoredSnapshot* one) { return one->verified_at.has_value(); });
  if (oldest == bases.rend()) return {std::nullopt, bases.empty() ? "there is no snapshot yet" : "no snapshot was verified yet"};
  const SnapshotManifest& base = *(*oldest)->manifest;
  TrimPlan plan{TrimPoint{partition, std::min(base.committed, status.position.committed), base.sequence}, fmt::format("snapshot {}", (*oldest)->id)};
  if (sinks && sinks->taken < base.sequence) {
    plan.point->output_through = sinks->taken;
    plan.held_by = fmt::format("sink {}", sinks->sink);
  }
  return plan;
}

const StoredSnapshot* newest_usable(const std::vector<StoredSnapshot>& known, const SnapshotPlace& place) {
  const std::vector<const StoredSnapshot*> usable = usable_ones(known, place);
  return usable.empty() ? nullptr : usable.front();
}

}  // namespace weir
