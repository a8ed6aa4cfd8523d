// Pipeline and node files in YAML: the only place that knows yaml-cpp.
//
// Strict on purpose: an unknown key, a wrong type, a value out of range, a contradiction is a finding, and all findings
// of a file come at once, in file order. A file that loads needs no further checking by anyone.
#pragma once
#include <functional>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "runtime/ports/config_loader.h"
#include "runtime/ports/plugin_kinds.h"

namespace weir {

struct PipelineTests;

/// Value of an environment variable, or nothing when it is not set.
using EnvironmentLookup = std::function<std::optional<std::string>(std::string_view)>;
/// The environment of the process.
[[nodiscard]] std::optional<std::string> process_environment(std::string_view name);

/// Stateless after construction; safe to use from several threads when the lookup is.
class YamlConfigLoader final : public ConfigLoader {
 public:
  /// Takes `${NAME}` from the environment of the process.
  YamlConfigLoader();
  explicit YamlConfigLoader(EnvironmentLookup environment);
  /// Pipelines and nodes may have what is of these kinds, too.
  explicit YamlConfigLoader(PluginKinds plugins, EnvironmentLookup environment = process_environment);

  using ConfigLoader::node;
  using ConfigLoader::pipeline;
  /// Reads the files (each at most 4 MiB) and the header line of every table they name.
  ///
  /// Overlays merge by key: maps merge, everything else (a list as a whole, too) takes the place of what stood there;
  /// `null` takes a key away that the files before have. `sets` are `path=value`; the value is YAML, keys of the path
  /// are joined by dots, list items are numbers from 0. Variables are filled in last. All this happens before anything
  /// is checked, and a finding names the file its value came from. File names inside are relative to the folder of
  /// `file`, whichever file they stand in. Error config_invalid as the port says; a finding in a `sets` entry begins
  /// with `--set ENTRY:` instead of a place.
  [[nodiscard]] Result<PipelineConfig> pipeline(const ConfigSources& sources) const override;
  /// What stored data say of themselves: views may be of plugins that are not loaded.
  [[nodiscard]] Result<PipelineConfig> stored(const std::string& file) const;
  /// As pipeline(), with the file's `tests`, and with warnings. pipeline() checks the tests, too, and drops them; only here the
  /// files that they name must be there, because a node runs where they are not.
  [[nodiscard]] Result<PipelineTests> tests(const ConfigSources& sources) const;
  /// The same for a node file. An empty `file` means none: the defaults, changed by overlays and `sets`. A loader without plugins takes of
  /// `services` only names and kinds, unchecked: a node file says itself which plugins there are, and is read again with them.
  [[nodiscard]] Result<NodeConfig> node(const ConfigSources& sources) const override;

 private:
  [[nodiscard]] Result<PipelineConfig> pipeline(const ConfigSources& sources, bool stored) const;
  EnvironmentLookup environment_;
  PluginKinds plugins_;
  bool knows_plugins_ = false;
};

}  // namespace weir
