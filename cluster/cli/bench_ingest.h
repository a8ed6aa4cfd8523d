// `weir bench ingest`: what an event costs a node on its way from a request into the log, the chain paused.
#pragma once
#include <cstdint>
#include <string>

#include "cluster/cli/command.h"

namespace weir::cli {

struct IngestBenchOptions {
  std::uint64_t events = 1'000'000;
  std::uint32_t batch = 500;        // events of one request
  std::uint32_t connections = 8;    // each sends its next request when the one before is answered
  std::uint32_t pairs = 3;
  std::string directory = "weir-bench";
  Output output = Output::table;
};

/// Prints the result; the exit code. Each pair: orders as NDJSON over HTTP, acknowledged when durable, and the same bodies without
/// HTTP. Both in a process of their own; the clients' work is not counted.
[[nodiscard]] int bench_ingest(const IngestBenchOptions& options);
/// One run in this process: prints its measurement as JSON.
[[nodiscard]] int bench_ingest_run(const IngestBenchOptions& options, bool http);
/// The clients of a run: make their bodies, say `ready`, read the address of the node from stdin, send everything.
[[nodiscard]] int bench_ingest_clients(const IngestBenchOptions& options);

}  // namespace weir::cli
