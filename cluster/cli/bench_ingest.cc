#include "cluster/cli/bench_ingest.h"

#include <fmt/format.h>

#include <algorithm>
#include <filesystem>
#include <nlohmann/json.hpp>
#include <vector>

#include "cluster/cli/bench_path_process.h"
#include "cluster/cli/bench_spread.h"
#include "cluster/cli/data_options.h"
#include "cluster/cli/progress.h"
#include "runtime/adapters/system/system_clock.h"

namespace weir::cli {

namespace {

std::vector<double> per_cpu_second(const std::vector<PathMeasurement>& runs, std::uint64_t events) {
  std::vector<double> values;
  for (const PathMeasurement& run : runs) values.push_back(static_cast<double>(events) / run.cpu_seconds);
  return values;
}

void print(const IngestBenchOptions& options, const std::vector<PathMeasurement>& http, const std::vector<PathMeasurement>& direct) {
  const std::vector<double> over_http = per_cpu_second(http, options.events);
  const std::vector<double> without = per_cpu_second(direct, options.events);
  std::vector<double> ratios, wall;
  for (std::size_t i = 0; i < http.size(); ++i) {
    ratios.push_back(over_http[i] / without[i]);
    wall.push_back(static_cast<double>(options.events) / http[i].wall_seconds);
  }
  const Spread cpu = spread(over_http);
  const Spread ratio = spread(ratios);
  if (options.output == Output::json) {
    nlohmann::ordered_json json;
    json["events"] = options.events;
    json["batch"] = options.batch;
    json["pairs"] = http.size();
    json["ratio"] = to_json(ratio);
    json["http"] = {{"events_per_cpu_second", to_json(cpu)}, {"events_per_second", to_json(spread(wall))}};
    json["without_http"] = {{"events_per_cpu_second", to_json(spread(without))}};
    static_cast<void>(to_stdout(json.dump(2) + "\n"));
    return;
  }
  const auto row = [](const char* way, const Spread& values) {
    return Row{{text_cell("way", way), number_cell("events_per_cpu_second", static_cast<std::uint64_t>(values.median)),
                text_cell("range", fmt::format("{:.0f}..{:.0f}", values.min, values.max))}};
  };
  write_rows(options.output, {"way", "events_per_cpu_second", "range"}, {row("over HTTP", cpu), row("the same bodies without HTTP", spread(without))});
  if (options.output == Output::csv) return;
  fmt::print("\nratio, per CPU-second of the node: median {:.3f}, {:.3f} to {:.3f} in {} pairs\n", ratio.median, ratio.min, ratio.max, http.size());
}

}  // namespace

int bench_ingest(const IngestBenchOptions& options) {
  const std::string self = std::filesystem::read_symlink("/proc/self/exe").string();
  const auto command = [&](const char* way) {
    return std::vector<std::string>{self, "bench", "ingest-run", way, "--events", std::to_string(options.events), "--batch", std::to_string(options.batch),
                                    "--connections", std::to_string(options.connections), "--directory", options.directory};
  };
  std::vector<PathMeasurement> http, direct;
  const SystemClock clock;
  Progress progress(clock, "measuring", "runs");
  for (std::uint32_t i = 0; i < options.pairs; ++i) {
    for (auto* runs : {&http, &direct}) {
      progress.update(http.size() + direct.size(), std::uint64_t{2} * options.pairs);
      auto measured = run_measured(command(runs == &http ? "http" : "direct"));
      if (!measured) return report(measured.error(), kAnswerIsNo);
      runs->push_back(std::move(*measured));
    }
    progress.clear();
    fmt::print(stderr, "pair {}: over HTTP {:.0f}, without {:.0f} events per CPU-second\n", i + 1, per_cpu_second(http, options.events).back(),
               per_cpu_second(direct, options.events).back());
  }
  print(options, http, direct);
  return kDone;
}

}  // namespace weir::cli
