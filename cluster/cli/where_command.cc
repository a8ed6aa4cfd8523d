#include <fmt/format.h>

#include <nlohmann/json.hpp>

#include "cluster/cli/data_options.h"
#include "cluster/node/biography.h"

namespace weir::cli {

namespace {

struct Options {
  std::string id, data;
  Output output = Output::table;
};

int run(const Options& options) {
  int code = kDone;
  const auto data = open_data(options.data, code);
  if (!data) return code;
  const auto biography = biography_of(*data, options.id);
  if (!biography) return report(biography.error());
  if (biography->attempts.empty()) {
    fmt::print(stderr, "weir: {} was never seen in the time kept\n", options.id);
    return kAnswerIsNo;
  }
  (void)to_stdout(options.output == Output::json ? biography_json(*biography) + "\n" : biography_text(*biography));
  return kDone;
}

}  // namespace

Command make_where(CLI::App& root) {
  auto options = std::make_shared<Options>();
  CLI::App* app = root.add_subcommand("where", "The biography of one event: every time it came, and what became of it");
  app->footer("Example: weir where 536365-85123A --data ./sales\nExit code 1: never seen in the time kept.");
  app->add_option("id", options->id, "Event id")->required()->type_name("ID");
  add_data(*app, options->data, true);
  add_output(*app, options->output);
  return {app, [options] { return run(*options); }};
}

}  // namespace weir::cli
