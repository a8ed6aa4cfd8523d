// What the tables of metrics are made of: a description, and how the values are found.
#pragma once
#include <functional>
#include <limits>
#include <string>
#include <utility>
#include <vector>

#include "cluster/node/node_metrics.h"
#include "runtime/engine/histogram.h"

namespace weir {

using Samples = std::vector<MetricSample>;

/// One metric and how its values are found.
struct Metric {
  MetricDescription what;
  std::function<Samples(const MetricSources&)> read;
};

inline MetricSample sample(double value, std::vector<std::pair<std::string, std::string>> labels = {}) {
  MetricSample made;
  made.value = value;
  made.labels = std::move(labels);
  return made;
}

inline MetricSample sample(const Histogram& histogram, std::vector<std::pair<std::string, std::string>> labels = {}) {
  MetricSample made;
  made.labels = std::move(labels);
  for (std::size_t i = 0; i <= histogram.bounds().size(); ++i) {
    made.count += histogram.count(i);
    const bool last = i == histogram.bounds().size();
    made.buckets.emplace_back(last ? std::numeric_limits<double>::infinity() : histogram.bounds()[i], made.count);
  }
  made.sum = histogram.sum();
  return made;
}

/// Of each sink in each partition.
[[nodiscard]] std::vector<Metric> sink_metrics();
/// Of each stage that answers later.
[[nodiscard]] std::vector<Metric> pending_metrics();

}  // namespace weir
