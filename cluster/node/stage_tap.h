// What comes out of a stage of a running node: `weir tap stage:NAME`.
#pragma once
#include "cluster/api/tap.h"
#include "runtime/base/result.h"
#include "runtime/engine/tap_ring.h"

namespace weir {

/// `stage`: its name, `ring`: what it shows. Fields are those of the record behind the stage; of what does not pass there is none. Errors:
/// invalid_argument (a cursor of another place, a field).
[[nodiscard]] Result<TapAnswer> tap_stage(TapRing& ring, const std::string& stage, const TapRequest& request, TimePoint now);

}  // namespace weir
