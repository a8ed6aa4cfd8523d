#include "cluster/api/snapshot_report.h"

#include <nlohmann/json.hpp>

#include "runtime/base/hash.h"
#include "runtime/base/time_text.h"

namespace weir {

namespace {

using nlohmann::ordered_json;

std::string text_of(const ordered_json& json) { return json.dump(-1, ' ', false, ordered_json::error_handler_t::replace); }

ordered_json json_of(const SnapshotReport& report) {
  const StoredSnapshot& snapshot = report.snapshot;
  ordered_json one{{"id", snapshot.id}, {"partition", report.partition.value}, {"usable", snapshot.trouble.empty()}};
  const auto name = parse_snapshot_id(snapshot.id);
  one["sequence"] = name ? name->sequence.value : 0;
  const bool known = snapshot.manifest.has_value();
  one["committed"] = known ? ordered_json(snapshot.manifest->committed.value) : ordered_json();
  one["created_at"] = known ? ordered_json(to_rfc3339(snapshot.manifest->created_at)) : ordered_json();
  one["verified_at"] = snapshot.verified_at ? ordered_json(to_rfc3339(*snapshot.verified_at)) : ordered_json();
  one["files"] = known ? ordered_json(snapshot.manifest->files.size()) : ordered_json();
  one["bytes"] = known ? ordered_json(snapshot.manifest->bytes()) : ordered_json();
  one["state_digest"] = known ? ordered_json(to_hex(snapshot.manifest->state_digest)) : ordered_json();
  one["answer_digest"] = known ? ordered_json(to_hex(snapshot.manifest->answer_digest)) : ordered_json();
  one["trouble"] = snapshot.trouble.empty() ? ordered_json() : ordered_json(snapshot.trouble);
  return one;
}

}  // namespace

Result<SnapshotList> list_snapshots(const SnapshotStore& store, const std::vector<PartitionStatus>& logs, const SnapshotPlace& place, const RebuildSpeed& speed) {
  SnapshotList list;
  for (std::uint32_t p = 0; p < logs.size(); ++p) {
    WEIR_ASSIGN(auto known, store.list(PartitionId{p}));
    RecoveryReport recovery;
    recovery.partition = PartitionId{p};
    std::optional<RecoveryBase> base;
    const RestoreChoice choice = choose_base(known, place, logs[p].output_begin, logs[p].position.sequence);
    if (!choice.candidates.empty()) {
      const SnapshotManifest& newest = *choice.candidates.front()->manifest;
      recovery.base = choice.candidates.front()->id;
      base = RecoveryBase{newest.sequence, newest.committed, newest.bytes()};
    }
    recovery.needed = recoverability(base, logs[p], speed);
    recovery.trimmed_commit = logs[p].output_begin;
    recovery.trimmed_offset = logs[p].ingest_begin;
    list.recovery.push_back(std::move(recovery));
    for (StoredSnapshot& snapshot : known) {
      if (snapshot.trouble.empty() && snapshot.manifest) snapshot.trouble = foreign_reason(*snapshot.manifest, place);
      list.snapshots.push_back({PartitionId{p}, std::move(snapshot)});
    }
  }
  return list;
}

std::string snapshots_json(const SnapshotList& list) {
  ordered_json json{{"snapshots", ordered_json::array()}, {"recovery", ordered_json::array()}};
  for (const SnapshotReport& report : list.snapshots) json["snapshots"].push_back(json_of(report));
  for (const RecoveryReport& report : list.recovery) {
    const Recoverability& needed = report.needed;
    ordered_json one{{"partition", report.partition.value}};
    one["base"] = needed.possible ? ordered_json(report.base.empty() ? "zero" : report.base) : ordered_json();
    one["events"] = needed.possible ? ordered_json(needed.events) : ordered_json();
    one["seconds"] = needed.seconds ? ordered_json(*needed.seconds) : ordered_json();
    one["trimmed_commit"] = report.trimmed_commit.value;
    one["trimmed_offset"] = report.trimmed_offset.value;
    one["held_by"] = report.held_by ? ordered_json(*report.held_by) : ordered_json();
    json["recovery"].push_back(std::move(one));
  }
  return text_of(json);
}

std::string fates_json(const std::vector<SnapshotFate>& fates) {
  ordered_json json{{"partitions", ordered_json::array()}};
  for (const SnapshotFate& fate : fates)
    json["partitions"].push_back({{"partition", fate.partition.value},
                                  {"id", fate.id.empty() ? ordered_json() : ordered_json(fate.id)},
                                  {"made", fate.made},
                                  {"error", fate.error.empty() ? ordered_json() : ordered_json(fate.error)}});
  return text_of(json);
}

std::string trials_json(const std::vector<TrialFate>& fates) {
  ordered_json json{{"partitions", ordered_json::array()}};
  for (const TrialFate& fate : fates) {
    const auto text = [](const std::string& of) { return of.empty() ? ordered_json() : ordered_json(of); };
    ordered_json one{{"partition", fate.partition.value}, {"good", fate.good}, {"base", fate.base.empty() ? "zero" : fate.base}};
    one["from"] = fate.from.value;
    one["until"] = fate.until.value;
    one["state_digest"] = fate.digest == Digest128{} ? ordered_json() : ordered_json(to_hex(fate.digest));
    one["difference"] = text(fate.difference);
    one["error"] = text(fate.error);
    json["partitions"].push_back(std::move(one));
  }
  return text_of(json);
}

}  // namespace weir
