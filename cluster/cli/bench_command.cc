#include <fmt/format.h>

#include <filesystem>
#include <nlohmann/json.hpp>

#include "cluster/cli/bench_ingest.h"
#include "cluster/cli/bench_path.h"
#include "cluster/cli/data_options.h"
#include "cluster/cli/progress.h"
#include "runtime/adapters/embedded_log/journal_tools.h"
#include "runtime/adapters/rocksdb_state/log_bench.h"
#include "runtime/adapters/system/system_clock.h"
#include "runtime/base/units.h"

namespace weir::cli {

namespace {

/// Of one event and one group, the same for every way.
constexpr std::uint32_t kEventBytes = 300;
constexpr std::uint64_t kGroupBytes = 256 * 1024;

struct Options {
  std::uint64_t events = 4'000'000;
  std::string directory = "weir-bench";
  Output output = Output::table;
};

Row bench_row(std::string_view way, double cpu_ns_per_event, std::uint64_t bytes, double wall_seconds,
              std::uint64_t syncs) {
  return {{text_cell("way", way),
           {"cpu_ns_per_event", fmt::format("{:.0f}", cpu_ns_per_event)},
           {"MB_per_second", fmt::format("{:.0f}", static_cast<double>(bytes) / wall_seconds / 1e6)},
           number_cell("syncs", syncs)}};
}

int bench_journals(const Options& options) {
  struct Way {
    const char* name;
    bool direct, recycled, plain;
  };
  constexpr Way ways[] = {{"recycled segments", true, true, false},
                          {"new segments", true, false, false},
                          {"recycled segments", false, true, false},
                          {"plain file, page cache", false, false, true}};
  std::vector<Row> rows;
  const SystemClock clock;
  Progress progress(clock, "writing", "events");
  const auto written = [&progress, &options](std::uint64_t events) { progress.update(events, options.events); };
  for (const Way& way : ways) {
    progress.begin(way.name, "events");
    JournalBenchOptions bench;
    bench.progress = written;
    bench.directory = options.directory + "/journal";
    bench.events = options.events;
    bench.event_bytes = kEventBytes;
    bench.group_bytes = kGroupBytes;
    bench.direct_io = way.direct;
    bench.recycled = way.recycled;
    bench.plain_file = way.plain;
    std::error_code code;  // a directory that cannot be emptied or made is named by the benchmark itself
    std::filesystem::remove_all(bench.directory, code);
    const auto result = bench_journal(bench);
    std::filesystem::remove_all(bench.directory, code);
    if (!result) return report(result.error());
    const char* cache = result->direct ? "O_DIRECT" : way.direct ? "page cache (no O_DIRECT here)" : "page cache";
    const std::string name = way.plain ? way.name : fmt::format("journal, {}, {}", cache, way.name);
    rows.push_back(bench_row(name, result->cpu_ns_per_event, result->bytes, result->wall_seconds, result->syncs));
  }
  const std::string rocksdb = options.directory + "/rocksdb";
  std::error_code code;
  std::filesystem::remove_all(rocksdb, code);
  progress.begin("RocksDB", "events");
  const auto result = bench_rocksdb_log(rocksdb, options.events, kEventBytes, kGroupBytes, written);
  progress.clear();
  std::filesystem::remove_all(rocksdb, code);
  if (!result) return report(result.error());
  rows.push_back(
      bench_row("RocksDB as a log", result->cpu_ns_per_event, result->bytes, result->wall_seconds, result->syncs));
  std::filesystem::remove(options.directory, code);  // stays where it holds something else
  write_rows(options.output, {"way", "cpu_ns_per_event", "MB_per_second", "syncs"}, rows);
  return kDone;
}

}  // namespace

Command make_bench(Level root) {
  auto options = std::make_shared<Options>();
  const Level app = root.add_command("bench", "Benchmarks of this machine");
  app.require_command();
  app.footer("Example: weir bench journal");
  const Level journal = app.add_command(
      "journal",
      "CPU and speed of the write path, 300-byte events in groups of 256 KiB, beside a plain file and RocksDB");
  journal.footer("Example: weir bench journal --events 4000000");
  journal.add_option("--events", options->events, "Events written each way").type_name("N");
  journal.add_option("--directory", options->directory, "Where the files are made and removed").type_name("DIR");
  add_output(journal, options->output);

  auto path = std::make_shared<PathBenchOptions>();
  const Level whole =
      app.add_command("path", "The whole path of an event beside a plain program that does the same work");
  whole.footer("Example: weir bench path configs/pipelines/orders.yaml --events 3000000");
  path->pipeline = "configs/pipelines/orders.yaml";
  whole.add_option("pipeline", path->pipeline, "The orders pipeline").type_name("ORDERS.yaml").shown_default(path->pipeline);
  whole.add_option("--events", path->events, "Orders in the ingest journal that both start from").type_name("N");
  whole.add_option("--pairs", path->pairs, "Runs of each, in turn").type_name("N").at_least_one();
  whole.add_option("--directory", path->directory, "Where the data is made and removed").type_name("DIR");
  whole.add_option("--roofline", path->roofline, "The plain program, when it is not beside this one")
      .type_name("FILE");
  add_output(whole, path->output);
  auto run_data = std::make_shared<std::string>();
  const Level one = app.add_hidden_command("path-run", "One run of it, in this process");
  one.add_option("pipeline", path->pipeline).required();
  one.add_option("--data", *run_data).required();

  auto ingest = std::make_shared<IngestBenchOptions>();
  auto over_http = std::make_shared<std::string>();
  const Level requests = app.add_command(
      "ingest",
      "What an event costs a node from a request into the log, the chain paused, beside the same bodies without HTTP");
  requests.footer("Example: weir bench ingest --events 1000000 --batch 500");
  const Level requests_run = app.add_hidden_command("ingest-run", "One run of it, in this process");
  requests_run.add_option("way", *over_http).required();
  const Level clients = app.add_hidden_command("ingest-clients", "Its clients");
  for (const Level level : {requests, requests_run, clients}) {
    level.add_option("--events", ingest->events, "Orders sent").type_name("N").at_least_one();
    level.add_option("--batch", ingest->batch, "Orders of one request").type_name("N").at_least_one();
    level.add_option("--connections", ingest->connections, "Clients; each sends on when it was answered")
        .type_name("N")
        .at_least_one();
  }
  for (const Level level : {requests, requests_run})
    level.add_option("--directory", ingest->directory, "Where the log is made and removed").type_name("DIR");
  requests.add_option("--pairs", ingest->pairs, "Runs of each, in turn").type_name("N").at_least_one();
  add_output(requests, ingest->output);

  return {app, [=] {
            if (requests.parsed()) return bench_ingest(*ingest);
            if (requests_run.parsed()) return bench_ingest_run(*ingest, *over_http == "http");
            if (clients.parsed()) return bench_ingest_clients(*ingest);
            if (whole.parsed()) return bench_path(*path);
            if (one.parsed()) return bench_path_run(path->pipeline, *run_data);
            return bench_journals(*options);
          }};
}

}  // namespace weir::cli
