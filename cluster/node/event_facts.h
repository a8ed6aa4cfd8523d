// What is known of why an event waits, from its life and from what its partition has parked.
#pragma once
#include <optional>

#include "cluster/api/wait_reasons.h"
#include "cluster/node/biography.h"

namespace weir {

/// Where the parked events of a partition are in its state.
[[nodiscard]] StateRange parked_range();

/// Of the newest attempt. `state` (null: none can be had) is read in parked_range() for whom a held event waits behind: at most as many events
/// as retry.parked_events_max. Nothing: it has no attempts. Errors: state_damaged, format_newer, io_failed.
[[nodiscard]] Result<std::optional<EventFacts>> event_facts_of(const Biography& life, const StateReader* state);

}  // namespace weir
