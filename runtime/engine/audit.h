// What people changed by hand: one record for each dead letter that was redriven, edited or dropped, written with the change itself, in one
// commit, and never changed again. A record is a JSON object on one line: at, change, who, role, why, id, partition, offset, commit,
// before, after.
#pragma once
#include <cstdint>
#include <functional>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "runtime/base/ids.h"
#include "runtime/base/result.h"
#include "runtime/engine/delta.h"
#include "runtime/engine/partition_state.h"
#include "runtime/event/commit_body.h"

namespace weir {

/// Writes the records of a commit, in front of apply_letters() for its batches: `current` gives the letters as they were. Errors:
/// state_damaged, io_failed.
[[nodiscard]] Result<void> apply_audit(PartitionId partition, CommitSequence sequence, const CommitBody& body, Delta& delta,
                                       const std::function<Result<std::optional<std::string>>(std::string_view key)>& current);

/// Where a record stands among those of all partitions: by time.
struct AuditPlace {
  std::int64_t at = 0;  // microseconds since 1970
  PartitionId partition;
  CommitSequence sequence;
  std::uint32_t number = 0;
  friend auto operator<=>(const AuditPlace&, const AuditPlace&) = default;
};

struct AuditFilter {
  std::optional<std::string> id;
  std::optional<std::string> who;
  std::optional<std::int64_t> from;  // from <= at < to, microseconds since 1970
  std::optional<std::int64_t> to;
  std::optional<AuditPlace> after;   // the last one of the page before
  std::uint64_t limit = 0;           // 0: all
};

/// Hands matching records to `visit`, the oldest first, until it returns false or the limit is reached. Returns the place of the last one
/// given when there are more. Errors: state_damaged, io_failed.
[[nodiscard]] Result<std::optional<AuditPlace>> query_audit(const std::vector<PartitionPicture>& partitions, const AuditFilter& filter,
                                                            const std::function<bool(std::string_view json)>& visit);

}  // namespace weir
