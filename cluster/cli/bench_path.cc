#include "cluster/cli/bench_path.h"

#include <fmt/format.h>
#include <unistd.h>

#include <algorithm>
#include <cerrno>
#include <cstdlib>
#include <cstring>
#include <filesystem>
#include <nlohmann/json.hpp>
#include <optional>

#include "cluster/cli/bench_path_answers.h"
#include "cluster/cli/bench_path_data.h"
#include "cluster/cli/bench_path_process.h"
#include "cluster/cli/bench_spread.h"
#include "cluster/cli/data_options.h"
#include "cluster/cli/progress.h"
#include "cluster/cli/signals.h"
#include "cluster/node/pipeline_run.h"
#include "cluster/node/stderr_logbook.h"
#include "runtime/adapters/system/system_clock.h"
#include "runtime/adapters/yaml/yaml_config_loader.h"

namespace weir::cli {

namespace fs = std::filesystem;

namespace {

struct Measured {
  PathMeasurement run;
  std::uint64_t frames = 0;
};

/// Runs everything; keeps what the two programs need.
class PathBench {
 public:
  explicit PathBench(PathBenchOptions options) : options_(std::move(options)) {}

  Result<void> prepare() {
    const fs::path self = fs::read_symlink("/proc/self/exe");
    self_ = self.string();
    roofline_ = options_.roofline.empty() ? (self.parent_path() / "weir-roofline").string() : options_.roofline;
    if (::access(roofline_.c_str(), X_OK) != 0)
      return fail(Errc::not_found, "{} cannot be run: {}; it is built with the tests, --roofline names another place",
                  roofline_, std::strerror(errno));
    tables_ = options_.directory + "/tables";
    base_ = options_.directory + "/prefilled";
    std::error_code code;
    fs::remove_all(base_, code);
    fs::create_directories(tables_, code);
    if (code) return fail(Errc::io_failed, "cannot make {}: {}", tables_, code.message());
    // The pipeline file finds its user table through this name; the programs inherit it.
    ::setenv("WEIR_ORDERS_TABLES", fs::absolute(tables_).c_str(), 1);
    const std::string made = self_ + " generate orders --tables '" + tables_ + "'";
    if (std::system(made.c_str()) != 0) return fail(Errc::io_failed, "cannot make the tables in {}", tables_);
    const YamlConfigLoader loader;
    WEIR_ASSIGN(const PipelineConfig pipeline, loader.pipeline(options_.pipeline, {}));
    fmt::print(stderr, "filling the ingest journal with {} orders\n", with_separators(options_.events));
    WEIR_ASSIGN(const OrdersTruth truth, prefill_orders(pipeline, base_, options_.events));
    truth_ = answers_of(truth);
    return read_through(base_);
  }

  Result<void> run_pair() {
    show_progress();
    WEIR_ASSIGN(Measured product, run_product());
    WEIR_ASSIGN(const OutputAnswers product_output, output_answers(data()));
    product.frames = product_output.frames;
    WEIR_ASSIGN(const PathAnswers product_answers, answers_of_data(data()));
    WEIR_TRY(check_answers(truth_, product_answers, "weir"));
    // The roofline commits in groups as large as weir's were on average.
    const std::uint64_t group =
        std::max<std::uint64_t>(options_.events / std::max<std::uint64_t>(product.frames, 1), 1);
    product_.push_back(std::move(product));
    show_progress();
    WEIR_ASSIGN(Measured roofline, run_roofline(group));
    WEIR_ASSIGN(const OutputAnswers roofline_output, output_answers(data()));
    roofline.frames = roofline_output.frames;
    WEIR_ASSIGN(const PathAnswers roofline_answers, answers_of_roofline(roofline.run.answers));
    WEIR_TRY(check_answers(truth_, roofline_answers, "the roofline"));
    if (!(product_output == roofline_output))
      return fail(Errc::internal, "the output journals of weir and of the roofline say different things");
    roofline_runs_.push_back(std::move(roofline));
    progress_.clear();
    fmt::print(stderr, "pair {}: weir {:.0f}, roofline {:.0f} events per CPU-second, ratio {:.3f}\n", product_.size(),
               per_cpu(product_.back()), per_cpu(roofline_runs_.back()), ratios().back());
    return {};
  }

  /// What it made, and the directory where nothing else is in it.
  void remove() const {
    std::error_code ignored;  // nothing depends on it
    for (const std::string& made : {tables_, base_, data()}) fs::remove_all(made, ignored);
    fs::remove(options_.directory, ignored);
  }

  void print() const {
    const Spread ratio = spread(ratios());
    const Spread wall = spread(wall_ratios());
    if (options_.output == Output::json) {
      nlohmann::ordered_json json;
      json["events"] = options_.events;
      json["pairs"] = product_.size();
      json["ratio"] = to_json(ratio);
      json["wall_ratio"] = to_json(wall);
      json["weir"] = side_json(product_);
      json["roofline"] = side_json(roofline_runs_);
      static_cast<void>(to_stdout(json.dump(2) + "\n"));
      return;
    }
    std::vector<Row> rows = {side_row("weir", product_), side_row("roofline", roofline_runs_)};
    write_rows(options_.output,
               {"program", "events_per_cpu_second", "range", "events_per_second", "peak_mib", "bytes_per_event",
                "events_per_sync"},
               rows);
    if (options_.output == Output::csv) return;
    fmt::print(
        "\nratio weir / roofline, per CPU-second: median {:.3f}, {:.3f} to {:.3f} in {} pairs; by wall time {:.2f}, "
        "{:.2f} to {:.2f}\n",
        ratio.median, ratio.min, ratio.max, product_.size(), wall.median, wall.min, wall.max);
    fmt::print("answers of both equal each other and the truth in every run\n");
  }

 private:
  [[nodiscard]] std::string data() const { return options_.directory + "/run"; }
  void show_progress() { progress_.update(product_.size() + roofline_runs_.size(), std::uint64_t{2} * options_.pairs); }

  Result<Measured> run_product() {
    WEIR_TRY(copy_prefilled(base_, data()));
    Measured measured;
    WEIR_ASSIGN(measured.run, run_measured({self_, "bench", "path-run", options_.pipeline, "--data", data()}));
    return measured;
  }
  Result<Measured> run_roofline(std::uint64_t group) {
    WEIR_TRY(copy_prefilled(base_, data()));
    Measured measured;
    WEIR_ASSIGN(measured.run, run_measured({roofline_, data(), tables_, std::to_string(group)}));
    return measured;
  }

  [[nodiscard]] double per_cpu(const Measured& m) const {
    return static_cast<double>(options_.events) / m.run.cpu_seconds;
  }
  [[nodiscard]] double per_wall(const Measured& m) const {
    return static_cast<double>(options_.events) / m.run.wall_seconds;
  }
  [[nodiscard]] std::vector<double> ratios() const {
    std::vector<double> values;
    for (std::size_t i = 0; i < product_.size(); ++i)
      values.push_back(per_cpu(product_[i]) / per_cpu(roofline_runs_[i]));
    return values;
  }
  [[nodiscard]] std::vector<double> wall_ratios() const {
    std::vector<double> values;
    for (std::size_t i = 0; i < product_.size(); ++i)
      values.push_back(per_wall(product_[i]) / per_wall(roofline_runs_[i]));
    return values;
  }

  struct Side {
    Spread cpu, wall, peak_mib, bytes, events_per_sync;
  };
  [[nodiscard]] Side side(const std::vector<Measured>& runs) const {
    std::vector<double> cpu, wall, peak, bytes, syncs;
    for (const Measured& m : runs) {
      cpu.push_back(per_cpu(m));
      wall.push_back(per_wall(m));
      peak.push_back(static_cast<double>(m.run.peak_kib) / 1024);
      bytes.push_back(static_cast<double>(m.run.bytes_written) / static_cast<double>(options_.events));
      syncs.push_back(static_cast<double>(options_.events) / static_cast<double>(std::max<std::uint64_t>(m.frames, 1)));
    }
    return {spread(cpu), spread(wall), spread(peak), spread(bytes), spread(syncs)};
  }
  [[nodiscard]] nlohmann::ordered_json side_json(const std::vector<Measured>& runs) const {
    const Side s = side(runs);
    return {{"events_per_cpu_second", to_json(s.cpu)},
            {"events_per_second", to_json(s.wall)},
            {"peak_mib", to_json(s.peak_mib)},
            {"bytes_per_event", to_json(s.bytes)},
            {"events_per_sync", to_json(s.events_per_sync)}};
  }
  [[nodiscard]] Row side_row(const std::string& name, const std::vector<Measured>& runs) const {
    const Side s = side(runs);
    const auto whole = [](double value) { return static_cast<std::uint64_t>(value); };
    return {{text_cell("program", name), number_cell("events_per_cpu_second", whole(s.cpu.median)),
             text_cell("range", fmt::format("{}..{}", whole(s.cpu.min), whole(s.cpu.max))),
             number_cell("events_per_second", whole(s.wall.median)), number_cell("peak_mib", whole(s.peak_mib.max)),
             number_cell("bytes_per_event", whole(s.bytes.median)),
             number_cell("events_per_sync", whole(s.events_per_sync.median))}};
  }

  PathBenchOptions options_;
  std::string self_, roofline_, tables_, base_;
  PathAnswers truth_;
  std::vector<Measured> product_;
  std::vector<Measured> roofline_runs_;
  const SystemClock clock_;
  Progress progress_{clock_, "measuring", "runs"};
};

}  // namespace

int bench_path(const PathBenchOptions& options) {
  PathBench bench(options);
  if (const auto prepared = bench.prepare(); !prepared) {
    bench.remove();
    return report(prepared.error());
  }
  for (std::uint32_t i = 0; i < options.pairs; ++i) {
    if (const auto ran = bench.run_pair(); !ran) {
      fmt::print(stderr, "what the runs wrote is left in {}\n", options.directory);
      return report(ran.error(), kAnswerIsNo);
    }
  }
  bench.remove();
  bench.print();
  return kDone;
}

int bench_path_run(const std::string& pipeline, const std::string& data) {
  const SystemClock clock;
  RunRequest request;
  const YamlConfigLoader loader;
  auto config = loader.pipeline(pipeline, {});
  if (!config) return report(config.error());
  request.pipeline = std::move(*config);
  request.data = data;
  PathMeter meter;
  request.work_begins = [&meter] { meter.begin(); };
  request.work_ended = [&meter] { meter.end(); };
  StderrLogbook logbook{LogLevel::warn};
  const RunReport outcome = run_pipeline(std::move(request), clock, logbook, watch_signals(), {},
                                         [](const RunReport&) -> Result<void> { return {}; });
  if (!outcome.result) return report(outcome.result.error());
  static_cast<void>(to_stdout(meter.to_json() + "\n"));
  return kDone;
}

}  // namespace weir::cli
