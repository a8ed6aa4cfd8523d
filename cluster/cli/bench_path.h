// `weir bench path`: weir beside the roofline program, from the same prefilled ingest journal, in turn.
#pragma once
#include <cstdint>
#include <string>

#include "cluster/cli/command.h"

namespace weir::cli {

struct PathBenchOptions {
  std::uint64_t events = 3'000'000;
  std::uint32_t pairs = 5;
  std::string directory = "weir-bench";  // made, filled and removed
  std::string pipeline;                  // orders.yaml; empty: found beside the program
  std::string roofline;                  // empty: weir-roofline beside this program
  Output output = Output::table;
};
/// The whole benchmark. Returns the exit code: 1 when an answer was wrong.
[[nodiscard]] int bench_path(const PathBenchOptions& options);

/// One run of the engine over what is in the log, in this process: what `bench path` starts as a process of its own.
/// Prints its measurement as one line of JSON.
[[nodiscard]] int bench_path_run(const std::string& pipeline, const std::string& data);

}  // namespace weir::cli
