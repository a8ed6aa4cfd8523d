// The present state of an id as one hash: what the answer digest adds up over all ids. A change of state takes the old hash
// out of the sum and puts the new one in, so the sum is always that of the present states, in any order of events.
#pragma once
#include <string_view>

#include "runtime/base/ids.h"
#include "runtime/event/commit_body.h"

namespace weir {

/// `reason` only for dead_lettered; duplicate is no state of an id (asserted).
[[nodiscard]] Digest128 id_state_hash(std::string_view id, Outcome state, std::string_view reason);

}  // namespace weir
