#include "cluster/node/metric_rows.h"

namespace weir {

namespace {

/// One value per sink and partition.
template <class Read>
std::function<Samples(const MetricSources&)> by_sink(Read read) {
  return [read](const MetricSources& sources) {
    Samples samples;
    for (const SinkReport& report : sources.sinks)
      samples.push_back(sample(static_cast<double>(read(report)), {{"sink", report.sink}, {"partition", std::to_string(report.partition)}}));
    return samples;
  };
}

/// Of curated sinks alone.
Samples sink_lag_records(const MetricSources& sources) {
  Samples samples;
  for (const SinkReport& report : sources.sinks) {
    if (report.lag_records) samples.push_back(sample(static_cast<double>(*report.lag_records), {{"sink", report.sink}, {"partition", std::to_string(report.partition)}}));
  }
  return samples;
}

}  // namespace

std::vector<Metric> sink_metrics() {
  using enum MetricKind;
  return {
      {{"weir_sink_records_total", counter, "sink, partition", "Records, or dead letters, that the sink has taken for good, as its cursor says: also in earlier lives of the node."},
       by_sink([](const SinkReport& r) { return r.records; })},
      {{"weir_sink_skipped_records_total", counter, "sink, partition", "Records that were refused and passed over (`on_refused: skip`); the log names each."},
       by_sink([](const SinkReport& r) { return r.skipped; })},
      {{"weir_sink_bytes_total", counter, "sink, partition", "Bytes of the texts that were taken."}, by_sink([](const SinkReport& r) { return r.bytes; })},
      {{"weir_sink_batches_total", counter, "sink, partition", "Batches that were taken."}, by_sink([](const SinkReport& r) { return r.batches; })},
      {{"weir_sink_failures_total", counter, "sink, partition", "Requests, writes and files that failed and are tried again."},
       by_sink([](const SinkReport& r) { return r.failures; })},
      {{"weir_sink_lag_commits", gauge, "sink, partition", "Commits that it has not taken for good."}, by_sink([](const SinkReport& r) { return r.lag_commits; })},
      {{"weir_sink_lag_records", gauge, "sink, partition", "Records of the curated log that it has not taken for good, those that `when` passes over among them; not of dead letters."},
       sink_lag_records},
      {{"weir_sink_lag_bytes", gauge, "sink, partition", "Bytes in the log of the commits that it has not taken for good; `sink_lag_max.bytes` bounds them."},
       by_sink([](const SinkReport& r) { return r.lag_bytes; })},
      {{"weir_sink_lag_seconds", gauge, "sink, partition", "Since the oldest commit that it has not taken for good; `sink_lag_max.age` bounds it."},
       by_sink([](const SinkReport& r) { return r.lag_seconds; })},
      {{"weir_sink_broken", gauge, "sink, partition", "1: nothing is written to it any more until `weir sink release`; /v1/sinks says why."},
       by_sink([](const SinkReport& r) { return r.state == "broken" ? 1 : 0; })},
  };
}

}  // namespace weir
