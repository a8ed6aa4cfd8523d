#include <fmt/format.h>

#include <algorithm>
#include <map>

#include "cluster/cli/data_options.h"
#include "cluster/node/view_drop.h"
#include "runtime/adapters/system/system_clock.h"
#include "runtime/base/time_text.h"

namespace weir::cli {

namespace {

struct Options {
  std::string view;
  std::string data;
  DataPlugins plugins;
  Output output = Output::table;
};

struct Listed {
  bool asked = false;   // the pipeline has it
  bool filled = true;   // up to the newest commit, in every partition
  std::int64_t complete_since = kNoTime;
};

int list(const Options& options) {
  int code = kDone;
  const auto plugins = load_data_plugins(options.plugins);
  if (!plugins) return report(plugins.error());
  const auto data = open_data(options.data, code, *plugins);
  if (!data) return code;
  const auto pictures = data->pictures();
  if (!pictures) return report(pictures.error());
  std::map<std::string, Listed> views;
  for (const PartitionPicture& partition : *pictures) {
    for (const ViewState& state : partition.at.views) {
      if (state.name.empty()) continue;
      Listed& listed = views[state.name];
      listed.asked = data->views().find(state.name) != nullptr;
      listed.filled = listed.filled && state.through >= partition.at.sequence;
      listed.complete_since = std::max(listed.complete_since, state.complete_since);
    }
  }
  std::vector<Row> rows;
  for (const auto& [name, listed] : views) {
    const auto& kept = data->config().views;
    const auto config = std::find_if(kept.begin(), kept.end(), [&name](const ViewConfig& view) { return view.name == name; });
    const bool unloaded = config != kept.end() && config->plugin && config->plugin->kind == nullptr;
    const std::string_view state = unloaded ? "of a plugin that is not loaded" : !listed.asked ? "removed, rows kept" : listed.filled ? "answers" : "being filled";
    rows.push_back({{text_cell("view", name), text_cell("state", state),
                     text_cell("complete_since", listed.complete_since == kNoTime ? "" : to_rfc3339(listed.complete_since))}});
  }
  write_rows(options.output, {"view", "state", "complete_since"}, rows);
  return kDone;
}

int drop(const Options& options) {
  const SystemClock clock;
  SystemRng rng;
  const auto dropped = drop_view(options.data, options.view, clock, rng);
  if (!dropped && dropped.error().code == Errc::invalid_argument) return report(dropped.error(), kRefused);
  if (!dropped) return report(dropped.error());
  fmt::print("dropped {} from {} partitions\n", options.view, *dropped);
  return kDone;
}

}  // namespace

Command make_view(Level root) {
  auto options = std::make_shared<Options>();
  const Level app = root.add_command("view", "The views that data holds, also those its pipeline no longer has");
  app.require_command();
  app.footer("Example: weir view list --data ./sales");
  const Level listing = app.add_command("list", "Every view with rows in the data");
  listing.footer("Example: weir view list --data ./sales --output json");
  add_data(listing, options->data, true);
  add_data_plugins(listing, options->plugins);
  add_output(listing, options->output);
  const Level dropping = app.add_command("drop", "Give up the rows of a view that was taken out of the pipeline file");
  dropping.footer("Example: weir view drop revenue_by_country --data ./sales\nThe rows cannot be brought back but by building the view anew from the log.");
  dropping.add_option("view", options->view, "Name of the view").required().type_name("VIEW");
  add_data(dropping, options->data, true);
  return {app, [options, listing] { return listing.parsed() ? list(*options) : drop(*options); }};
}

}  // namespace weir::cli
