#include "cluster/cli/ledger.h"

namespace weir::cli {

Command make_ledger(CLI::App& root) {
  struct Options {
    std::string data;
    Output output = Output::table;
  };
  auto options = std::make_shared<Options>();
  CLI::App* app = root.add_subcommand("ledger", "What became of every accepted event, per partition and in total");
  app->footer("Example: weir ledger --data ./sales --output json\nExit code 1: it does not balance.");
  add_data(*app, options->data, true);
  add_output(*app, options->output);
  return {app, [options] {
            int code = kDone;
            const auto data = open_data(options->data, code);
            if (!data) return code;
            const LedgerReport ledger = read_ledger(*data);
            write_ledger(options->output, ledger);
            return ledger.total.balanced ? kDone : kAnswerIsNo;
          }};
}

}  // namespace weir::cli
