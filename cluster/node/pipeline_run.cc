#include "cluster/node/pipeline_run.h"

#include <caf/actor_system_config.hpp>
#include <caf/atom.hpp>
#include <fmt/format.h>

#include <condition_variable>
#include <map>
#include <mutex>
#include <thread>

#include "actors/doors/door_actor.h"
#include "actors/doors/input_feed.h"
#include "actors/doors/source_position.h"
#include "actors/partition/pipeline_supervisor.h"
#include "actors/serve/views_actor.h"
#include "cluster/node/views_file.h"
#include "runtime/adapters/compress/open_input.h"
#include "runtime/adapters/embedded_log/embedded_log.h"
#include "runtime/adapters/rocksdb_state/rocksdb_states.h"
#include "runtime/adapters/system/data_directory.h"
#include "runtime/adapters/system/system_clock.h"
#include "runtime/base/fail_point.h"

namespace weir {

namespace {

class NodeConfiguration : public caf::actor_system_config {
 public:
  NodeConfiguration() {
    set("scheduler.max-threads", static_cast<std::size_t>(std::max(2u, std::thread::hardware_concurrency())));
    set("scheduler.max-throughput", static_cast<std::size_t>(50));  // a busy actor gives its worker back
  }
};

struct Input {
  std::string name;
  std::optional<std::string> source;  // none: it cannot be read twice
  DoorFeedOpener open;
};

/// Opens every input once, so that a missing one is refused before anything is read, and tells equal contents apart.
Result<std::vector<Input>> prepare_inputs(const RunRequest& request) {
  std::vector<Input> inputs;
  std::map<std::string, std::uint32_t> seen;
  for (const std::string& name : request.inputs) {
    WEIR_ASSIGN(const InputFormat format, input_format_of_file(name, request.format, request.pipeline.record.format));
    Input input;
    input.name = name;
    auto opened = open_input(name);
    if (!opened) return fail(std::move(opened.error()));
    InputFeedConfig config;
    if (opened->identity) {
      config.occurrence = ++seen[source_name(*opened->identity, 1)];
      input.source = source_name(*opened->identity, config.occurrence);
    }
    FileDoorConfig& door = config.door;
    door.input = name == "-" ? "stdin" : name;
    door.framing.framing = format.framing;
    door.framing.limits.event_bytes_max = request.pipeline.limits.event_bytes_max;
    door.framing.csv.separator = request.pipeline.record.csv.separator;
    door.framing.csv.record_lines_max = request.pipeline.record.csv.record_lines_max;
    door.router.partitions = request.pipeline.partitions;
    door.router.format = format.frames;
    door.router.id = event_id_rule(request.pipeline.record.id, format.frames);
    door.router.separator = request.pipeline.record.csv.separator;
    door.router.door = name == "-" ? "stdin" : "file:" + name;
    if (format.framing == Framing::csv) {
      for (const StageConfig& stage : request.pipeline.stages) {
        const auto* validate = std::get_if<ValidateConfig>(&stage.body);
        if (validate == nullptr || stage.when) continue;
        for (const FieldRule& rule : validate->fields) {
          if (rule.required && rule.path.parts.size() == 1 && !rule.path.envelope()) door.required_columns.push_back(rule.path.parts[0]);
        }
      }
    }
    // What was opened to look at it serves the first reading: stdin can be opened only once.
    auto first = std::make_shared<std::optional<OpenedInput>>(std::move(*opened));
    config.open = [name, first]() -> Result<OpenedInput> {
      if (*first) return std::exchange(*first, std::nullopt).value();
      return open_input(name);
    };
    input.open = make_input_feed(std::move(config));
    inputs.push_back(std::move(input));
  }
  return inputs;
}

/// What the actors tell the thread that waits.
struct Ending {
  std::mutex mutex;
  std::condition_variable changed;
  bool ended = false;
  Result<void> result;
  std::uint64_t accepted = 0;
};

class Running {
 public:
  Running(RunRequest request, const Clock& clock, Logbook& logbook) : request_(std::move(request)), clock_(clock), logbook_(logbook) {}

  Result<void> open() {
    WEIR_ASSIGN(inputs_, prepare_inputs(request_));
    WEIR_ASSIGN(pipeline_, CompiledPipeline::compile(request_.pipeline));
    DataIdentity wanted;
    wanted.pipeline = request_.pipeline.name;
    wanted.partitions = request_.pipeline.partitions;
    wanted.wall_text = wall_text(request_.pipeline);
    auto directory = DataDirectory::open(request_.data, wanted, clock_, rng_);
    if (!directory) return fail(std::move(directory.error()));
    directory_.emplace(std::move(*directory));
    WEIR_TRY(write_views_file(*directory_, request_.pipeline));
    EmbeddedLogOptions options;
    options.directory = log_directory(request_.data);
    options.partitions = request_.pipeline.partitions;
    options.segment_bytes = request_.node.segment_bytes;
    options.retain = request_.node.retain;
    auto log = open_embedded_log(options, clock_, rng_);
    if (!log) return fail(std::move(log.error()));
    log_ = std::move(*log);
    stores_ = std::make_unique<RocksdbStates>();
    return {};
  }

  void note_recovery() const {
    for (const LogRecovery::Journal* journal : {&log_->recovery().ingest, &log_->recovery().output}) {
      if (journal->torn_frames != 0)
        note(fmt::format("{} journal: {} torn frame at the end was cut, never acknowledged ({})", journal->name, journal->torn_frames, journal->torn));
      for (const std::string& missing : journal->missing) note(fmt::format("{} journal: {}", journal->name, missing));
    }
  }

  /// Whoever counts the events of a run wants to know why they are fewer than the file's, or all duplicates.
  void note_inputs() const {
    for (const Input& input : inputs_) {
      const auto position = input.source ? log_->source_position(*input.source) : std::nullopt;
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
    NodeConfiguration configuration;
    caf::actor_system system{configuration};
    Ending ending;
    if (request_.work_begins) request_.work_begins();
    const caf::actor root = spawn_pipeline(system, setup(ending, progress));
    bool asked = false;
    std::unique_lock lock(ending.mutex);
    while (!ending.ended) {
      ending.changed.wait_for(lock, std::chrono::milliseconds(50));
      if (stop_signal.load() != 0 && !asked) {
        asked = true;
        caf::anon_send(root, StopNode{});
      }
    }
    accepted = ending.accepted;
    if (request_.work_ended) request_.work_ended();
    return ending.result;
  }

  void close() {
    if (log_) log_->close();
    log_.reset();
    stores_.reset();
  }

  /// A rerun reads finished inputs from the start (they then count as duplicates). The mark is written last.
  Result<void> mark_finished() {
    EmbeddedLogOptions options;
    options.directory = log_directory(request_.data);
    options.partitions = request_.pipeline.partitions;
    options.segment_bytes = request_.node.segment_bytes;
    auto log = open_embedded_log(options, clock_, rng_);
    if (!log) return fail(std::move(log.error()));
    Result<void> result;
    for (const Input& input : inputs_) {
      if (!input.source) continue;
      std::mutex mutex;
      std::condition_variable changed;
      bool done = false;
      auto receipt = (*log)->append(finished_mark(*input.source), [&](Result<void> outcome) {
        const std::scoped_lock lock(mutex);
        if (!outcome) result = std::move(outcome);
        done = true;
        changed.notify_one();
      });
      if (!receipt) return fail(std::move(receipt.error()));
      std::unique_lock lock(mutex);
      changed.wait(lock, [&] { return done; });
    }
    (*log)->close();
    return result;
  }

 private:
  PipelineSetup setup(Ending& ending, const std::function<void(const PartitionProgress&)>& progress) {
    PipelineSetup setup;
    setup.partitions = request_.pipeline.partitions;
    PartitionSetup& partition = setup.partition;
    partition.log = log_.get();
    partition.clock = &clock_;
    partition.logbook = &logbook_;
    partition.views = &pipeline_->views();
    partition.encoder = &pipeline_->encoder();
    partition.steps = pipeline_->steps();
    partition.extractor = pipeline_->extractor();
    partition.spawn_views = spawn_views;
    partition.window.event_bytes_max = request_.pipeline.limits.event_bytes_max;
    partition.on_conflict = request_.pipeline.dedupe.on_conflict;
    partition.remember = request_.pipeline.dedupe.remember;
    partition.rules_hash = pipeline_->rules_hash();
    partition.incarnation = static_cast<std::uint64_t>(clock_.wall());
    setup.committer = {log_.get(), &clock_, {request_.node.commit_interval, request_.node.commit_bytes_max}};
    setup.open_store = [this](PartitionId p) -> Result<std::shared_ptr<StateStore>> {
      auto store = stores_->open(state_directory(request_.data, p), pipeline_->merger());
      if (!store) return fail(std::move(store.error()));
      return std::shared_ptr<StateStore>(std::move(*store));
    };
    for (const Input& input : inputs_) {
      DoorSetup door;
      door.log = log_.get();
      door.clock = &clock_;
      door.logbook = &logbook_;
      door.open = input.open;
      door.name = input.name;
      door.ids_max = request_.pipeline.dedupe.ids_max;
      setup.doors.push_back([door](caf::event_based_actor* supervisor) { return spawn_door(supervisor, door); });
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
  /// What FramePlace::line counts.
  static std::string_view counted_by(Framing framing) {
    switch (framing) {
      case Framing::lines:
      case Framing::csv: return "line";
      case Framing::json: return "document";
      case Framing::geojson: return "feature";
    }
    return "frame";
  }

  RunRequest request_;
  const Clock& clock_;
  Logbook& logbook_;
  SystemRng rng_;
  std::vector<Input> inputs_;
  std::unique_ptr<CompiledPipeline> pipeline_;
  std::optional<DataDirectory> directory_;
  std::unique_ptr<EmbeddedLog> log_;
  std::unique_ptr<RocksdbStates> stores_;
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
  running.close();
  if (!report.result) return report;
  report.result = summary(report);
  WEIR_FAIL_POINT("run_before_finished_mark");
  if (report.result) report.result = running.mark_finished();
  return report;
}

}  // namespace weir
