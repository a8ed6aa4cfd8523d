#include "cluster/cli/config_options.h"

#include <fmt/format.h>

#include <algorithm>
#include <utility>

#include "actors/plugin/plugin_host.h"
#include "actors/plugin/service_actor.h"
#include "runtime/adapters/plugins/plugin_library.h"
#include "runtime/adapters/yaml/yaml_config_loader.h"
#include "runtime/base/hash.h"

namespace weir::cli {

namespace {

constexpr std::string_view kPipeline = "pipeline:";

/// The defaults where no setting is of the node.
Result<NodeConfig> node_of_sets(const ConfigOptions& options) {
  const ConfigSources node = options.node_sources();
  if (node.sets.empty()) return NodeConfig{};
  return YamlConfigLoader{}.node(node);
}

}  // namespace

ConfigSources ConfigOptions::pipeline_sources() const {
  ConfigSources sources{pipeline, overlays, {}};
  for (const std::string& set : sets) {
    if (set.rfind(kPipeline, 0) == 0) sources.sets.push_back(set.substr(kPipeline.size()));
  }
  return sources;
}

ConfigSources ConfigOptions::node_sources() const {
  ConfigSources sources{node_config, {}, {}};
  for (const std::string& set : sets) {
    if (set.rfind(kPipeline, 0) != 0) sources.sets.push_back(set);
  }
  return sources;
}

void add_pipeline(Level command, ConfigOptions& options) {
  command.add_option("pipeline", options.pipeline, "Pipeline file").required().type_name("PIPELINE.yaml");
}

void add_layers(Level command, ConfigOptions& options) {
  options.linked = command.linked();
  command.add_option("--overlay", options.overlays, "File laid over the pipeline file: maps merge by key, lists and values replace, null removes; may be repeated")
      .repeatable()
      .type_name("OVERLAY.yaml");
  command.add_option("--set", options.sets, "Override a node setting, or with pipeline:path=value one of the pipeline; may be repeated")
      .repeatable()
      .type_name("path=value");
  command.add_option("--plugin", options.plugins, "Shared object with stages, sinks, sources, views or services of your own, beside those of the node file; may be repeated")
      .repeatable()
      .type_name("FILE");
}

void add_config_options(Level command, ConfigOptions& options) {
  command.add_option("--node-config", options.node_config, "Node file").type_name("NODE.yaml");
  add_layers(command, options);
}

Result<void> check_node_sets(const ConfigOptions& options) {
  WEIR_TRY(node_of_sets(options));
  return {};
}

Result<PluginKinds> load_plugins(const std::vector<NamedFile>& files, const LinkedKinds* linked) {
  WEIR_ASSIGN(PluginKinds loaded, weir::load_plugins(files, plugin_host(), service_ground()));
  if (linked == nullptr) return loaded;
  WEIR_ASSIGN(PluginKinds all, linked_kinds(*linked, plugin_host(), service_ground()));
  WEIR_TRY(add_kinds(all, std::move(loaded)));
  return all;
}

Result<PluginKinds> load_plugins(const ConfigOptions& options, const NodeConfig& node) {
  std::vector<NamedFile> files = node.plugins;
  for (const std::string& file : options.plugins) files.push_back({file, {"--plugin", 0, 0}});
  return load_plugins(files, options.linked);
}

Result<PluginKinds> load_plugins(const ConfigOptions& options) {
  WEIR_ASSIGN(const NodeConfig node, node_of_sets(options));
  WEIR_ASSIGN(PluginKinds plugins, load_plugins(options, node));
  if (!node.services.empty()) {
    WEIR_TRY(load_node(options, plugins));
  }
  return plugins;
}

Result<NodeConfig> load_node(const ConfigOptions& options, const PluginKinds& plugins) {
  WEIR_ASSIGN(NodeConfig node, YamlConfigLoader(plugins).node(options.node_sources()));
  for (const ServiceConfig& service : node.services) WEIR_TRY(check_service(service));
  return node;
}

Result<PipelineConfig> load_pipeline(const ConfigOptions& options) {
  WEIR_ASSIGN(const PluginKinds plugins, load_plugins(options));
  return load_pipeline(options, plugins);
}

Result<PipelineConfig> load_pipeline(const ConfigOptions& options, const PluginKinds& plugins) {
  return YamlConfigLoader(plugins).pipeline(options.pipeline_sources());
}

Result<LoadedConfigs> load_configs(const ConfigOptions& options) {
  LoadedConfigs loaded;
  // The node file first: it names the plugins, and only they know what their stages may say.
  WEIR_ASSIGN(loaded.node, YamlConfigLoader{}.node(options.node_sources()));
  WEIR_ASSIGN(loaded.plugins, load_plugins(options, loaded.node));
  if (!loaded.node.services.empty()) {
    WEIR_ASSIGN(loaded.node, load_node(options, loaded.plugins));
  }
  WEIR_ASSIGN(loaded.pipeline, YamlConfigLoader(loaded.plugins).pipeline(options.pipeline_sources()));
  return loaded;
}

void note_plugins(const PluginKinds& plugins) {
  std::vector<std::pair<const PluginKind*, std::string>> files;  // one of each, and all that it has
  const auto add = [&files](const PluginKind& kind, const std::string& called) {
    const auto known = std::find_if(files.begin(), files.end(), [&](const auto& file) { return file.first->file == kind.file; });
    if (known == files.end()) {
      files.emplace_back(&kind, called);
    } else {
      known->second += ", " + called;
    }
  };
  for (const auto& stage : plugins.stages) add(*stage, stage->name);
  for (const auto& sink : plugins.sinks) add(*sink, "sink " + sink->name);
  for (const auto& source : plugins.sources) add(*source, "source " + source->name);
  for (const auto& view : plugins.views) add(*view, "view " + view->name);
  for (const auto& service : plugins.services) add(*service, "service " + service->name);
  for (const auto& [kind, called] : files) fmt::print(stderr, "weir: plugin {}: {} (content {})\n", kind->file, called, to_hex(kind->content));
}

LogLevel log_level(const NodeConfig& node) {
  if (node.logging_level == "debug" || node.logging_level == "trace") return LogLevel::debug;
  if (node.logging_level == "warn") return LogLevel::warn;
  if (node.logging_level == "error") return LogLevel::error;
  return LogLevel::info;
}

}  // namespace weir::cli
