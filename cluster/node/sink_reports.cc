#include "cluster/node/sink_reports.h"

#include <algorithm>

namespace weir {

std::vector<SinkReport> sink_reports(OpenPipeline& open, const LiveState& state) {
  std::vector<SinkReport> reports;
  const std::vector<LivePartition> partitions = state.partitions();
  for (const SinkBoard::Line& line : open.sinks().lines()) {
    const SinkGauges& gauges = *line.gauges;
    SinkReport report;
    report.sink = line.sink;
    report.kind = line.kind;
    report.from = line.letters ? "dead_letter" : "curated";
    report.partition = line.partition.value;
    report.note = gauges.note();
    const bool known = gauges.known.load();
    report.state = gauges.broken.load() ? "broken" : !known ? "opening" : report.note.empty() ? "running" : "failing";
    report.commit = gauges.through.load();
    report.records = gauges.records.load();
    report.skipped = gauges.skipped.load();
    report.bytes = gauges.bytes.load();
    report.batches = gauges.batches.load();
    report.failures = gauges.failures.load();
    // Read after what the sink says: it only grows. A broken one does not look at the log any more.
    const std::uint64_t newest = open.log().status(line.partition).position.sequence.value;
    report.newest = newest;
    report.lag_commits = newest - std::min(newest, report.commit);
    if (report.lag_commits != 0) report.lag_bytes = open.log().output_bytes(line.partition, CommitSequence{report.commit});
    if (!line.letters && line.partition.value < partitions.size()) {
      const std::uint64_t all = partitions[line.partition.value].ledger.records;
      report.lag_records = report.lag_commits == 0 ? 0 : all - std::min(all, gauges.log_records.load());
    }
    const std::int64_t since = gauges.lag_since.load();
    if (since != 0) report.lag_seconds = static_cast<double>(std::max<std::int64_t>(open.clock().wall() - since, 0)) / 1e6;
    reports.push_back(std::move(report));
  }
  return reports;
}

}  // namespace weir
