#include <fmt/format.h>

#include <algorithm>

#include "cluster/cli/config_options.h"
#include "cluster/cli/data_options.h"
#include "cluster/node/change_plan.h"
#include "cluster/node/compiled_pipeline.h"
#include "runtime/adapters/yaml/yaml_config_loader.h"
#include "runtime/base/time_text.h"

namespace weir::cli {

namespace {

struct Options {
  ConfigOptions configs;
  std::string data;
  Output output = Output::table;
};

int run(const Options& options) {
  const auto plugins = load_plugins(options.configs);
  if (!plugins) return report(plugins.error());
  auto config = load_pipeline(options.configs, *plugins);
  if (!config) return report(config.error());
  const auto pipeline = CompiledPipeline::compile(std::move(*config));
  if (!pipeline) return report(pipeline.error(), kUsage);
  const auto facts = read_data_facts(options.data, *plugins);
  if (!facts) return report(facts.error());
  const auto changes = plan_changes(*facts, (*pipeline)->config(), (*pipeline)->rules_hash(), (*pipeline)->views());
  std::vector<Row> rows;
  for (const PlannedChange& change : changes) {
    const std::string since = change.complete_since == kNoTime ? "" : to_rfc3339(change.complete_since);
    rows.push_back({{text_cell("what", change.what), text_cell("change", word(change.kind)), text_cell("complete_since", since),
                    text_cell("detail", change.detail), text_cell("do", change.todo)}});
  }
  write_rows(options.output, {"what", "change", "complete_since", "detail", "do"}, rows);
  const bool refused = std::any_of(changes.begin(), changes.end(), [](const PlannedChange& change) { return change.kind == ChangeKind::refused; });
  if (refused) fmt::print(stderr, "weir: this pipeline does not start on {}\n", options.data);
  return refused ? kRefused : kDone;
}

}  // namespace

Command make_plan(Level root) {
  auto options = std::make_shared<Options>();
  const Level app = root.add_command("plan", "What a changed pipeline file would mean for existing data; nothing is changed");
  app.footer(
      "Example: weir plan configs/pipelines/retail.yaml --data ./sales\n"
      "Exit code 4: the pipeline would be refused, the table says why and what to do.");
  add_pipeline(app, options->configs);
  add_layers(app, options->configs);
  add_data(app, options->data, true);
  add_output(app, options->output);
  return {app, [options] { return run(*options); }};
}

}  // namespace weir::cli
