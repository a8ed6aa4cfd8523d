// Delta over sealed delta over stored state, read as one sorted map: what is pending combined with what is stored.
#pragma once
#include <memory>

#include "runtime/engine/delta.h"
#include "runtime/ports/state_store.h"

namespace weir {

/// `sealed` may be null. Thread-safe while neither delta is written; a scan holds a
/// sorted list of the deltas' entries in its range.
[[nodiscard]] std::shared_ptr<const StateReader> read_through(std::shared_ptr<const Delta> active,
                                                              std::shared_ptr<const Delta> sealed,
                                                              std::shared_ptr<const StateReader> stored,
                                                              std::shared_ptr<const StateMerger> merger);

}  // namespace weir
