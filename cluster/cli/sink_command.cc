#include <fmt/format.h>

#include <nlohmann/json.hpp>

#include "cluster/cli/data_options.h"
#include "cluster/cli/data_source.h"
#include "cluster/node/open_sinks.h"
#include "runtime/adapters/system/data_directory.h"
#include "runtime/adapters/system/system_clock.h"

namespace weir::cli {

namespace {

struct Options {
  DataSource source;
  std::string sink, data;
  Output output = Output::table;
};

const std::vector<std::string> kColumns = {"sink", "partition", "kind", "from", "state", "commit", "newest", "lag_commits", "lag_records", "lag_bytes", "lag_seconds", "records", "skipped", "error"};

/// Of a stopped node: what the cursors say. A sink that is not in the pipeline any more is there, too.
int list_data(const Options& options) {
  int code = kDone;
  const std::string directory = data_of(options.source);
  const auto data = open_data(directory, code);
  if (!data) return code;
  SinkCursorFiles cursors(sinks_directory(directory));
  const auto names = cursors.sinks();
  if (!names) return report(names.error());
  std::vector<Row> rows;
  for (const std::string& name : *names) {
    for (const StoppedData::Partition& partition : data->partitions()) {
      const auto cursor = cursors.load(name, partition.id);
      if (!cursor) return report(cursor.error(), kAnswerIsNo);
      if (!*cursor) continue;
      const std::uint64_t commit = (*cursor)->position.through.value, newest = partition.status.position.sequence.value;
      rows.push_back({{text_cell("sink", name), number_cell("partition", partition.id.value), text_cell("state", "stopped"), number_cell("commit", commit),
                       number_cell("newest", newest), number_cell("lag_commits", newest - std::min(newest, commit)), number_cell("records", (*cursor)->records),
                       number_cell("skipped", (*cursor)->skipped)}});
    }
  }
  write_rows(options.output, {"sink", "partition", "state", "commit", "newest", "lag_commits", "records", "skipped"}, rows);
  return kDone;
}

int list(const Options& options) {
  if (!data_of(options.source).empty()) return list_data(options);
  int code = kDone;
  const auto text = ask_node(options.source, "/v1/sinks", code);
  if (!text) return code;
  if (options.output == Output::json) {
    (void)to_stdout(*text);
    return kDone;
  }
  const auto json = nlohmann::json::parse(*text, nullptr, false);
  if (!json.is_object() || !json.contains("sinks") || !json["sinks"].is_array())
    return report(Error{Errc::invalid_argument, "the node answered /v1/sinks with something else; is it a weir node?"});
  std::vector<Row> rows;
  for (const auto& sink : json["sinks"]) {
    Row& row = rows.emplace_back();
    for (const std::string& column : kColumns) {
      const auto value = sink.find(column);
      if (value == sink.end() || value->is_null()) row.fields.push_back(text_cell(column, ""));
      else if (value->is_number_unsigned()) row.fields.push_back(number_cell(column, value->get<std::uint64_t>()));
      else if (value->is_number()) row.fields.push_back({column, fmt::format("{:.1f}", value->get<double>())});
      else row.fields.push_back(text_cell(column, value->get<std::string>()));
    }
  }
  write_rows(options.output, kColumns, rows);
  return kDone;
}

int release(const Options& options) {
  auto node = open_node(options.source);
  if (!node) return report(node.error());
  const auto released = node->post(fmt::format("/v1/sinks/{}/release", percent_encoded(options.sink)));
  if (!released && released.error().code == Errc::not_found) return report(released.error(), kUsage);
  if (!released) return report(released.error());
  fmt::print("the sink {} is tried again; weir sink list says how it goes\n", options.sink);
  return kDone;
}

int drop(const Options& options) {
  const SystemClock clock;
  SystemRng rng;
  const auto identity = DataDirectory::look(options.data);
  if (!identity) return report(identity.error());
  const auto locked = DataDirectory::open(options.data, *identity, clock, rng);
  if (!locked) return report(locked.error());
  const auto removed = SinkCursorFiles(sinks_directory(options.data)).remove(options.sink);
  if (!removed && removed.error().code == Errc::not_found) return report(removed.error(), kUsage);
  if (!removed) return report(removed.error());
  fmt::print("the cursor of {} is gone; a sink of this name begins anew\n", options.sink);
  return kDone;
}

}  // namespace

Command make_sink(Level root) {
  auto options = std::make_shared<Options>();
  const Level app = root.add_command("sink", "Where records and dead letters are written: how far each sink is, and what to do with a broken one");
  app.require_command();
  app.footer("Example: weir sink list");
  const Level listing = app.add_command("list", "Each sink in each partition: its state, what it has taken, what it lags behind, what fails");
  listing.footer("Example: weir sink list --output json\nOf a stopped node (--data) what the cursors say, also those of sinks that the pipeline no longer has.");
  add_source(listing, options->source);
  add_output(listing, options->output);
  const Level releasing = app.add_command("release", "Try a broken sink again, in all partitions, when the cause is mended");
  releasing.footer("Example: weir sink release archive\nIt goes on at its cursor, and has its sink_lag_max once more. Exit code 4: it is not broken.");
  add_node(releasing, options->source.node);
  add_trust(releasing, options->source.trust);
  releasing.add_option("sink", options->sink, "Its name").required().type_name("SINK");
  const Level dropping = app.add_command("drop", "Forget how far a sink of a stopped node was; a sink of this name begins anew");
  dropping.footer("Example: weir sink drop archive --data ./sales\nFiles that it wrote stay: move them away if it is to write them again.");
  dropping.add_option("sink", options->sink, "Its name").required().type_name("SINK");
  add_data(dropping, options->data, true);
  return {app, [options, listing, releasing] {
            if (listing.parsed()) return list(*options);
            return releasing.parsed() ? release(*options) : drop(*options);
          }};
}

}  // namespace weir::cli
