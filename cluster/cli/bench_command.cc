#include <fmt/format.h>

#include <filesystem>
#include <nlohmann/json.hpp>

#include "cluster/cli/bench_path.h"
#include "cluster/cli/data_options.h"
#include "runtime/adapters/embedded_log/journal_tools.h"
#include "runtime/base/units.h"

namespace weir::cli {

namespace {

struct Options {
  std::uint64_t events = 4'000'000;
  std::string directory = "weir-bench";
  Output output = Output::table;
};

int bench_journals(const Options& options) {
  struct Way {
    const char* name;
    bool direct, recycled, plain;
  };
  constexpr Way ways[] = {{"journal, O_DIRECT, recycled segments", true, true, false},
                          {"journal, O_DIRECT, new segments", true, false, false},
                          {"journal, page cache, recycled segments", false, true, false},
                          {"plain file, page cache", false, false, true}};
  std::vector<Row> rows;
  for (const Way& way : ways) {
    JournalBenchOptions bench;
    bench.directory = options.directory + "/journal";
    bench.events = options.events;
    bench.direct_io = way.direct;
    bench.recycled = way.recycled;
    bench.plain_file = way.plain;
    std::filesystem::remove_all(bench.directory);
    std::filesystem::create_directories(options.directory);
    const auto result = bench_journal(bench);
    std::filesystem::remove_all(bench.directory);
    if (!result) return report(result.error());
    rows.push_back({{text_cell("way", way.name), {"cpu_ns_per_event", fmt::format("{:.0f}", result->cpu_ns_per_event)},
                     {"MB_per_second", fmt::format("{:.0f}", static_cast<double>(result->bytes) / result->wall_seconds / 1e6)},
                     number_cell("syncs", result->syncs)}});
  }
  std::filesystem::remove(options.directory);
  write_rows(options.output, {"way", "cpu_ns_per_event", "MB_per_second", "syncs"}, rows);
  return kDone;
}

}  // namespace

Command make_bench(CLI::App& root) {
  auto options = std::make_shared<Options>();
  CLI::App* app = root.add_subcommand("bench", "Benchmarks of this machine");
  app->require_subcommand(1);
  app->footer("Example: weir bench journal");
  CLI::App* journal = app->add_subcommand("journal", "CPU and speed of the write path, 300-byte events in groups of 256 KiB");
  journal->footer("Example: weir bench journal --events 4000000");
  journal->add_option("--events", options->events, "Events written each way")->type_name("N");
  journal->add_option("--directory", options->directory, "Where the files are made and removed")->type_name("DIR");
  add_output(*journal, options->output);

  auto path = std::make_shared<PathBenchOptions>();
  CLI::App* whole = app->add_subcommand("path", "The whole path of an event beside a plain program that does the same work");
  whole->footer("Example: weir bench path configs/pipelines/orders.yaml --events 3000000");
  path->pipeline = "configs/pipelines/orders.yaml";
  whole->add_option("pipeline", path->pipeline, "The orders pipeline")->type_name("ORDERS.yaml")->capture_default_str();
  whole->add_option("--events", path->events, "Orders in the ingest journal that both start from")->type_name("N");
  whole->add_option("--pairs", path->pairs, "Runs of each, in turn")->type_name("N")->check(CLI::PositiveNumber);
  whole->add_option("--directory", path->directory, "Where the data is made and removed")->type_name("DIR");
  whole->add_option("--roofline", path->roofline, "The plain program, when it is not beside this one")->type_name("FILE");
  add_output(*whole, path->output);
  auto run_data = std::make_shared<std::string>();
  CLI::App* one = app->add_subcommand("path-run", "One run of it, in this process")->group("");
  one->add_option("pipeline", path->pipeline)->required();
  one->add_option("--data", *run_data)->required();

  return {app, [=] {
            if (whole->parsed()) return bench_path(*path);
            if (one->parsed()) return bench_path_run(path->pipeline, *run_data);
            return bench_journals(*options);
          }};
}

}  // namespace weir::cli
