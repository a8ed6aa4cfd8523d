#include "cluster/node/metric_rows.h"

namespace weir {

namespace {

Samples pending_events(const MetricSources& sources) {
  Samples samples;
  for (const PendingBoard::Line& line : sources.open->pending().lines())
    samples.push_back(sample(static_cast<double>(line.gauges->pending.load() + line.gauges->turn.load()), {{"stage", line.stage}}));
  return samples;
}

Samples answers(const MetricSources& sources) {
  Samples samples;
  for (const PendingBoard::Line& line : sources.open->pending().lines()) {
    const PendingGauges& g = *line.gauges;
    for (const auto& [outcome, count] : {std::pair{"answered", &g.answered}, {"failed", &g.failed}, {"late", &g.late}, {"unwanted", &g.unwanted}})
      samples.push_back(sample(static_cast<double>(count->load()), {{"stage", line.stage}, {"outcome", outcome}}));
  }
  return samples;
}

}  // namespace

std::vector<Metric> pending_metrics() {
  using enum MetricKind;
  return {
      {{"weir_stage_pending_events", gauge, "stage", "Events of a stage that answers later which wait for their answer, or for their turn to be decided (`pending_max`)."},
       pending_events},
      {{"weir_stage_answers_total", counter, "stage, outcome",
        "What became of its questions: `answered`, `failed` (retried), `late` (no answer by `deadline`, retried); and `unwanted`: answers that came when nobody waited any more."},
       answers},
  };
}

}  // namespace weir
