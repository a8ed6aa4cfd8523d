#include "cluster/cli/commands.h"

#include "cluster/cli/help.h"

namespace weir::cli {

std::vector<Command> add_commands(CLI::App& root) {
  root.name("weir");
  root.description("weir: event pipelines that lose nothing, double nothing, and can say what became of every event");
  root.footer("Example: weir run configs/pipelines/retail.yaml sales.csv.gz --data ./sales");
  root.formatter(std::make_shared<HelpFormatter>());  // commands take it over as they are added
  root.require_subcommand(1);
  root.failure_message(usage_message);
  return {make_up(root),      make_run(root),     make_ingest(root), make_ledger(root),    make_query(root),
          make_dlq(root),     make_digest(root),  make_where(root),  make_lint(root),      make_plan(root),
          make_test(root),    make_try(root),     make_graph(root),  make_config(root),    make_view(root),
          make_journal(root), make_generate(root), make_bench(root), make_metrics(root),   make_completion(root)};
}

}  // namespace weir::cli
