#include <fmt/format.h>

#include <nlohmann/json.hpp>

#include "cluster/api/snapshot_report.h"
#include "cluster/cli/data_options.h"
#include "cluster/cli/data_source.h"
#include "cluster/cli/snapshot_trials.h"
#include "cluster/node/snapshot_maker.h"
#include "runtime/adapters/directory_snapshots/directory_snapshots.h"
#include "runtime/adapters/embedded_log/file_ops.h"
#include "runtime/adapters/system/data_directory.h"

namespace weir::cli {

namespace {

struct Options {
  DataSource source;
  std::string snapshots;
  Output output = Output::table;
};

/// A member of an answer as a cell; null: empty.
std::pair<std::string, std::string> cell(const nlohmann::json& from, const std::string& name) {
  const auto value = from.find(name);
  if (value == from.end() || value->is_null()) return text_cell(name, "");
  if (value->is_number_unsigned()) return number_cell(name, value->get<std::uint64_t>());
  if (value->is_boolean()) return text_cell(name, value->get<bool>() ? "yes" : "no");
  return text_cell(name, value->is_string() ? value->get<std::string>() : value->dump());
}

/// The rows of an answer's list. Error invalid_argument: it is no such answer.
Result<std::vector<Row>> rows_of(const std::string& text, const std::string& list, const std::vector<std::string>& columns) {
  const auto json = nlohmann::json::parse(text, nullptr, false);
  if (!json.is_object() || !json.contains(list) || !json[list].is_array())
    return fail(Errc::invalid_argument, "the node answered /v1/snapshots with something else; is it a weir node?");
  std::vector<Row> rows;
  for (const auto& one : json[list]) {
    Row& row = rows.emplace_back();
    for (const std::string& column : columns) row.fields.push_back(cell(one, column));
  }
  return rows;
}

/// What a stopped node's store has, as a node would answer it.
Result<std::string> read_stopped(const std::string& directory, const std::string& snapshots) {
  WEIR_ASSIGN(const DataIdentity identity, DataDirectory::look(directory));
  WEIR_ASSIGN(const auto log, open_log_read_only(log_directory(directory)));
  const auto store = make_directory_snapshots(journal::system_file_ops(), snapshot_directory(directory, snapshots));
  std::vector<PartitionStatus> logs;
  for (std::uint32_t p = 0; p < identity.partitions; ++p) logs.push_back(log->status(PartitionId{p}));
  WEIR_ASSIGN(const auto known, list_snapshots(*store, logs, snapshot_place(identity.partitions, identity.wall_text, log->log_id()), {}));
  return snapshots_json(known) + "\n";
}

/// For people, beside the rows: what it would take if a state were lost now.
void tell_recovery(const std::string& text) {
  const auto json = nlohmann::json::parse(text, nullptr, false);
  if (!json.contains("recovery") || !json["recovery"].is_array()) return;  // an older node
  for (const auto& one : json["recovery"]) {
    const auto member = [&one](const char* name) { return one.contains(name) && one[name].is_string() ? one[name].get<std::string>() : std::string(); };
    const std::string base = member("base"), held_by = member("held_by");
    const std::string about = one.contains("seconds") && one["seconds"].is_number() ? fmt::format("about {:.1f} s", one["seconds"].get<double>())
                                                                                   : "in a time that no trial has shown yet";
    fmt::print(stderr, "partition {}: ", one.value("partition", 0u));
    if (base.empty()) {
      fmt::print(stderr, "if its state were lost now, nothing could bring it back: the log begins behind every snapshot that can be used\n");
    } else {
      fmt::print(stderr, "if its state were lost now: {} events to replay behind {}, {}", with_separators(one.value("events", std::uint64_t{0})),
                 base == "zero" ? "the beginning of the log" : "snapshot " + base, about);
      fmt::print(stderr, "{}\n", held_by.empty() ? "" : fmt::format("; what holds the log: {}", held_by));
    }
  }
}

int list(const Options& options) {
  const std::string directory = data_of(options.source);
  std::string text;
  if (directory.empty()) {
    int code = kDone;
    const auto answer = ask_node(options.source, "/v1/snapshots", code);
    if (!answer) return code;
    text = *answer;
  } else {
    auto read = read_stopped(directory, options.snapshots);
    if (!read) return report(read.error());
    text = std::move(*read);
  }
  if (options.output == Output::json) {
    (void)to_stdout(text);
    return kDone;
  }
  const std::vector<std::string> columns{"id", "partition", "sequence", "created_at", "bytes", "verified_at", "usable", "trouble"};
  const auto rows = rows_of(text, "snapshots", columns);
  if (!rows) return report(rows.error());
  write_rows(options.output, columns, *rows);
  if (options.output == Output::table) tell_recovery(text);
  return kDone;
}

int create(const Options& options) {
  auto node = open_node(options.source);
  if (!node) return report(node.error());
  const auto text = node->post("/v1/snapshots");
  if (!text) return report(text.error());
  const std::vector<std::string> columns{"partition", "id", "made", "error"};
  const auto rows = rows_of(*text, "partitions", columns);
  if (!rows) return report(rows.error());
  if (options.output == Output::json) {
    (void)to_stdout(*text);
  } else {
    write_rows(options.output, columns, *rows);
  }
  const bool failed = std::any_of(rows->begin(), rows->end(), [](const Row& row) { return row.fields.back().second != "\"\""; });
  return failed ? kAnswerIsNo : kDone;
}

}  // namespace

Command make_snapshot(Level root) {
  auto options = std::make_shared<Options>();
  const Level app = root.add_command("snapshot", "Copies of the state from which a partition is rebuilt when its own is lost");
  app.require_command();
  app.footer("Example: weir snapshot list");
  const Level making = app.add_command("create", "Make one of every partition of a running node now");
  making.footer("Example: weir snapshot create\n"
                "Where nothing was committed since the newest one, that is named. Exit code 1: some partition has none of its present state.");
  add_node(making, options->source.node);
  add_trust(making, options->source.trust);
  add_output(making, options->output);
  const Level listing = app.add_command("list", "Every snapshot that is kept, newest first for each partition");
  listing.footer("Example: weir snapshot list --data ./sales --output json");
  add_source(listing, options->source);
  listing.add_option("--snapshots", options->snapshots, "With --data: where they are kept, if not in its directory `snapshots` (snapshots.directory of the node file)")
      .type_name("DIR");
  add_output(listing, options->output);
  auto trial = std::make_shared<TrialOptions>();
  const Level trying = app.add_command("verify", "Restore one aside, replay the log to the present, and compare: a copy that nobody has restored is none");
  trying.footer("Example: weir snapshot verify\n"
                "         weir snapshot verify 3-120345-9f8a01c2 --data ./sales\n"
                "A running node does it by itself every snapshots.verify_interval. Exit code 1: one cannot be restored, or leads to another state; the first\n"
                "difference is named.");
  trying.add_option("id", trial->from, "The snapshot; without it the newest of every partition").type_name("ID");
  add_trial_options(trying, *trial);
  return {app, [options, trial, making, trying] { return trying.parsed() ? run_trials(*trial) : making.parsed() ? create(*options) : list(*options); }};
}

}  // namespace weir::cli
