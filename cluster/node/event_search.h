// Events by a field of their original record: a scan of everything that ingest keeps, partition after partition. It
// goes in slices, so that whoever asks can say how far it is, and no slice takes long or much memory.
#pragma once
#include <cstdint>
#include <functional>
#include <optional>
#include <string>
#include <string_view>

#include "cluster/api/event_search.h"
#include "runtime/engine/field_match.h"
#include "cluster/node/log_reader.h"

namespace weir {

/// Reads on from `from` until `visit` returns false (that event is part of the slice), `bytes_max` of frames were read,
/// or the end. What a door acknowledges meanwhile is found where the scan has not passed yet. Errors: invalid_argument
/// (no such place), log_damaged, io_failed.
[[nodiscard]] Result<SearchSlice> search_slice(const LogReader& log, FieldMatch& match, const SearchPlace& from,
                                               std::size_t bytes_max,
                                               const std::function<bool(const FoundEvent&)>& visit);

}  // namespace weir
