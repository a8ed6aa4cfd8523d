#include "cluster/cli/config_options.h"

#include "runtime/adapters/yaml/yaml_config_loader.h"

namespace weir::cli {

namespace {

constexpr std::string_view kPipeline = "pipeline:";

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
  command.add_option("--overlay", options.overlays, "File laid over the pipeline file: maps merge by key, lists and values replace, null removes; may be repeated")
      .repeatable()
      .type_name("OVERLAY.yaml");
  command.add_option("--set", options.sets, "Override a node setting, or with pipeline:path=value one of the pipeline; may be repeated")
      .repeatable()
      .type_name("path=value");
}

void add_config_options(Level command, ConfigOptions& options) {
  command.add_option("--node-config", options.node_config, "Node file").type_name("NODE.yaml");
  add_layers(command, options);
}

Result<void> check_node_sets(const ConfigOptions& options) {
  const ConfigSources node = options.node_sources();
  if (!node.sets.empty()) WEIR_TRY(YamlConfigLoader{}.node(node));
  return {};
}

Result<PipelineConfig> load_pipeline(const ConfigOptions& options) {
  WEIR_TRY(check_node_sets(options));
  return YamlConfigLoader{}.pipeline(options.pipeline_sources());
}

Result<LoadedConfigs> load_configs(const ConfigOptions& options) {
  const YamlConfigLoader loader;
  LoadedConfigs loaded;
  WEIR_ASSIGN(loaded.pipeline, loader.pipeline(options.pipeline_sources()));
  WEIR_ASSIGN(loaded.node, loader.node(options.node_sources()));
  return loaded;
}

LogLevel log_level(const NodeConfig& node) {
  if (node.logging_level == "debug" || node.logging_level == "trace") return LogLevel::debug;
  if (node.logging_level == "warn") return LogLevel::warn;
  if (node.logging_level == "error") return LogLevel::error;
  return LogLevel::info;
}

}  // namespace weir::cli
