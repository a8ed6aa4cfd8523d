// The two digests of design section 4, defined over what the state says, not over how it lies on disk.
//
// Answer digest: rows of every view, merged over the partitions, and the present state of every id. Equal across runs,
// logs, machines, owners and numbers of partitions. State digest: everything of one partition at one position. Equal
// between live, reopened and replayed state, wherever flushes fell.
#pragma once
#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "runtime/base/ids.h"
#include "runtime/base/result.h"
#include "runtime/engine/partition_state.h"
#include "runtime/engine/view_set.h"

namespace weir {

/// Windows that end before this moment are hidden when the greatest event time is `greatest`: by `retain`, and by what
/// it was before, whose rows may be gone (`dropped_before`, ViewState). kNoTime: none are.
[[nodiscard]] std::int64_t hidden_before(const ViewConfig& config, std::int64_t greatest,
                                         std::int64_t dropped_before = kNoTime) noexcept;

/// Start of the first window that is not hidden by that. nullopt: nothing is.
[[nodiscard]] std::optional<std::int64_t> first_kept_window(const ViewConfig& config, std::size_t window,
                                                            std::int64_t hidden_before) noexcept;

/// The greatest event time committed in any of the partitions; kNoTime: none.
[[nodiscard]] std::int64_t greatest_event_time(const std::vector<PartitionPicture>& partitions) noexcept;

/// Over the views of the set and the ids of the given partitions (all of them for the total, one for a part).
/// Errors: state_damaged, io_failed; not_found (a partition has no rows for a view: it is still to be filled).
[[nodiscard]] Result<Digest128> answer_digest(const std::vector<PartitionPicture>& partitions, const ViewSet& views);

/// Collects a partition's state digest. Every part is a sum over entries, so that no order matters.
class StateDigest {
 public:
  StateDigest(const PartitionPicture& partition, const ViewSet& views) : partition_(partition), views_(views) {}
  /// Errors: state_damaged, io_failed.
  [[nodiscard]] Result<void> add_views();
  [[nodiscard]] Result<void> add_letters();
  /// In the order of joining.
  void add_participant(const Digest128& digest) { add(digest); }
  /// With ledger, position, partition time and sums of the newest commit.
  [[nodiscard]] Digest128 finish() const;

 private:
  void add(const Digest128& digest);
  const PartitionPicture& partition_;
  const ViewSet& views_;
  std::string text_;
};

}  // namespace weir
