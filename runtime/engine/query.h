// Rows of a view as people and programs ask for them: by key, by field, by time, page by page, merged over the
// partitions.
//
// Order: by key. Rows with windows: first the windows in the order of the view's list, then by start, then by group.
// Group values sort null, false, true, numbers by value, strings by bytes, the rest by text.
#pragma once
#include <cstdint>
#include <functional>
#include <optional>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "runtime/base/result.h"
#include "runtime/engine/partition_state.h"
#include "runtime/engine/view_set.h"

namespace weir {

/// One answer row: names and JSON tokens, in the order they are shown. Numbers keep their spelling.
///  of a plugin: group fields, `window`, `window_start`, the kind's columns, `failed`: how many records the kind failed on,
///  null where the row is broken
///  aggregate: group fields, `window`, `window_start`, then measures; behind a distinct count NAME the field
///  `NAME_approximate`, true or false
///  latest: `id`, `time`, then the record (or the view's key and the `fields` that it has). Where the record has an `id`
///  or `time` of its own that says something else, it is shown as `record.id`, `record.time`. A key that is not among
///  the `fields` is shown as the value rows are told apart by: a number without zeros at its end.
struct Row {
  std::vector<std::pair<std::string, std::string>> fields;
  /// The token of a field; nullptr: not there.
  [[nodiscard]] const std::string* find(std::string_view name) const noexcept;
};

struct QueryRequest {
  std::string view;
  /// Leading parts of the key, as typed: `17` means the number and the string, `null` also a group that is missing.
  std::vector<std::string> key;
  /// Field and what it must say. A field of a latest row may be a dotted path into the record.
  std::vector<std::pair<std::string, std::string>> where;
  /// from <= window start (or event time of a latest row) < to, microseconds since 1970.
  std::optional<std::int64_t> from;
  std::optional<std::int64_t> to;
  std::uint64_t limit = 100;  // 0: all
  std::string cursor;         // QueryAnswer::next of the page before; empty: from the start
  bool count_total = true;    // costs a walk over everything asked for; never done on later pages
};

struct QueryAnswer {
  std::uint64_t rows = 0;              // given to the visitor
  std::optional<std::uint64_t> total;  // rows asked for, on all pages
  std::optional<std::string> next;     // cursor of the next page; none: this was the last row
  CommitSequence sequence_min;         // the least advanced partition read
  bool filled = true;  // false: the view is new or changed and some partition still fills it from the log
  std::int64_t complete_since = kNoTime;  // rows may lack what came before; kNoTime: they lack nothing
};

/// Hands every row of one page to `visit`, until it returns false. The row lasts for the call.
/// Errors: not_found (no such view), invalid_argument (too many key parts, times on a view without, a foreign cursor),
/// state_damaged, io_failed.
[[nodiscard]] Result<QueryAnswer> query_view(const std::vector<PartitionPicture>& partitions, const ViewSet& views,
                                             const QueryRequest& request, const std::function<bool(const Row&)>& visit);

/// The keys that query_view() reads of a partition whose state stands at `at`: what PartitionState::picture_of() must hold.
/// Errors: not_found (the partition has no rows of the view as it is defined now), invalid_argument.
[[nodiscard]] Result<std::vector<StateRange>> query_ranges(PartitionId partition, const StateCursor& at, const View& view,
                                                           const QueryRequest& request);

/// Names of a view's row fields, where the view fixes them; empty for a latest view of whole records.
[[nodiscard]] std::vector<std::string> row_columns(const View& view);

}  // namespace weir
