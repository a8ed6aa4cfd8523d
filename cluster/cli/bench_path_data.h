// The data that every run of `weir bench path` begins with: orders in the ingest journal, nothing committed.
#pragma once
#include <cstdint>
#include <string>

#include "cluster/cli/orders_generator.h"
#include "runtime/base/result.h"
#include "runtime/ports/pipeline_config.h"

namespace weir::cli {

/// Makes the data directory of `pipeline` at `data` (which must not exist) and appends `events` orders through the
/// doors' decider, durable. Returns what a run over it must answer. Errors: of the log and the directory.
[[nodiscard]] Result<OrdersTruth> prefill_orders(const PipelineConfig& pipeline, const std::string& data,
                                                 std::uint64_t events);

/// Reads every file below, so that all runs find them in the page cache: the fill went past it. Errors: io_failed.
[[nodiscard]] Result<void> read_through(const std::string& directory);

/// A run's own copy of prefilled data. Segments are linked: a log that is opened again begins new ones and never writes
/// into these. Everything else is copied. An earlier copy at `to` is removed. Errors: io_failed.
[[nodiscard]] Result<void> copy_prefilled(const std::string& from, const std::string& to);

}  // namespace weir::cli
