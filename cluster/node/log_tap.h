// What comes by in the logs of a node, from a place on: `weir tap` on doors, on the curated and on the dead-letter log. Reads the log as any other
// reader; the path does not know of it. Who falls behind is told how much he did not see.
#pragma once
#include "cluster/api/tap.h"
#include "cluster/node/log_reader.h"
#include "runtime/engine/field_match.h"

namespace weir {

/// An answer reads no more of a partition than this; what lies behind kTapBehind further events is skipped.
inline constexpr std::size_t kTapReadBytes = std::size_t{1} << 20;
inline constexpr std::uint64_t kTapBehind = 20'000;

/// Whether the events of an id are shown, whatever the place.
[[nodiscard]] bool tap_shows(std::string_view id, double sample) noexcept;

/// `request.on`: doors, curated, dead-letters. `separator`: of CSV. Takes its time. Errors: invalid_argument (a cursor of another place or
/// log, a field), log_damaged, io_failed.
[[nodiscard]] Result<TapAnswer> tap_log(const LogReader& log, const TapRequest& request, char separator);

/// request.fields, parsed. Errors: invalid_argument.
[[nodiscard]] Result<std::vector<FieldCondition>> tap_conditions(const TapRequest& request);

}  // namespace weir
