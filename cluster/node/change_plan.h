// What a changed pipeline file means for existing data. Decided from facts alone; reading them is for StoppedData's owner.
#pragma once
#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "cluster/node/stopped_data.h"
#include "runtime/engine/view_set.h"
#include "runtime/event/data_identity.h"
#include "runtime/event/state_cursor.h"
#include "runtime/ports/pipeline_config.h"

namespace weir {

enum class ChangeKind : std::uint8_t {
  unchanged,
  in_place,  // holds from the next batch on; what was decided before stays
  rebuilt,   // a view: filled from the curated log when the pipeline starts, answers are complete when it is ready
  kept,      // a view that is no longer asked for: its rows stay until they are dropped
  refused,   // the pipeline does not start on this data
};
/// "in place": for tables and JSON.
[[nodiscard]] std::string_view word(ChangeKind kind) noexcept;

struct PlannedChange {
  std::string what;    // "stages", "view revenue", "partitions"
  ChangeKind kind = ChangeKind::unchanged;
  std::string detail;  // what differs, or why
  std::string todo;    // what a person can do; empty: nothing
  std::int64_t complete_since = kNoTime;  // of rebuilt: the log before is gone; kNoTime: nothing is missing
};

/// What data knows of the pipeline that wrote it.
struct DataFacts {
  DataIdentity identity;
  std::chrono::microseconds remember{0};
  std::vector<ViewConfig> views;                    // of the pipeline that ran last
  std::vector<Digest128> rules;                     // of the newest commit of each partition that has one
  std::vector<std::vector<ViewState>> view_states;  // per partition
  std::vector<CommitSequence> trimmed;              // per partition: commits up to and including this one are gone
  std::vector<std::string> sinks;                   // with a cursor
  std::int64_t log_since = kNoTime;                 // commits before this partition time are trimmed somewhere; kNoTime: none are
};
/// Errors: as StoppedData::open; log_damaged.
[[nodiscard]] Result<DataFacts> read_data_facts(const std::string& directory, const PluginKinds& plugins);

/// One entry for each part that is refused, or else one for stages, dedupe.remember, each view and each sink of either side. Pure.
[[nodiscard]] std::vector<PlannedChange> plan_changes(const DataFacts& facts, const PipelineConfig& wanted, const Digest128& rules_hash,
                                                      const ViewSet& views);

}  // namespace weir
