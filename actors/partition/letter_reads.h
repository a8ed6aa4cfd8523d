// What a partition wants to know of its dead letters. For the views' actor, which has their state.
#pragma once
#include <cstddef>
#include <vector>

#include "runtime/engine/partition_state.h"
#include "runtime/event/letter_orders.h"
#include "runtime/ports/clock.h"
#include "runtime/ports/pipeline_config.h"

namespace weir {

/// Those of these places that are still open, in their order. Errors: io_failed, state_damaged.
[[nodiscard]] Result<std::vector<LetterCopy>> read_letters(const PartitionState& state, const std::vector<Offset>& offsets);
/// letters_to_expire() of a state as it is now. Errors: likewise.
[[nodiscard]] Result<std::vector<Offset>> old_letters(const PartitionState& state, const DeadLettersConfig& config, UnixMicros now, std::size_t most);

}  // namespace weir
