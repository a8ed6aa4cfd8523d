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
  std::uint64_t limit = 0;  // 0: all
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
  std::uint64_t total = 0;                         // that match behind `after`, whatever the limit
  std::optional<std::pair<PartitionId, Offset>> next;  // `after` of the next page; none: there is none
  std::map<std::string, std::uint64_t> by_reason;  // of those
};

/// Hands open letters to `visit` by partition, then offset, until it returns false or the limit is reached; counts the
/// rest. Errors: state_damaged, io_failed, format_newer.
[[nodiscard]] Result<LettersAnswer> query_letters(const std::vector<PartitionPicture>& partitions,
                                                  const LetterFilter& filter,
                                                  const std::function<bool(const PlacedLetter&)>& visit);

/// id, partition, offset, door, accepted_at, stage, reason, details, attempts, and original or, only where that is not
/// UTF-8, original_base64.
[[nodiscard]] Row letter_row(const PlacedLetter& letter);

/// The original frames alone, a line end behind each, ready to be ingested again; CSV frames behind their header line.
/// Error invalid_argument: letters of different formats or header lines, which no one file can hold: filter further.
/// Errors: as query_letters().
[[nodiscard]] Result<LettersAnswer> export_raw(const std::vector<PartitionPicture>& partitions,
                                               const LetterFilter& filter, const TextSink& sink);

}  // namespace weir
