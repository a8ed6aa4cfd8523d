// The configuration that holds in the end: every layer merged, variables filled in, defaults written out.
#pragma once
#include <string>

#include "runtime/adapters/yaml/file_kind.h"
#include "runtime/adapters/yaml/yaml_config_loader.h"
#include "runtime/base/result.h"

namespace weir::yaml {

/// What kind of file the layers make together. A file that cannot be read counts as a pipeline file; loading says why.
[[nodiscard]] ConfigKind kind_of(const ConfigSources& sources);

struct EffectiveConfig {
  std::string yaml;  // loads again, in the folder of the file, to the same configuration
  std::string json;  // the same as one line of JSON; numbers keep their spelling
};
/// Secrets are not in it: keys that end with `_file` name a file, which is not opened for this. Errors: config_invalid,
/// as loading says.
[[nodiscard]] Result<EffectiveConfig> effective_config(const ConfigSources& sources, ConfigKind kind,
                                                       const EnvironmentLookup& environment, const PluginKinds& plugins = {});

}  // namespace weir::yaml
