// Whether a commit group is current. Pure: the one rule that both the embedded and the memory log keep.
#pragma once
#include <vector>

#include "runtime/base/result.h"
#include "runtime/ports/event_log.h"

namespace weir::journal {

/// What the log knows of each partition, counting the groups decided before this one.
struct CommitView {
  const std::vector<PartitionPosition>& positions;
  const std::vector<Offset>& ingest_durable;
};

/// Errors: invalid_argument (no parts, a partition twice or out of range, to < from, a piece not a multiple of 8, over
/// 64 MiB).
[[nodiscard]] Result<void> check_shape(const CommitGroup& group, std::size_t partitions);
/// The partitions whose part is not current, with what is; empty: all are. A part is current when its epoch is the
/// partition's and not 0, its sequence the next one, its from the committed position, and its to at most the durable
/// end of ingest.
[[nodiscard]] std::vector<PartitionPosition> not_current(const CommitGroup& group, const CommitView& view);

}  // namespace weir::journal
