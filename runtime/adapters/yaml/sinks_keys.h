// The section `sinks` in the description of all keys.
#pragma once
#include "runtime/adapters/yaml/config_keys.h"

namespace weir::yaml {

/// `when`: the key of that name, which other sections have, too.
[[nodiscard]] Shape sinks_shape(Key when);

}  // namespace weir::yaml
