#include <fmt/format.h>

#include <nlohmann/json.hpp>

#include "cluster/cli/data_options.h"
#include "cluster/node/biography.h"

namespace weir::cli {

namespace {

struct Options {
  std::string id, raw, data;
  Output output = Output::table;
};

int run(const Options& options) {
  if (options.id.empty() && options.raw.empty())
    return report(Error{Errc::invalid_argument, "name the event by its ID or by --raw LINE"});
  int code = kDone;
  const auto data = open_data(options.data, code);
  if (!data) return code;
  const StoppedLogReader log{data->log()};
  std::string id = options.id;
  if (id.empty()) {
    const auto found = id_of_raw(log, options.raw);
    if (!found) return report(found.error());
    if (!*found) {
      fmt::print(stderr, "weir: no event with exactly these bytes was seen in the time kept; a line stands without its line end\n");
      return kAnswerIsNo;
    }
    id = **found;
  }
  const auto biography = biography_of(log, id);
  if (!biography) return report(biography.error());
  if (biography->attempts.empty()) {
    fmt::print(stderr, "weir: {} was never seen in the time kept\n", id);
    return kAnswerIsNo;
  }
  (void)to_stdout(options.output == Output::json ? biography_json(*biography) + "\n" : biography_text(*biography));
  return kDone;
}

}  // namespace

Command make_where(CLI::App& root) {
  auto options = std::make_shared<Options>();
  CLI::App* app = root.add_subcommand("where", "The biography of one event: every time it came, and what became of it");
  app->footer(
      "Example: weir where 1bcaaf794c6c55336c1b28bf68317c07 --data ./sales\n"
      "         weir where --raw \"$(sed -n 2p sales.csv)\" --data ./sales\n"
      "Exit code 1: never seen in the time kept.");
  auto* id = app->add_option("id", options->id, "Event id")->type_name("ID");
  app->add_option("--raw", options->raw, "Its original line instead of its id, without the line end")->type_name("LINE")->excludes(id);
  add_data(*app, options->data, true);
  add_output(*app, options->output);
  return {app, [options] { return run(*options); }};
}

}  // namespace weir::cli
