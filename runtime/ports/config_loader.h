// Reads configuration files; the only way from what people write to PipelineConfig and NodeConfig.
#pragma once
#include <optional>
#include <string>
#include <vector>

#include "runtime/base/result.h"
#include "runtime/ports/node_config.h"
#include "runtime/ports/pipeline_config.h"

namespace weir {

/// Where a configuration comes from; each layer changes what the ones before it say.
struct ConfigSources {
  std::string file;                    // node file: may be empty, then everything has its default
  std::vector<std::string> overlays;   // files of the same kind, merged over it by key, in order
  std::vector<std::string> sets;       // `path=value`, in order, last
  std::optional<std::string> text = {};  // what stands in `file`, which is then only a name; nothing: it is read
};

/// Reads and checks pipeline and node files.
class ConfigLoader {
 public:
  virtual ~ConfigLoader() = default;
  /// Error config_invalid: every finding, one per line, each `file:line:column: what, allowed, nearest right key`.
  [[nodiscard]] virtual Result<PipelineConfig> pipeline(const ConfigSources& sources) const = 0;
  [[nodiscard]] virtual Result<NodeConfig> node(const ConfigSources& sources) const = 0;

  /// The same without overlays.
  [[nodiscard]] Result<PipelineConfig> pipeline(const std::string& file, const std::vector<std::string>& sets) const {
    return pipeline(ConfigSources{file, {}, sets});
  }
  [[nodiscard]] Result<NodeConfig> node(const std::string& file, const std::vector<std::string>& sets) const {
    return node(ConfigSources{file, {}, sets});
  }
};

}  // namespace weir
