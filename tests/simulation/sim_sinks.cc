#include "tests/simulation/sim_sinks.h"

#include <fmt/format.h>

#include <algorithm>

#include "actors/sinks/sink_actor.h"
#include "runtime/event/commit_body.h"

namespace weir::sim {

namespace {

std::shared_ptr<const PipelineConfig> pipeline_with_sinks(std::uint32_t partitions) {
  auto pipeline = std::make_shared<PipelineConfig>();
  pipeline->name = "sim";
  pipeline->partitions = partitions;
  FilesSinkConfig files;
  files.file_bytes_max = 1024;
  files.file_age_max = std::chrono::milliseconds(30);
  HttpSinkConfig http;
  http.text = {};
  http.batch_events_max = 7;
  http.batch_age_max = std::chrono::milliseconds(5);
  for (auto& [name, body] : {std::pair<const char*, decltype(SinkConfig::body)>{"hidden", files}, {"shown", http}}) {
    SinkConfig& sink = pipeline->sinks.emplace_back();
    sink.name = name;
    sink.body = body;
    sink.backoff_min = std::chrono::milliseconds(5);
    sink.backoff_max = std::chrono::milliseconds(40);
  }
  return pipeline;
}

/// Every record of the partition, in order.
std::vector<std::string> records_of(const MemoryPartition& log) {
  std::vector<std::string> records;
  for (const CommitRecord& commit : log.commits) {
    const auto body = CommitBody::decode(commit.body);
    for (const OutcomeBatch& batch : body->batches) {
      for (std::uint32_t i = 0; i < batch.outcomes(); ++i) {
        const OutcomeEntry& outcome = batch.outcome(i);
        if (outcome.outcome != Outcome::served) continue;
        for (std::uint32_t r = 0; r < outcome.record_count; ++r) records.emplace_back(batch.record(outcome.first_record + r).payload);
      }
    }
  }
  return records;
}

/// Goes on by one record each time, or back to one that it had: nothing is left out. How many came again.
std::optional<std::uint64_t> repeats_of(const std::vector<std::string>& shown, const std::vector<std::string>& records) {
  std::size_t at = 0, reached = 0;
  std::uint64_t again = 0;
  for (const std::string& text : shown) {
    if (at == records.size() || records[at] != text) {
      std::size_t back = at;
      while (back > 0 && records[back - 1] != text) --back;
      if (back == 0) return std::nullopt;
      at = back - 1;
    }
    again += at < reached ? 1 : 0;
    reached = std::max(reached, ++at);
  }
  return reached == records.size() ? std::optional(again) : std::nullopt;
}

}  // namespace

Sinks::Sinks(std::uint32_t partitions, SeededRng& rng, Witness& witness) : rng_(rng), witness_(witness), pipeline_(pipeline_with_sinks(partitions)) {
  for (std::size_t sink = 0; sink < pipeline_->sinks.size(); ++sink) {
    for (std::uint32_t p = 0; p < partitions; ++p) {
      places_.push_back({sink, PartitionId{p}, std::make_shared<MemorySinkStore>(), nullptr});
      places_.back().store->hides = sink == 0;
    }
  }
}

std::vector<PipelineSink> Sinks::of_node(EventLog& log, const Clock& clock, Logbook& logbook, SimScheduler& scheduler) {
  std::vector<PipelineSink> sinks;
  for (Place& place : places_) {
    place.gauges = std::make_shared<SinkGauges>();
    SinkSetup setup;
    setup.pipeline = pipeline_;
    setup.sink = place.sink;
    setup.partition = place.partition;
    setup.log = &log;
    setup.clock = &clock;
    setup.logbook = &logbook;
    setup.cursors = &cursors_;
    setup.make_target = [store = place.store] { return std::make_unique<MemorySinkTarget>(store); };
    setup.post = [&scheduler](std::function<void()> job) {
      scheduler.post(std::move(job));
      return true;
    };
    setup.gauges = place.gauges;
    sinks.push_back({pipeline_->sinks[place.sink].name, place.partition,
                     [setup](caf::event_based_actor* supervisor, std::shared_ptr<ActorEntry> entry) mutable {
                       setup.entry = std::move(entry);
                       return spawn_sink(supervisor, setup);
                     },
                     place.gauges});
  }
  return sinks;
}

void Sinks::fail_one() {
  ++witness_.sinks_failed;
  const Place& place = places_[rng_.below(places_.size())];
  MemorySinkStore& store = *place.store;
  const Error error{Errc::io_failed, "it fails as asked"};
  switch (rng_.below(5)) {
    case 0: store.answers.push_back({SinkAnswer::Kind::failed, "it fails as asked", {}}); return;
    case 1: store.open_errors.push_back(error); return;
    case 2: store.prepare_errors.push_back(error); return;
    case 3: store.publish_errors.push_back(error); return;
    default: cursors_.fail_next_store(error); return;
  }
}

void Sinks::calm() {
  for (const Place& place : places_) {
    place.store->answers.clear();
    place.store->open_errors.clear();
    place.store->prepare_errors.clear();
    place.store->publish_errors.clear();
  }
}

bool Sinks::took_all(const MemoryDisk& disk) const {
  return std::all_of(places_.begin(), places_.end(), [&](const Place& place) {
    // What is prepared and not shown would be left to a next start.
    const auto& prepared = place.store->prepared;
    if (!std::all_of(prepared.begin(), prepared.end(), [](const auto& one) { return one.second.empty(); })) return false;
    return place.gauges && place.gauges->known.load() && place.gauges->through.load() >= disk.state()->partitions[place.partition.value].position.sequence.value;
  });
}

SinkNeed Sinks::need(PartitionId partition) const {
  SinkNeed need{CommitSequence{~std::uint64_t{0}}, "none"};
  for (const Place& place : places_) {
    if (place.partition != partition) continue;
    const CommitSequence taken{place.gauges && place.gauges->known.load() ? place.gauges->through.load() : 0};
    if (taken < need.taken) need = {taken, pipeline_->sinks[place.sink].name};
  }
  return need;
}

std::string Sinks::judge(MemoryDisk& disk) {
  for (const Place& place : places_) {
    const std::vector<std::string> records = records_of(disk.state()->partitions[place.partition.value]);
    const std::vector<std::string>& shown = place.store->shown;
    const std::string& name = pipeline_->sinks[place.sink].name;
    if (place.store->hides && shown != records)
      return fmt::format("sink {}, partition {}: {} records are shown, the log has {}; they must be the same", name, place.partition.value, shown.size(), records.size());
    const auto repeats = repeats_of(shown, records);
    if (!repeats) return fmt::format("sink {}, partition {}: of {} records not all were sent, or not in order", name, place.partition.value, records.size());
    witness_.shown += shown.size();
    witness_.shown_again += *repeats;
  }
  return {};
}

}  // namespace weir::sim
