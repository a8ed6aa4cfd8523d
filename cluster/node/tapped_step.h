// A step of the chain that may be looked at behind: `weir tap`. While nobody looks it costs one load a round.
#pragma once
#include <memory>

#include "actors/supervise/stage_shell.h"
#include "runtime/engine/chain_plan.h"
#include "runtime/engine/tap_ring.h"

namespace weir {

/// `plan`: of the documents. `clock` outlives it.
[[nodiscard]] std::unique_ptr<ChainStep> tapped_step(std::unique_ptr<ChainStep> inner, std::shared_ptr<const ChainPlan> plan,
                                                     std::shared_ptr<TapRing> ring, const Clock& clock);

}  // namespace weir
