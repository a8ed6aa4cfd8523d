#include <fmt/format.h>

#include <cstdio>
#include <cstdlib>
#include <filesystem>
#include <mutex>

#include "actors/doors/frame_format.h"
#include "cluster/cli/config_options.h"
#include "cluster/cli/ledger.h"
#include "cluster/cli/progress.h"
#include "cluster/cli/signals.h"
#include "cluster/node/open_sinks.h"
#include "cluster/node/pipeline_run.h"
#include "cluster/node/stderr_logbook.h"
#include "runtime/adapters/system/system_clock.h"
#include "runtime/base/units.h"

namespace weir::cli {

namespace {

struct Options {
  ConfigOptions configs;
  std::vector<std::string> files, inputs;
  std::string format, data;
};

/// What the partitions have committed, all together, since this run began.
class CommittedEvents {
 public:
  /// Thread-safe. Gives the sum.
  std::uint64_t take(const PartitionProgress& progress) {
    const std::scoped_lock lock(mutex_);
    if (progress.partition.value >= committed_.size()) committed_.resize(progress.partition.value + 1);
    auto& [first, now] = committed_[progress.partition.value];
    if (first == 0 && now == 0) first = progress.committed.value;
    now = progress.committed.value;
    std::uint64_t events = 0;
    for (const auto& [from, to] : committed_) events += to - from;
    return events;
  }

 private:
  std::mutex mutex_;
  std::vector<std::pair<std::uint64_t, std::uint64_t>> committed_;
};

/// A fresh directory that goes with the command.
class TemporaryDirectory {
 public:
  TemporaryDirectory() {
    std::string pattern = (std::filesystem::temp_directory_path() / "weir-run-XXXXXX").string();
    if (const char* made = ::mkdtemp(pattern.data())) path_ = made;
  }
  ~TemporaryDirectory() {
    std::error_code ignored;  // nothing depends on it
    if (!path_.empty()) std::filesystem::remove_all(path_, ignored);
  }
  [[nodiscard]] const std::string& path() const { return path_; }

 private:
  std::string path_;
};

/// Of the first rows in a summary that goes to a file or a pipe. Arbitrary: what a page shows without scrolling.
constexpr std::size_t kSummaryWidth = 100;

/// `out`: stderr where a sink has stdout.
Result<void> print_summary(const RunReport& run, const std::string& data_directory, const PluginKinds& plugins, bool kept, const Clock& clock, TimePoint start, bool& balanced, std::FILE* out) {
  WEIR_ASSIGN(const auto data, StoppedData::open(data_directory, plugins, true));
  const LedgerReport ledger = read_ledger(*data);
  balanced = ledger.total.balanced;
  const double seconds = std::chrono::duration<double>(clock.now() - start).count();
  const auto line = [out](const std::string& name, const std::string& value) { fmt::print(out, "{:<14} {:>14}\n", name, value); };
  fmt::print(out, "pipeline {}\n", data->config().name);
  line("events", with_separators(run.accepted));
  line("time", fmt::format("{:.2f} s", seconds));
  line("rate", with_separators(static_cast<std::uint64_t>(static_cast<double>(run.accepted) / std::max(seconds, 0.001))) + "/s");
  // A rerun over the same data adds to its ledger.
  const bool earlier = ledger.total.accepted > run.accepted;
  fmt::print(out, "\nledger{}{}\n", earlier ? " of all runs over this data" : "", ledger.total.balanced ? "" : "  DOES NOT BALANCE");
  const Ledger& total = ledger.total.ledger;
  line("accepted", with_separators(ledger.total.accepted));
  for (const auto& [name, count] : std::initializer_list<std::pair<const char*, std::uint64_t>>{{"served", total.served},
                                                                                                {"filtered", total.filtered},
                                                                                                {"duplicate", total.duplicate},
                                                                                                {"dead lettered", total.dead_lettered},
                                                                                                {"superseded", total.superseded},
                                                                                                {"expired", total.expired},
                                                                                                {"in flight", ledger.total.in_flight}}) {
    if (count != 0) line(name, with_separators(count));
  }
  const std::size_t terminal = table_width();
  const std::size_t width = terminal != 0 ? terminal : kSummaryWidth;
  const auto to_out = [out](std::string_view text) { return std::fwrite(text.data(), 1, text.size(), out) == text.size(); };
  WEIR_ASSIGN(const auto pictures, data->pictures());
  for (const View& view : data->views().views()) {
    fmt::print(out, "\n{}\n", view.config.name);
    std::fflush(out);
    QueryRequest request;
    request.view = view.config.name;
    request.limit = 5;
    request.count_total = false;  // a walk over every row, for a number nobody asked for
    auto answer = write_query(pictures, data->views(), request, RowFormat::table, to_out, width);
    if (!answer && answer.error().code == Errc::stage_failed) {
      fmt::print(out, "{}\n", answer.error().context);  // a plugin that cannot show its rows has them all the same
      continue;
    }
    if (!answer) return fail(std::move(answer.error()));
    if (answer->next)
      fmt::print(out, "… all rows: weir query {}{}\n", view.config.name, kept ? " --data " + data_directory : ", when it was run with --data DIR");
  }
  std::fflush(out);
  return {};
}

int run(const Options& options) {
  const std::atomic<int>& stop = watch_signals();
  const SystemClock clock;
  const TimePoint start = clock.now();
  RunRequest request;
  auto loaded = load_configs(options.configs);
  if (!loaded) return report(loaded.error());
  note_plugins(loaded->plugins);
  request.pipeline = std::move(loaded->pipeline);
  request.node = std::move(loaded->node);
  request.inputs = options.files;
  request.inputs.insert(request.inputs.end(), options.inputs.begin(), options.inputs.end());
  if (!options.format.empty()) {
    const auto format = parse_record_format(options.format);
    if (!format) return report(format.error());
    request.format = *format;
  }
  if (request.inputs.empty()) fmt::print(stderr, "weir: no input is named: only what the data directory holds already is finished\n");
  std::optional<TemporaryDirectory> temporary;
  request.data = !options.data.empty() ? options.data : request.node.data;
  if (request.data.empty()) {
    temporary.emplace();
    if (temporary->path().empty()) return report(Error{Errc::io_failed, "cannot make a temporary directory; name one with --data"});
    request.data = temporary->path();
  }
  const std::string data = request.data;
  std::FILE* const out = writes_to_stdout(request.pipeline) ? stderr : stdout;
  StderrLogbook logbook{log_level(request.node)};
  Progress line{clock, "running", "events"};
  CommittedEvents committed;
  request.opening = line.of_log();
  request.meter = std::make_shared<InputMeter>();
  const std::shared_ptr<InputMeter> meter = request.meter;
  bool balanced = true;
  request.note = [&line](const std::string& note) {
    line.clear();
    fmt::print(stderr, "weir: {}\n", note);
  };
  const RunReport outcome = run_pipeline(
      std::move(request), clock, logbook, stop, [&](const PartitionProgress& progress) { line.update_part(committed.take(progress), meter->part()); },
      [&](const RunReport& finished) {
        line.clear();
        return print_summary(finished, data, loaded->plugins, !temporary, clock, start, balanced, out);
      });
  line.clear();
  if (!outcome.result) {
    if (outcome.result.error().code == Errc::cancelled && stop.load() != 0) {
      fmt::print(stderr, "weir: stopped by signal {}; what was accepted is kept, run it again to go on\n", stop.load());
      return 128 + stop.load();
    }
    const int code = report(outcome.result.error());
    if (outcome.accepted != 0) fmt::print(stderr, "weir: {} events read before that are kept\n", with_separators(outcome.accepted));
    return code;
  }
  for (const std::string& broken : outcome.broken) fmt::print(stderr, "weir: {}\n", broken);
  return balanced && outcome.broken.empty() ? kDone : kAnswerIsNo;
}

}  // namespace

Command make_run(Level root) {
  auto options = std::make_shared<Options>();
  const Level app = root.add_command("run", "Run a pipeline over files to completion and print what became of every event");
  app.footer(
      "Example: weir run configs/pipelines/retail.yaml sales.csv.gz --data ./sales\n"
      "Killed or stopped, the same command goes on where it was. Without --data everything is gone afterwards.");
  add_pipeline(app, options->configs);
  app.add_option("file", options->files, "Inputs: files (.gz and .zst are read through), - is stdin").type_name("FILE");
  app.add_option("--input", options->inputs, "One more input; may be repeated").type_name("FILE").repeatable();
  app.add_option("--format", options->format, "Format of the inputs; else by name, else the pipeline's").one_of({"json", "ndjson", "csv", "cloudevents", "geojson"});
  app.add_option("--data", options->data, "Data directory; without it a temporary one").environment("WEIR_DATA").type_name("DIR");
  add_config_options(app, options->configs);
  return {app, [options] { return run(*options); }};
}

}  // namespace weir::cli
