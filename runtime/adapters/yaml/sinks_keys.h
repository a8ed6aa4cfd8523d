// The section `sinks` in the description of all keys.
#pragma once
#include "runtime/adapters/yaml/config_keys.h"
#include "runtime/ports/plugin_kinds.h"

namespace weir::yaml {

/// `when`: the key of that name, which other sections have, too. With the kinds of sinks that plugins bring.
[[nodiscard]] Shape sinks_shape(Key when, const PluginKinds& plugins);

}  // namespace weir::yaml
