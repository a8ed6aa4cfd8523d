// Metrics as plain data: what a node measures, gathered when somebody asks.
#pragma once
#include <cstdint>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

namespace weir {

enum class MetricKind : std::uint8_t { counter, gauge, histogram };

/// What there is to know about one metric; the page of all metrics is made of these.
struct MetricDescription {
  std::string_view name;  // weir_<component>_<noun>_<unit>[_total], base units
  MetricKind kind = MetricKind::gauge;
  std::string_view labels;  // "partition, state"; bounded sets only
  std::string_view help;    // one sentence
};

struct MetricSample {
  std::vector<std::pair<std::string, std::string>> labels;
  double value = 0;  // of counters and gauges
  std::vector<std::pair<double, std::uint64_t>>
      buckets;  // of histograms: upper bound, values up to it (all smaller ones, too)
  std::uint64_t count = 0;
  double sum = 0;
};

struct MetricFamily {
  MetricDescription what;
  std::vector<MetricSample> samples;
};

/// Writes families in a format that a collector reads.
class MetricsWriter {
 public:
  virtual ~MetricsWriter() = default;
  /// Prometheus' text format 0.0.4.
  [[nodiscard]] virtual std::string prometheus_text(const std::vector<MetricFamily>& families) const = 0;
  /// OpenMetrics 1.0.
  [[nodiscard]] virtual std::string openmetrics_text(const std::vector<MetricFamily>& families) const = 0;
};

}  // namespace weir
