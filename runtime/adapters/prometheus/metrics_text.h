// Metrics in the formats of Prometheus and OpenMetrics, written by prometheus-cpp.
#pragma once
#include <memory>

#include "runtime/ports/metrics.h"

namespace weir {

/// Thread-safe.
[[nodiscard]] std::unique_ptr<MetricsWriter> make_prometheus_writer();

}  // namespace weir
