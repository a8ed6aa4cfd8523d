#include <fmt/format.h>
#include <unistd.h>

#include <cstdio>

#include "cluster/cli/config_options.h"
#include "cluster/cli/progress.h"
#include "cluster/cli/signals.h"
#include "cluster/node/open_sinks.h"
#include "cluster/node/pipeline_node.h"
#include "cluster/node/stderr_logbook.h"
#include "runtime/adapters/system/system_clock.h"

namespace weir::cli {

namespace {

struct Options {
  ConfigOptions configs;
  std::string data;
};

/// JSON lines for programs, unless the file says otherwise.
std::unique_ptr<StderrLogbook> make_logbook(const NodeConfig& node, const Clock& clock) {
  const bool json = node.logging_format == LogFormat::json || (node.logging_format == LogFormat::automatic && ::isatty(STDERR_FILENO) == 0);
  if (json) return std::make_unique<StderrLogbook>(log_level(node), node.node, clock);
  return std::make_unique<StderrLogbook>(log_level(node));
}

int run(const Options& options) {
  const std::atomic<int>& stop = watch_signals();
  const SystemClock clock;
  auto loaded = load_configs(options.configs);
  if (!loaded) return report(loaded.error());
  NodeRequest request;
  note_plugins(loaded->plugins);
  request.pipeline = std::move(loaded->pipeline);
  request.node = std::move(loaded->node);
  request.data = !options.data.empty() ? options.data : request.node.data;
  if (request.data.empty()) request.data = "weir-data/" + request.pipeline.name;
  Progress progress(clock, "opening", "segments");
  request.opening = progress.of_log();
  request.note = [&progress](const std::string& note) {
    progress.clear();
    fmt::print(stderr, "weir: {}\n", note);
  };
  // Where a sink has stdout, it is its alone.
  std::FILE* const out = writes_to_stdout(request.pipeline) ? stderr : stdout;
  request.ready = [&progress, out, node = request.node.node, pipeline = request.pipeline.name,
                   partitions = request.pipeline.partitions](const std::string& address) {
    progress.clear();
    fmt::print(out, "weir ready node={} http={} pipeline={} partitions={}\n", node, address, pipeline, partitions);
    std::fflush(out);  // whoever started it waits for this line
  };
  const auto logbook = make_logbook(request.node, clock);
  // A thread that runs on would not survive what exit() destroys.
  request.abandoned = [](const Result<void>& result) {
    const int code = result ? kDone : report(result.error());
    std::fflush(nullptr);
    ::_exit(code);
  };
  const auto result = run_node(std::move(request), clock, *logbook, stop);
  return result ? kDone : report(result.error());
}

}  // namespace

Command make_up(Level root) {
  auto options = std::make_shared<Options>();
  const Level app =
      root.add_command("up", "Run a node that takes events over HTTP and answers questions, until it is stopped");
  app.footer(
      "Example: weir up configs/pipelines/retail.yaml --data ./sales\n"
      "         weir up configs/pipelines/retail.yaml --set http.listen=127.0.0.1:0     takes a free port and prints "
      "it\n"
      "When everything runs it prints one line: weir ready node=n1 http=127.0.0.1:7070 pipeline=retail partitions=8\n"
      "(on stderr where a sink writes to stdout)\n"
      "SIGTERM or Ctrl-C: answers what is under way, commits, exits with 0; a second one exits at once. The calls: "
      "/openapi.json");
  add_pipeline(app, options->configs);
  app.add_option("--data", options->data, "Data directory; else the node file's, else ./weir-data/PIPELINE")
      .environment("WEIR_DATA")
      .type_name("DIR");
  add_config_options(app, options->configs);
  return {app, [options] { return run(*options); }};
}

}  // namespace weir::cli
