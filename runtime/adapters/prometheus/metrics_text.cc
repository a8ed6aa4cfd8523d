#include "runtime/adapters/prometheus/metrics_text.h"

#include <prometheus/metric_family.h>
#include <prometheus/text_serializer.h>

#include <cmath>
#include <string_view>

namespace weir {

namespace {

prometheus::ClientMetric to_metric(const MetricSample& sample, MetricKind kind) {
  prometheus::ClientMetric metric;
  for (const auto& [name, value] : sample.labels) metric.label.push_back({name, value});
  switch (kind) {
    case MetricKind::counter:
      metric.counter.value = sample.value;
      break;
    case MetricKind::gauge:
      metric.gauge.value = sample.value;
      break;
    case MetricKind::histogram:
      metric.histogram.sample_count = sample.count;
      metric.histogram.sample_sum = sample.sum;
      for (const auto& [bound, count] : sample.buckets) {
        prometheus::ClientMetric::Bucket bucket;
        bucket.cumulative_count = count;
        bucket.upper_bound = bound;
        metric.histogram.bucket.push_back(bucket);
      }
      break;
  }
  return metric;
}

prometheus::MetricType to_type(MetricKind kind) {
  switch (kind) {
    case MetricKind::counter:
      return prometheus::MetricType::Counter;
    case MetricKind::gauge:
      return prometheus::MetricType::Gauge;
    case MetricKind::histogram:
      return prometheus::MetricType::Histogram;
  }
  return prometheus::MetricType::Untyped;
}

class PrometheusWriter final : public MetricsWriter {
 public:
  [[nodiscard]] std::string prometheus_text(const std::vector<MetricFamily>& families) const override {
    std::vector<prometheus::MetricFamily> made;
    for (const MetricFamily& family : families) {
      prometheus::MetricFamily one;
      one.name = family.what.name;
      one.help = family.what.help;
      one.type = to_type(family.what.kind);
      for (const MetricSample& sample : family.samples) one.metric.push_back(to_metric(sample, family.what.kind));
      made.push_back(std::move(one));
    }
    return prometheus::TextSerializer().Serialize(made);
  }

  /// The library writes the older format only. What differs in what we use: a counter's family is named without
  /// `_total`, and the text ends with a mark.
  [[nodiscard]] std::string openmetrics_text(const std::vector<MetricFamily>& families) const override {
    std::string text;
    for (const MetricFamily& family : families) {
      std::string one = prometheus_text({family});
      if (family.what.kind == MetricKind::counter) {
        for (const std::string_view word : {"# HELP ", "# TYPE "}) {
          const std::string line = std::string(word) + std::string(family.what.name);
          const std::size_t at = one.find(line);
          if (at != std::string::npos && line.ends_with("_total")) one.erase(at + line.size() - 6, 6);
        }
      }
      text += one;
    }
    return text + "# EOF\n";
  }
};

}  // namespace

std::unique_ptr<MetricsWriter> make_prometheus_writer() {
  return std::make_unique<PrometheusWriter>();
}

}  // namespace weir
