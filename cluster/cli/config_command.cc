#include <fmt/format.h>

#include <cstdlib>

#include "cluster/cli/config_options.h"
#include "cluster/cli/config_schema.h"
#include "runtime/adapters/yaml/effective_config.h"
#include "runtime/adapters/yaml/yaml_config_loader.h"

namespace weir::cli {

namespace {

struct Options {
  ConfigOptions configs;
  Output output = Output::table;
};

/// Only for what the file says of services: else nothing is asked of files that may not be here.
Result<PluginKinds> plugins_of_node(const ConfigOptions& options, const ConfigSources& sources) {
  WEIR_ASSIGN(const NodeConfig node, YamlConfigLoader{}.node(sources));
  if (node.services.empty()) return PluginKinds{};
  return load_plugins(options, node);
}

int show(const Options& options) {
  ConfigSources sources = options.configs.pipeline_sources();
  const yaml::ConfigKind kind = yaml::kind_of(sources);
  PluginKinds plugins;
  if (kind == yaml::ConfigKind::node) {
    ConfigOptions node = options.configs;
    node.node_config = options.configs.pipeline;
    sources.sets = node.node_sources().sets;
    auto named = plugins_of_node(node, sources);
    if (!named) return report(named.error());
    plugins = std::move(*named);
  } else if (auto loaded = load_plugins(options.configs); loaded) {
    plugins = std::move(*loaded);
  } else {
    return report(loaded.error());
  }
  const auto effective = yaml::effective_config(sources, kind, process_environment, plugins);
  if (!effective) return report(effective.error());
  fmt::print("{}", options.output == Output::json ? effective->json : effective->yaml);
  return kDone;
}

}  // namespace

Command make_config(Level root) {
  auto options = std::make_shared<Options>();
  const Level app = root.add_command("config", "What a configuration comes to, and every key there is");
  app.require_command();
  app.footer("Example: weir config show retail.yaml --overlay prod.yaml");
  const Level one = app.add_command("show", "The configuration that holds: layers merged, variables filled in, every default written out");
  one.footer("Example: weir config show configs/pipelines/retail.yaml --set pipeline:partitions=16\nWhat it prints loads again, in the folder of FILE, to the same configuration.");
  one.add_option("file", options->configs.pipeline, "Pipeline or node file").required().type_name("FILE");
  add_layers(one, options->configs);
  const auto set = [options](const std::string& text) { options->output = text == "json" ? Output::json : Output::table; };
  one.add_option("--output", set, "table and yaml are the same").one_of({"table", "yaml", "json"}).shown_default("table");
  const Level reference = app.add_command("reference", "Every key of pipeline and node files, as a page of Markdown");
  reference.footer("Example: weir config reference > configs/reference.md");
  return {app, [options, one, reference] {
            if (reference.parsed()) {
              fmt::print("{}", config_reference());
              return kDone;
            }
            return one.parsed() ? show(*options) : kUsage;
          }};
}

}  // namespace weir::cli
