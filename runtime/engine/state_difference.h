// Where two states that should be the same differ first: for whoever is told that their digests do.
#pragma once
#include <optional>
#include <string>

#include "runtime/engine/partition_state.h"
#include "runtime/engine/view_set.h"

namespace weir {

/// Of the parts that the state digest is made of, in its order: position and ledger, then each view's rows, then dead letters, parked
/// events and audit records. `left` and `right` name the two in the text. nullopt: these are equal, so that only what participants
/// hold (dedupe) can differ. Errors: state_damaged, io_failed, not_found (a view is still to be filled).
[[nodiscard]] Result<std::optional<std::string>> first_difference(const PartitionPicture& left, const PartitionPicture& right, const ViewSet& views,
                                                                  std::string_view left_name, std::string_view right_name);

}  // namespace weir
