// Dead letters as people and programs ask for them.
#pragma once
#include <cstdint>
#include <functional>
#include <map>
#include <optional>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "runtime/base/result.h"
#include "runtime/engine/field_match.h"
#include "runtime/engine/letters.h"
#include "runtime/engine/partition_state.h"
#include "runtime/engine/query_output.h"

namespace weir {

struct LetterFilter {
  std::optional<std::string> id;
  std::optional<std::string> stage;
  std::optional<std::string> reason;          // whole, or up to its colon: `rule` means every rule:NAME
  std::optional<std::int64_t> accepted_from;  // from <= accepted_at < to, microseconds since 1970
  std::optional<std::int64_t> accepted_to;
  std::vector<FieldCondition> where;  // of the original record; all must hold
  char separator = ',';               // of CSV, for those
  std::uint64_t limit = 0;            // 0: all
  bool totals = true;                 // count what lies behind the limit, too; without it that is not read
  /// Only letters behind this place, by partition, then offset: the last one of the page before.
  std::optional<std::pair<PartitionId, Offset>> after;
};

/// A dead letter with its place. Valid during the visit.
struct PlacedLetter {
  PartitionId partition;
  Offset offset;
  StoredLetter stored;
};

struct LettersAnswer {
  std::uint64_t given = 0;
  std::uint64_t total = 0;                         // that match behind `after`, whatever the limit (with `totals`)
  std::optional<std::pair<PartitionId, Offset>> next;  // `after` of the next page; none: there is none
  std::map<std::string, std::uint64_t> by_reason;  // of those
};

/// Hands open letters to `visit` by partition, then offset, until it returns false or the limit is reached; counts the
/// rest. Errors: state_damaged, io_failed, format_newer.
[[nodiscard]] Result<LettersAnswer> query_letters(const std::vector<PartitionPicture>& partitions,
                                                  const LetterFilter& filter,
                                                  const std::function<bool(const PlacedLetter&)>& visit);

/// id, partition, offset, door, accepted_at, stage, reason, details, attempts, and original or, only where that is not
/// UTF-8, original_base64; of a letter that was edited, likewise edited or edited_base64.
[[nodiscard]] Row letter_row(const PlacedLetter& letter);

struct RawExport {
  LettersAnswer letters;  // with `next`: the sink, or the limit, cut it off there
  std::string layout;     // to be given back with `letters.next`
};

/// The original frames alone, edited ones in place of theirs, ready to be ingested again: a line end behind each, CSV frames behind their header line;
/// frames of JSON of which one goes over several lines as one array. With `layout` and `filter.after` of the piece
/// before, what follows on it: put together, the pieces are the whole.
/// Errors: invalid_argument (letters that no one file can hold, for they have different formats or header lines, or are
/// broken beside others of several lines: filter further; a layout that is none, or that the letters do not have any more);
/// those of query_letters().
[[nodiscard]] Result<RawExport> export_raw(const std::vector<PartitionPicture>& partitions, const LetterFilter& filter,
                                           const TextSink& sink, std::string_view layout = {});

}  // namespace weir
