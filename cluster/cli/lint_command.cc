#include <fmt/format.h>

#include "cluster/cli/config_options.h"
#include "cluster/cli/config_schema.h"
#include "cluster/node/access_files.h"
#include "cluster/node/compiled_pipeline.h"
#include "cluster/node/input_notes.h"
#include "runtime/adapters/compress/input_directory.h"
#include "runtime/adapters/system/system_clock.h"
#include "runtime/adapters/yaml/effective_config.h"
#include "runtime/adapters/yaml/yaml_config_loader.h"
#include "runtime/ports/pipeline_tests.h"

namespace weir::cli {

namespace {

struct Options {
  ConfigOptions configs;
  std::vector<std::string> files;
  std::string schema;  // "pipeline" or "node": print it, look at no file
};

/// Everything a run would refuse about one file: what it says, and what it names (tables, and all that stages compile).
Result<void> lint(const ConfigOptions& configs) {
  if (yaml::kind_of(configs.pipeline_sources()) == yaml::ConfigKind::node) {
    ConfigOptions node = configs;
    node.node_config = configs.pipeline;
    WEIR_ASSIGN(const NodeConfig config, YamlConfigLoader{}.node(node.node_sources()));
    WEIR_ASSIGN(const PluginKinds plugins, load_plugins(configs, config));
    if (!config.services.empty()) {
      WEIR_TRY(load_node(node, plugins));
    }
    return check_access_files(config, SystemClock().wall());
  }
  // With a pipeline file, settings of the node are held against the node's keys.
  WEIR_ASSIGN(PluginKinds plugins, load_plugins(configs));
  WEIR_ASSIGN(PipelineTests config, YamlConfigLoader(std::move(plugins)).tests(configs.pipeline_sources()));
  const std::vector<std::string> about_inputs = input_notes(config.pipeline, *make_input_files());
  WEIR_TRY(CompiledPipeline::compile(std::move(config.pipeline)));
  for (const std::string& warning : config.warnings) fmt::print(stderr, "{}\n", warning);
  // No findings either: files come and go, and a run would go on.
  for (const std::string& warning : about_inputs) fmt::print(stderr, "{}\n", warning);
  return {};
}

int run(const Options& options) {
  if (!options.schema.empty()) {
    const bool node = options.schema == "node";
    const auto plugins = load_plugins(options.configs);
    if (!plugins) return report(plugins.error());
    const auto schema = config_schema(node ? yaml::node_keys(*plugins) : yaml::pipeline_keys(*plugins), node ? "weir node file" : "weir pipeline file");
    fmt::print("{}\n", schema.dump(2));
    return kDone;
  }
  if (options.files.empty())
    return report(Error{Errc::config_invalid, "lint needs a file to look at, or --schema; see weir lint --help"});
  int code = kDone;
  for (const std::string& file : options.files) {
    ConfigOptions configs = options.configs;
    configs.pipeline = file;
    if (const auto good = lint(configs); !good) {
      code = kUsage;
      fmt::print(stderr, "{}\n", good.error().context);
    } else {
      fmt::print("{}: good\n", file);
    }
  }
  return code;
}

}  // namespace

Command make_lint(Level root) {
  auto options = std::make_shared<Options>();
  const Level app = root.add_command("lint", "Everything a run would refuse in pipeline and node files, all findings at once");
  app.footer(
      "Example: weir lint configs/pipelines/retail.yaml\n"
      "         weir lint retail.yaml --overlay prod.yaml --set pipeline:partitions=16\n"
      "         weir lint --schema > pipeline.schema.json");
  app.add_option("file", options->files, "Pipeline and node files").type_name("FILE");
  add_layers(app, options->configs);
  app.add_flag("--schema", "pipeline", options->schema, "Print the JSON Schema (draft 7) of pipeline files, or with --schema=node of node files").one_of({"pipeline", "node"});
  return {app, [options] { return run(*options); }};
}

}  // namespace weir::cli
