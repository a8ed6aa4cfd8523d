// The section `inputs` in the description of all keys.
#pragma once
#include "runtime/adapters/yaml/config_keys.h"

namespace weir::yaml {

[[nodiscard]] Shape inputs_shape();

}  // namespace weir::yaml
