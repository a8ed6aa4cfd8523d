#include "cluster/cli/snapshot_trials.h"

#include <unistd.h>

#include <filesystem>

#include <fmt/format.h>

#include <nlohmann/json.hpp>

#include "cluster/cli/data_options.h"
#include "cluster/cli/progress.h"
#include "cluster/node/stopped_trial.h"
#include "runtime/adapters/system/system_clock.h"

namespace weir::cli {

namespace {

/// As the node would answer it.
Result<std::string> try_stopped(const TrialOptions& options, const std::string& data) {
  StoppedTrial trial;
  trial.data = data;
  trial.snapshots = options.snapshots;
  WEIR_ASSIGN(trial.plugins, load_data_plugins(options.plugins));
  WEIR_ASSIGN(trial.base, parse_trial_base(options.from));
  std::error_code code;
  const std::string scratch = options.scratch.empty() ? std::filesystem::temp_directory_path(code).string() : options.scratch;
  if (code) return fail(Errc::io_failed, "there is no directory for temporary files: {}; name one with --scratch", code.message());
  trial.scratch = fmt::format("{}/weir-trial-{}", scratch, ::getpid());
  const SystemClock clock;
  Progress progress(clock, "trying out", "commits");
  auto fates = try_out_stopped(trial, clock, progress.of_log());
  progress.clear();
  std::filesystem::remove_all(trial.scratch, code);
  if (!fates) return fail(std::move(fates.error()));
  return trials_json(*fates) + "\n";
}

Result<std::string> ask(const TrialOptions& options) {
  WEIR_ASSIGN(auto node, open_node(options.source));
  return node.post("/v1/snapshots/verify?from=" + options.from);
}

/// A member of an answer as a cell; null: empty.
std::pair<std::string, std::string> cell(const nlohmann::json& from, const std::string& name) {
  const auto value = from.find(name);
  if (value == from.end() || value->is_null()) return text_cell(name, "");
  if (value->is_number_unsigned()) return number_cell(name, value->get<std::uint64_t>());
  if (value->is_boolean()) return text_cell(name, value->get<bool>() ? "yes" : "no");
  return text_cell(name, value->is_string() ? value->get<std::string>() : value->dump());
}

}  // namespace

void add_trial_options(Level command, TrialOptions& options) {
  add_source(command, options.source);
  command.add_option("--snapshots", options.snapshots, "With --data: where they are kept, if not in its directory `snapshots` (snapshots.directory of the node file)")
      .type_name("DIR");
  command.add_option("--scratch", options.scratch, "With --data: where the state is rebuilt, if not with temporary files (TMPDIR); needs room for one partition")
      .type_name("DIR");
  add_data_plugins(command, options.plugins);
  add_output(command, options.output);
}

int run_trials(const TrialOptions& options) {
  if (const auto base = parse_trial_base(options.from); !base) return report(base.error(), kUsage);
  const std::string directory = data_of(options.source);
  const auto text = directory.empty() ? ask(options) : try_stopped(options, directory);
  if (!text) return report(text.error());
  const auto json = nlohmann::json::parse(*text, nullptr, false);
  if (!json.is_object() || !json.contains("partitions") || !json["partitions"].is_array())
    return report(Error{Errc::invalid_argument, "the node answered /v1/snapshots/verify with something else; is it a weir node?"});
  bool good = true;
  const std::vector<std::string> columns{"partition", "good", "base", "from", "until", "state_digest", "difference", "error"};
  std::vector<Row> rows;
  for (const auto& one : json["partitions"]) {
    Row& row = rows.emplace_back();
    for (const std::string& column : columns) row.fields.push_back(cell(one, column));
    good = good && one.value("good", false);
  }
  if (options.output == Output::json) {
    (void)to_stdout(*text);
  } else {
    write_rows(options.output, columns, rows);
  }
  return good ? kDone : kAnswerIsNo;
}

}  // namespace weir::cli
