#include <fmt/format.h>

#include "cluster/cli/config_options.h"
#include "cluster/cli/data_options.h"
#include "cluster/node/pipeline_graph.h"
#include "runtime/adapters/yaml/yaml_config_loader.h"

namespace weir::cli {

namespace {

struct Options {
  ConfigOptions config;
  std::string format = "text";
};

int run(const Options& options) {
  const auto config = load_pipeline(options.config);
  if (!config) return report(config.error());
  const PipelineGraph graph = graph_of(*config);
  (void)to_stdout(options.format == "mermaid" ? graph_mermaid(graph)
                  : options.format == "dot"   ? graph_dot(graph)
                                              : graph_text(graph, table_width()));
  return kDone;
}

}  // namespace

Command make_graph(Level root) {
  auto options = std::make_shared<Options>();
  const Level app =
      root.add_command("graph", "The pipeline as a picture: input, door, stages, tables, views, dead letters");
  app.footer(
      "Example: weir graph configs/pipelines/retail.yaml\n"
      "         weir graph configs/pipelines/retail.yaml --format dot | dot -Tsvg > retail.svg");
  add_pipeline(app, options->config);
  add_layers(app, options->config);
  app.add_option("--format", options->format, "For a terminal, for Markdown, for Graphviz").one_of({"text", "mermaid", "dot"})
      .shown_default("text");
  return {app, [options] { return run(*options); }};
}

}  // namespace weir::cli
