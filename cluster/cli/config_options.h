// The options that say which pipeline runs on which node, for every command that runs one.
#pragma once
#include <string>
#include <vector>

#include "cluster/cli/command.h"
#include "runtime/ports/config_loader.h"
#include "runtime/ports/logbook.h"
#include "runtime/ports/plugin_kinds.h"

namespace weir::cli {

struct ConfigOptions {
  std::string pipeline;
  std::string node_config;
  std::vector<std::string> overlays;
  std::vector<std::string> plugins;  // beside those of the node file
  const LinkedKinds* linked = nullptr;  // those that the program has itself
  std::vector<std::string> sets;  // `path=value` addresses the node file, `pipeline:path=value` the pipeline file

  [[nodiscard]] ConfigSources pipeline_sources() const;
  [[nodiscard]] ConfigSources node_sources() const;
};

/// The pipeline file, as the command's first argument.
void add_pipeline(Level command, ConfigOptions& options);
/// --overlay, --set and --plugin.
void add_layers(Level command, ConfigOptions& options);
/// --node-config and those.
void add_config_options(Level command, ConfigOptions& options);

/// For commands that run no node: settings of one are held against its keys all the same, so that none is given in vain
/// without a word. Error config_invalid.
[[nodiscard]] Result<void> check_node_sets(const ConfigOptions& options);
/// Loads these, beside what is linked in (null: nothing). Error config_invalid.
[[nodiscard]] Result<PluginKinds> load_plugins(const std::vector<NamedFile>& files, const LinkedKinds* linked);
/// Loads the plugins of the command line and of `node`, beside what is linked in. Error config_invalid.
[[nodiscard]] Result<PluginKinds> load_plugins(const ConfigOptions& options, const NodeConfig& node);
/// Those of the command line and of `--set plugins=[…]`: for commands that run no node. It checks its settings as check_node_sets()
/// does. Error config_invalid.
[[nodiscard]] Result<PluginKinds> load_plugins(const ConfigOptions& options);
/// The node file once more, with the plugins that it named. Error config_invalid.
[[nodiscard]] Result<NodeConfig> load_node(const ConfigOptions& options, const PluginKinds& plugins);
/// The pipeline file alone, and that. Error config_invalid.
[[nodiscard]] Result<PipelineConfig> load_pipeline(const ConfigOptions& options);
[[nodiscard]] Result<PipelineConfig> load_pipeline(const ConfigOptions& options, const PluginKinds& plugins);

struct LoadedConfigs {
  PipelineConfig pipeline;
  NodeConfig node;
  PluginKinds plugins;
};
/// Both files, checked. Error config_invalid: every finding of the first one that has any.
[[nodiscard]] Result<LoadedConfigs> load_configs(const ConfigOptions& options);

/// Tells people which plugins are loaded, by their files, what is in them and content: one line each, on stderr.
void note_plugins(const PluginKinds& plugins);

[[nodiscard]] LogLevel log_level(const NodeConfig& node);

}  // namespace weir::cli
