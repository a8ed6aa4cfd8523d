// The keys of a plugin's stage: as the description of all keys has them, and as the pipeline file writes their values.
#pragma once
#include <string>
#include <vector>

#include "runtime/adapters/yaml/config_keys.h"
#include "runtime/ports/stage_plugin.h"

namespace weir::yaml {

[[nodiscard]] std::vector<Key> plugin_keys(const PluginStageKind& kind);
/// A canonical value as people write it: 50000 of a duration is 50ms.
[[nodiscard]] std::string plugin_spelling(const PluginKey& key, const std::string& value);

}  // namespace weir::yaml
