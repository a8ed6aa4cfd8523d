// The section `inputs` in the description of all keys.
#pragma once
#include "runtime/adapters/yaml/config_keys.h"
#include "runtime/ports/plugin_kinds.h"

namespace weir::yaml {

[[nodiscard]] Shape inputs_shape(const PluginKinds& plugins);

}  // namespace weir::yaml
