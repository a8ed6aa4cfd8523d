#include "cluster/cli/commands.h"

#include <CLI/CLI.hpp>

#include "cluster/cli/help.h"

namespace weir::cli {

std::vector<Command> add_commands(CLI::App& root, const LinkedKinds* linked) {
  root.name("weir");
  root.description("weir: event pipelines that lose nothing, double nothing, and can say what became of every event");
  root.footer("Example: weir run configs/pipelines/retail.yaml sales.csv.gz --data ./sales");
  root.formatter(std::make_shared<HelpFormatter>());  // commands take it over as they are added
  root.require_subcommand(1);
  root.failure_message(usage_message);
  const Level level(root, linked);
  return {make_up(level),      make_run(level),      make_ingest(level), make_ledger(level),  make_query(level),
          make_dlq(level),     make_audit(level),    make_digest(level), make_where(level),   make_why_stuck(level), make_lint(level),
          make_plan(level),
          make_test(level),    make_try(level),      make_graph(level),  make_config(level),  make_view(level), make_snapshot(level), make_replay(level),
          make_new(level),     make_tree(level), make_tap(level),    make_partition(level), make_sink(level), make_journal(level), make_generate(level), make_bench(level),
          make_metrics(level), make_completion(level)};
}

}  // namespace weir::cli
