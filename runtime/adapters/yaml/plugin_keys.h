// The keys of what is of a plugin: as the description of all keys has them, and as the pipeline file writes their values.
#pragma once
#include <string>
#include <vector>

#include "runtime/adapters/yaml/config_keys.h"
#include "runtime/ports/plugin_kinds.h"

namespace weir::yaml {

[[nodiscard]] std::vector<Key> plugin_keys(const PluginKind& kind);
/// A canonical value as people write it: 50000 of a duration is 50ms.
[[nodiscard]] std::string plugin_spelling(const PluginKey& key, const std::string& value);

}  // namespace weir::yaml
