#include "cluster/node/change_plan.h"

#include <fmt/format.h>

#include <algorithm>

#include "cluster/node/open_sinks.h"
#include "runtime/adapters/system/data_directory.h"
#include "runtime/base/units.h"

namespace weir {

namespace {

const ViewConfig* find(const std::vector<ViewConfig>& views, const std::string& name) {
  const auto found = std::find_if(views.begin(), views.end(), [&](const ViewConfig& view) { return view.name == name; });
  return found == views.end() ? nullptr : &*found;
}

/// The partition whose log is cut latest decides since when a view built anew is complete.
Result<std::int64_t> log_since(const StoppedData& data) {
  std::int64_t since = kNoTime;
  for (const StoppedData::Partition& partition : data.partitions()) {
    if (partition.status.output_begin.value == 0) continue;
    std::int64_t here = partition.state->meta().partition_time;
    WEIR_ASSIGN(const auto records, data.log().read_output({partition.id, partition.status.output_begin, 1}));
    if (!records.empty()) {
      WEIR_ASSIGN(const CommitBody body, CommitBody::decode(records.front().body));
      here = body.meta.partition_time;
    }
    since = std::max(since, here);
  }
  return since;
}

PlannedChange refusal(const IdentityDifference& difference) {
  return {difference.what, ChangeKind::refused, fmt::format("{} -> {}: {}", difference.stored, difference.wanted, difference.why), difference.todo,
          kNoTime};
}

PlannedChange plan_rules(const DataFacts& facts, const Digest128& rules_hash) {
  const bool same = std::all_of(facts.rules.begin(), facts.rules.end(), [&](const Digest128& rules) { return rules == rules_hash; });
  if (facts.rules.empty()) return {"stages", ChangeKind::in_place, "nothing was decided yet", "", kNoTime};
  if (same) return {"stages", ChangeKind::unchanged, "record, stages, tables and limits are those of the newest commit", "", kNoTime};
  return {"stages", ChangeKind::in_place,
          "record, stages, tables or limits differ from those of the newest commit: from the next batch on; what was decided before stays", "", kNoTime};
}

/// Of one view the data has rows of, under this definition: how many partitions have it, and since when it is complete.
struct Stored {
  std::size_t same = 0, other = 0;
  std::int64_t complete_since = kNoTime;
  bool cut = false;      // commits that it lacks are no longer in the log
  bool dropped = false;  // windows have gone by `retain`
};
Stored stored_of(const DataFacts& facts, const std::string& name, const Digest128& hash) {
  Stored stored;
  for (std::size_t partition = 0; partition < facts.view_states.size(); ++partition) {
    for (const ViewState& state : facts.view_states[partition]) {
      if (state.name != name) continue;
      ++(state.hash == hash ? stored.same : stored.other);
      if (state.hash != hash) continue;
      stored.complete_since = std::max(stored.complete_since, state.complete_since);
      stored.cut = stored.cut || state.through < facts.trimmed.at(partition);
      stored.dropped = stored.dropped || state.dropped_before != kNoTime;
    }
  }
  return stored;
}

/// What becomes of a view whose rows stay.
PlannedChange plan_kept_rows(const DataFacts& facts, const View& view, const Stored& stored, const std::string& what) {
  const ViewConfig* before = find(facts.views, view.config.name);
  if (before == nullptr && stored.cut)
    return {what, ChangeKind::in_place,
            "was taken away and comes back: its kept rows go on, but what came since then and is no longer in the log is missing",
            "keep more with log.embedded.retain", std::max(stored.complete_since, facts.log_since)};
  if (before == nullptr)
    return {what, ChangeKind::in_place, "was taken away and comes back: its kept rows go on where they stopped", "", stored.complete_since};
  if (before->retain == view.config.retain) return {what, ChangeKind::unchanged, "", "", stored.complete_since};
  const bool longer = before->retain && (!view.config.retain || *view.config.retain > *before->retain);
  return {what, ChangeKind::in_place,
          longer && stored.dropped ? "retain changes: nothing is rebuilt for that, windows that were hidden do not come back"
                                   : "retain changes: nothing is rebuilt for that",
          "", stored.complete_since};
}

PlannedChange plan_view(const DataFacts& facts, const View& view) {
  const Stored stored = stored_of(facts, view.config.name, view.hash);
  const std::string what = "view " + view.config.name;
  if (stored.same == facts.view_states.size()) return plan_kept_rows(facts, view, stored, what);
  const std::string_view why = stored.other != 0 || stored.same != 0 ? "its definition changed" : "it is new";
  if (facts.log_since == kNoTime)
    return {what, ChangeKind::rebuilt, fmt::format("{}: built from the log when the pipeline starts", why), "", kNoTime};
  return {what, ChangeKind::rebuilt, fmt::format("{}: built from the log when the pipeline starts; what came before the log's horizon is missing", why),
          "keep more with log.embedded.retain", facts.log_since};
}

void plan_sinks(const DataFacts& facts, const PipelineConfig& wanted, std::vector<PlannedChange>& changes) {
  const auto has_cursor = [&](const std::string& name) { return std::find(facts.sinks.begin(), facts.sinks.end(), name) != facts.sinks.end(); };
  for (const SinkConfig& sink : wanted.sinks) {
    if (has_cursor(sink.name)) {
      changes.push_back({"sink " + sink.name, ChangeKind::in_place, "goes on where its cursor stands, as it is configured now", "", kNoTime});
    } else {
      changes.push_back({"sink " + sink.name, ChangeKind::in_place,
                         sink.begin == SinkBegin::now ? "it is new: begins with what is committed from then on" : "it is new: begins with the oldest that the log has", "",
                         sink.begin == SinkBegin::now ? kNoTime : facts.log_since});
    }
  }
  for (const std::string& name : facts.sinks) {
    const bool there = std::any_of(wanted.sinks.begin(), wanted.sinks.end(), [&](const SinkConfig& sink) { return sink.name == name; });
    if (!there)
      changes.push_back({"sink " + name, ChangeKind::kept,
                         "the pipeline no longer has it: its cursor stays, and the log is not kept for it; one of this name would go on where it stopped",
                         fmt::format("weir sink drop {} --data DIR", name), kNoTime});
  }
}

}  // namespace

std::string_view word(ChangeKind kind) noexcept {
  switch (kind) {
    case ChangeKind::unchanged: return "unchanged";
    case ChangeKind::in_place: return "in place";
    case ChangeKind::rebuilt: return "rebuilt";
    case ChangeKind::kept: return "kept";
    case ChangeKind::refused: return "refused";
  }
  return "refused";
}

Result<DataFacts> read_data_facts(const std::string& directory, const PluginKinds& plugins) {
  DataFacts facts;
  WEIR_ASSIGN(facts.identity, DataDirectory::look(directory));
  WEIR_ASSIGN(const auto data, StoppedData::open(directory, plugins));
  facts.remember = data->config().dedupe.remember;
  facts.views = data->config().views;
  for (const StoppedData::Partition& partition : data->partitions()) {
    if (partition.state->sequence().value != 0) facts.rules.push_back(partition.state->meta().rules_hash);
    WEIR_ASSIGN(const PartitionPicture picture, partition.state->picture());
    facts.view_states.push_back(picture.at.views);
    facts.trimmed.push_back(partition.status.output_begin);
  }
  WEIR_ASSIGN(facts.sinks, SinkCursorFiles(sinks_directory(directory)).sinks());
  WEIR_ASSIGN(facts.log_since, log_since(*data));
  return facts;
}

std::vector<PlannedChange> plan_changes(const DataFacts& facts, const PipelineConfig& wanted, const Digest128& rules_hash, const ViewSet& views) {
  std::vector<PlannedChange> changes;
  DataIdentity identity;
  identity.pipeline = wanted.name;
  identity.partitions = wanted.partitions;
  identity.wall_text = wall_text(wanted);
  for (const IdentityDifference& difference : identity_differences(facts.identity, identity)) changes.push_back(refusal(difference));
  if (!changes.empty()) return changes;
  changes.push_back(plan_rules(facts, rules_hash));
  if (facts.remember != wanted.dedupe.remember)
    changes.push_back({"dedupe.remember", ChangeKind::in_place,
                       fmt::format("{} -> {}: ids that are forgotten already stay forgotten", format_duration(facts.remember),
                                   format_duration(wanted.dedupe.remember)),
                       "", kNoTime});
  for (const View& view : views.views()) changes.push_back(plan_view(facts, view));
  std::vector<std::string> gone;
  for (const auto& partition : facts.view_states) {
    for (const ViewState& state : partition) {
      const bool known = state.name.empty() || views.find(state.name) != nullptr || std::find(gone.begin(), gone.end(), state.name) != gone.end();
      if (!known) gone.push_back(state.name);
    }
  }
  for (const std::string& name : gone)
    changes.push_back({"view " + name, ChangeKind::kept, "the pipeline no longer has it: its rows stay on disk, not updated and not asked",
                       fmt::format("weir view drop {} --data DIR", name), kNoTime});
  plan_sinks(facts, wanted, changes);
  return changes;
}

}  // namespace weir
