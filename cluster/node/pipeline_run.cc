#include "cluster/node/pipeline_run.h"

#include <fmt/format.h>

#include <map>

#include "actors/doors/door_actor.h"
#include "actors/doors/frame_format.h"
#include "actors/doors/input_feed.h"
#include "actors/doors/source_position.h"
#include "cluster/node/actor_setup.h"
#include "cluster/node/file_doors.h"
#include "cluster/node/open_pipeline.h"
#include "cluster/node/stage_watch.h"
#include "runtime/adapters/compress/open_input.h"
#include "runtime/base/fail_point.h"

namespace weir {

namespace {

struct Input {
  std::string name;
  std::optional<std::string> source;  // none: it cannot be read twice
  DoorFeedOpener open;
};

/// Opens every input once, so that a missing one is refused before anything is read, and tells equal contents apart.
Result<std::vector<Input>> prepare_inputs(const RunRequest& request) {
  std::vector<Input> inputs;
  const std::shared_ptr<InputMeter> meter = request.meter ? request.meter : std::make_shared<InputMeter>();
  std::map<std::string, std::uint32_t> seen;
  for (const std::string& name : request.inputs) {
    WEIR_ASSIGN(const InputFormat format, input_format_of_file(name, request.format, request.pipeline.record.format));
    Input input;
    input.name = name;
    auto opened = open_input(name);
    if (!opened) return fail(std::move(opened.error()));
    InputFeedConfig config;
    meter->add(opened->identity ? std::optional(opened->identity->size) : std::nullopt);
    if (opened->identity) {
      config.occurrence = ++seen[source_name(*opened->identity, 1)];
      input.source = source_name(*opened->identity, config.occurrence);
    }
    config.door = file_door_config(request.pipeline, name == "-" ? "stdin" : name, format);
    // What was opened to look at it serves the first reading: stdin can be opened only once.
    auto first = std::make_shared<std::optional<OpenedInput>>(std::move(*opened));
    config.open = [name, first, meter, number = inputs.size()]() -> Result<OpenedInput> {
      if (*first) return metered(std::exchange(*first, std::nullopt).value(), meter, number);
      WEIR_ASSIGN(OpenedInput again, open_input(name));
      return metered(std::move(again), meter, number);
    };
    input.open = make_input_feed(std::move(config));
    inputs.push_back(std::move(input));
  }
  return inputs;
}

class Running {
 public:
  Running(RunRequest request, const Clock& clock, Logbook& logbook) : request_(std::move(request)), clock_(clock), logbook_(logbook) {}

  Result<void> open() {
    WEIR_ASSIGN(inputs_, prepare_inputs(request_));
    WEIR_ASSIGN(open_, OpenPipeline::open(request_.pipeline, request_.node, request_.data, clock_, logbook_, request_.opening));
    return {};
  }

  void note_recovery() const {
    for (const std::string& text : open_->recovery_notes()) note(text);
  }

  /// Whoever counts the events of a run wants to know why they are fewer than the file's, or all duplicates.
  void note_inputs() const {
    for (const Input& input : inputs_) {
      const auto position = input.source ? open_->log().source_position(*input.source) : std::nullopt;
      const auto progress = position ? parse_progress(*position) : fail(Errc::not_found, "never read");
      if (!progress) continue;  // what cannot be read is refused by the door, with its reason
      if (progress->finished) {
        note(fmt::format("file {} was read to its end before; reading it again: its events count as duplicates while their ids are remembered", input.name));
      } else if (progress->place.bytes != 0) {
        note(fmt::format("file {}: goes on at {} {} (byte {}), where an earlier run stopped", input.name, counted_by(progress->framing),
                         progress->place.line, progress->place.bytes));
      }
    }
  }

  Result<void> run(const std::atomic<int>& stop_signal, const std::function<void(const PartitionProgress&)>& progress, std::uint64_t& accepted) {
    const StageGuard guard({request_.pipeline.limits.stage_stall_max, open_->node().memory_max}, open_->marks(), clock_, logbook_);
    NodeConfiguration configuration;
    caf::actor_system system{configuration};
    Ending ending;
    if (request_.work_begins) request_.work_begins();
    const caf::actor root = spawn_pipeline(system, setup(ending, progress));
    LimitsWatch watch(open_->node(), open_->data(), open_->pressure(), [this] { return open_->memory_use(); },
                      [this] { return open_->backlog(); }, clock_, logbook_);
    bool asked = false;
    TimePoint passed = clock_.now();
    std::unique_lock lock(ending.mutex);
    while (!ending.ended) {
      ending.changed.wait_for(lock, std::chrono::milliseconds(20));
      watch.look();
      if (clock_.now() - passed >= kPassTime) {
        passed = clock_.now();
        caf::anon_send(root, PassTime{});
      }
      if (stop_signal.load() != 0 && !asked) {
        asked = true;
        caf::anon_send(root, StopNode{});
      }
    }
    accepted = ending.accepted;
    lock.unlock();
    open_->end_beside();
    if (request_.work_ended) request_.work_ended();
    return ending.result;
  }

  [[nodiscard]] std::vector<std::string> broken_sinks() const {
    std::vector<std::string> broken;
    for (const SinkBoard::Line& line : open_->sinks().lines()) {
      if (line.gauges->broken.load()) broken.push_back(line.gauges->note());
    }
    return broken;
  }

  void close() { open_->close(); }

  /// A rerun reads finished inputs from the start (they then count as duplicates). The mark is written last.
  Result<void> mark_finished() {
    WEIR_ASSIGN(const auto log, open_->open_log_again());
    Result<void> result;
    for (const Input& input : inputs_) {
      if (!input.source) continue;
      std::mutex mutex;
      std::condition_variable changed;
      bool done = false;
      auto receipt = log->append(finished_mark(*input.source), [&](Result<void> outcome) {
        const std::scoped_lock lock(mutex);
        if (!outcome) result = std::move(outcome);
        done = true;
        changed.notify_one();
      });
      if (!receipt) return fail(std::move(receipt.error()));
      std::unique_lock lock(mutex);
      changed.wait(lock, [&] { return done; });
    }
    log->close();
    return result;
  }

 private:
  PipelineSetup setup(Ending& ending, const std::function<void(const PartitionProgress&)>& progress) {
    PipelineSetup setup = open_->setup();
    for (const Input& input : inputs_) {
      DoorSetup door;
      door.log = &open_->log();
      door.clock = &clock_;
      door.logbook = &logbook_;
      door.open = input.open;
      door.name = input.name;
      door.ids_max = request_.pipeline.dedupe.ids_max;
      door.bytes_max = open_->memory().live_bytes_max;
      door.pressure = &open_->pressure();
      setup.doors.push_back({door.name, door_spawner(door)});
    }
    setup.ended = [&ending](Result<void> result) {
      const std::scoped_lock lock(ending.mutex);
      ending.ended = true;
      ending.result = std::move(result);
      ending.changed.notify_one();
    };
    setup.progress = progress;
    setup.door_finished = [&ending](const DoorFinished& finished) {
      const std::scoped_lock lock(ending.mutex);
      ending.accepted += finished.events;
    };
    return setup;
  }

  void note(const std::string& text) const {
    if (request_.note) request_.note(text);
  }

  RunRequest request_;
  const Clock& clock_;
  Logbook& logbook_;
  std::vector<Input> inputs_;
  std::unique_ptr<OpenPipeline> open_;
};

}  // namespace

RunReport run_pipeline(RunRequest request, const Clock& clock, Logbook& logbook, const std::atomic<int>& stop_signal,
                       const std::function<void(const PartitionProgress&)>& progress,
                       const std::function<Result<void>(const RunReport&)>& summary) {
  RunReport report;
  Running running{std::move(request), clock, logbook};
  report.result = running.open();
  if (!report.result) return report;
  running.note_recovery();
  running.note_inputs();
  report.result = running.run(stop_signal, progress, report.accepted);
  report.broken = running.broken_sinks();
  running.close();
  if (!report.result) return report;
  report.result = summary(report);
  if (WEIR_FAIL_POINT_IF("run_before_finished_mark")) report.result = fail(Errc::io_failed, "an error before the inputs are marked");
  if (report.result) report.result = running.mark_finished();
  return report;
}

}  // namespace weir
