#include "cluster/node/memory_run.h"

#include <caf/actor_system.hpp>
#include <caf/actor_system_config.hpp>
#include <caf/atom.hpp>
#include <caf/scheduler/test_coordinator.hpp>
#include <caf/send.hpp>

#include <deque>
#include <utility>

#include "actors/doors/door_actor.h"
#include "actors/partition/pipeline_supervisor.h"
#include "actors/serve/views_actor.h"
#include "runtime/adapters/memory/memory_disk.h"
#include "runtime/base/invariant.h"
#include "runtime/ports/node_config.h"

namespace weir {

namespace {

/// Of the node's own time, which only passes when nothing else can happen, beside what its retries may take: restarts with their pauses
/// end long before.
constexpr TimePoint kLifeMax = std::chrono::hours(1);

/// The same log id in every run: nothing in a test is left to chance.
class FixedRng final : public Rng {
 public:
  [[nodiscard]] std::uint64_t next() override { return ++value_; }

 private:
  std::uint64_t value_ = 0;
};

class HandClock final : public Clock {
 public:
  explicit HandClock(UnixMicros wall) : start_(wall) {}
  [[nodiscard]] TimePoint now() const override { return now_; }
  [[nodiscard]] UnixMicros wall() const override {
    return start_ + std::chrono::duration_cast<std::chrono::microseconds>(now_).count();
  }
  void advance(TimePoint by) { now_ += by; }

 private:
  UnixMicros start_;
  TimePoint now_{0};
};

/// Keeps the last warning or error: the reason behind an end that is none.
class LastWords final : public Logbook {
 public:
  void write(LogLevel level, std::string_view who, std::string_view text) noexcept override {
    if (level >= LogLevel::warn) last_ = std::string(who) + ": " + std::string(text);
  }
  [[nodiscard]] const std::string& last() const { return last_; }

 private:
  std::string last_;
};

/// Gives what was framed before. Opened again (its door died) it begins anew: those events are then duplicates in the
/// log, and the end of the run names the death.
class GroupFeed final : public DoorFeed {
 public:
  explicit GroupFeed(std::shared_ptr<const std::vector<DoorGroup>> groups) : groups_(std::move(groups)) {}
  [[nodiscard]] const std::string& name() const override { return name_; }
  [[nodiscard]] Result<std::optional<DoorGroup>> next(UnixMicros) override {
    if (at_ == groups_->size()) return std::optional<DoorGroup>{};
    return std::optional<DoorGroup>{(*groups_)[at_++]};
  }

 private:
  std::shared_ptr<const std::vector<DoorGroup>> groups_;
  std::string name_ = "test";
  std::size_t at_ = 0;
};

/// Actors, then the work of log and state, then the next timer: always in the same order.
class HandScheduler {
 public:
  explicit HandScheduler(HandClock& clock) : clock_(clock) {
    config_.set("scheduler.policy", caf::atom("testing"));
    system_ = std::make_unique<caf::actor_system>(config_);
    coordinator_ = dynamic_cast<caf::scheduler::test_coordinator*>(&system_->scheduler());
    NODE_INVARIANT(coordinator_ != nullptr, "the scheduler is the one that was asked for");
  }
  ~HandScheduler() {
    tasks_.clear();
    coordinator_->clock().cancel_all();
    coordinator_->run();
  }
  HandScheduler(const HandScheduler&) = delete;
  HandScheduler& operator=(const HandScheduler&) = delete;

  [[nodiscard]] caf::actor_system& system() { return *system_; }
  void post(std::function<void()> task) { tasks_.push_back(std::move(task)); }

  /// False: nothing is left that could happen.
  [[nodiscard]] bool step() {
    if (coordinator_->has_job()) {
      coordinator_->run_once();
    } else if (!tasks_.empty()) {
      const std::function<void()> task = std::move(tasks_.front());
      tasks_.pop_front();
      task();
    } else if (coordinator_->has_pending_timeout()) {
      const auto before = coordinator_->clock().current_time;
      coordinator_->trigger_timeout();
      clock_.advance(coordinator_->clock().current_time - before);
    } else {
      return false;
    }
    return true;
  }

 private:
  HandClock& clock_;
  caf::actor_system_config config_;
  std::unique_ptr<caf::actor_system> system_;
  caf::scheduler::test_coordinator* coordinator_ = nullptr;
  std::deque<std::function<void()>> tasks_;
};

PipelineSetup setup_of(const CompiledPipeline& pipeline, EventLog& log, const Clock& clock, Logbook& logbook) {
  const PipelineConfig& config = pipeline.config();
  const NodeConfig node;
  PipelineSetup setup;
  setup.partitions = config.partitions;
  PartitionSetup& partition = setup.partition;
  partition.log = &log;
  partition.clock = &clock;
  partition.logbook = &logbook;
  partition.views = &pipeline.views();
  partition.rules = pipeline.rules();
  partition.extractor = pipeline.extractor();
  partition.spawn_views = spawn_views;
  partition.window = chain_limits(config, partition.window);
  partition.window_rules = window_rules_of(config);
  partition.dead_letters = config.dead_letters;
  partition.remember = config.dedupe.remember;
  setup.poison_crashes_max = config.limits.poison_crashes_max;
  setup.committer = {&log, &clock, {node.commit_interval, node.commit_bytes_max}};
  return setup;
}

DoorSetup door_of(std::vector<DoorGroup> groups, const PipelineConfig& config, EventLog& log, const Clock& clock,
                  Logbook& logbook) {
  DoorSetup door;
  door.log = &log;
  door.clock = &clock;
  door.logbook = &logbook;
  door.name = "test";
  door.ids_max = config.dedupe.ids_max;
  door.own_thread = false;
  door.open = [shared = std::make_shared<const std::vector<DoorGroup>>(std::move(groups))](
                  const EventLog&) -> Result<std::unique_ptr<DoorFeed>> { return std::make_unique<GroupFeed>(shared); };
  return door;
}

Result<MemoryAnswers::State> open_state(std::uint32_t partition, const MemoryPartition& log, Digest128 log_id,
                                        const std::shared_ptr<MemoryStateDisk>& disk,
                                        const CompiledPipeline& pipeline) {
  MemoryAnswers::State opened;
  opened.store =
      std::make_unique<MemoryState>(disk, pipeline.merger(), [](const std::function<void()>& task) { task(); });
  opened.dedupe = std::make_unique<DedupeLog>(pipeline.config().dedupe.remember);
  PartitionStateOptions options;
  options.partition = PartitionId{partition};
  options.log_id = log_id;
  opened.state = std::make_unique<PartitionState>(options, pipeline.views(), *opened.store);
  opened.state->join(*opened.dedupe);
  WEIR_ASSIGN(const CommitSequence after, opened.state->recover());
  if (after != log.position.sequence) {
    return fail(Errc::state_damaged, "partition {}: the state stands at commit {}, the log ends at {}", partition,
                after.value, log.position.sequence.value);
  }
  return opened;
}

Result<void> add_records(std::uint32_t partition, const MemoryPartition& log, std::vector<CuratedRecord>& to) {
  for (const CommitRecord& commit : log.commits) {
    WEIR_ASSIGN(const CommitBody body, CommitBody::decode(commit.body));
    for (const OutcomeBatch& batch : body.batches) {
      for (std::uint32_t i = 0; i < batch.records(); ++i) {
        const RecordView record = batch.record(i);
        to.push_back({std::string(batch.id(record.outcome_index)), PartitionId{partition}, record.index,
                      record.event_time, std::string(record.type), std::string(record.source),
                      std::string(record.payload)});
      }
    }
  }
  return {};
}

}  // namespace

MemoryMachine::MemoryMachine(const CompiledPipeline& pipeline, MemoryHttpFetch::Script servers, MemorySinks::MakeTarget target)
    : pipeline_(&pipeline), servers_(std::move(servers)), sinks_(pipeline.config(), std::move(target)) {
  FixedRng rng;
  const std::uint32_t partitions = pipeline.config().partitions;
  disk_ = std::make_shared<MemoryDisk>(partitions, rng);
  for (std::uint32_t p = 0; p < partitions; ++p) states_.push_back(std::make_shared<MemoryStateDisk>());
}

Result<void> MemoryMachine::run(std::vector<DoorGroup> groups, UnixMicros wall, const StepsWrapper& wrap, std::vector<SourceFeedConfig> sources) {
  HandClock clock(wall);
  LastWords logbook;
  HandScheduler scheduler(clock);
  const auto post = [&scheduler](std::function<void()> task) { scheduler.post(std::move(task)); };
  const auto log = open_memory_log(disk_, post);
  std::optional<Result<void>> end;
  PipelineSetup setup = setup_of(*pipeline_, *log, clock, logbook);
  setup.partition.owner.incarnation = ++incarnation_;
  MemoryHttpFetch fetch(fetch_config(pipeline_->config()), servers_, post);
  setup.partition.stage_ports = {{}, &clock, &logbook, &fetch, 0, lookups_, nullptr};
  if (wrap) {
    auto watched = std::make_shared<ChainRules>(*setup.partition.rules);
    watched->steps = wrap(std::move(watched->steps));
    setup.partition.rules = std::move(watched);
  }
  setup.open_store = [this, &post](PartitionId p) -> Result<std::shared_ptr<StateStore>> {
    return std::static_pointer_cast<StateStore>(
        std::make_shared<MemoryState>(states_[p.value], pipeline_->merger(), post));
  };
  setup.ended = [&end](Result<void> result) {
    if (!end) end = std::move(result);
  };
  setup.doors.push_back({"test", door_spawner(door_of(std::move(groups), pipeline_->config(), *log, clock, logbook))});
  for (SourceFeedConfig& source : sources) {
    source.logbook = &logbook;
    DoorSetup door = door_of({}, pipeline_->config(), *log, clock, logbook);
    door.name = source.router.door;
    door.open = make_source_feed(std::move(source));
    setup.doors.push_back({door.name, door_spawner(door)});
  }
  setup.sinks = sinks_.open(*log, clock, logbook, post);
  caf::actor root = spawn_pipeline(scheduler.system(), std::move(setup));
  const TimePoint life_max = kLifeMax + pipeline_->config().retry.retry_age_max;
  while (!end && clock.now() < life_max && scheduler.step()) {
  }
  if (!end) {
    caf::anon_send_exit(root, caf::exit_reason::kill);
    end = fail(Errc::internal, "the pipeline did not come to its end");
  }
  ended_at_ = clock.wall();
  // A good end leaves nobody behind; the state is flushed by tasks that may still wait.
  const TimePoint until = clock.now() + kLifeMax;
  while (clock.now() < until && scheduler.step()) {
  }
  root = nullptr;
  fetch.close();
  log->close();
  if (*end) {
    const auto broken = sinks_.broken();
    if (!broken.empty()) return fail(Errc::not_ready, "{}", fmt::join(broken, "\n"));
  }
  if (*end || logbook.last().empty()) return std::move(*end);
  return fail(end->error().code, "{} ({})", end->error().context, logbook.last());
}

Result<MemoryAnswers> MemoryMachine::answers() const {
  MemoryAnswers answers;
  answers.lookups = lookups_->lines();
  answers.sunk = sinks_.taken();
  const MemoryDiskState& disk = *disk_->state();
  for (std::uint32_t p = 0; p < states_.size(); ++p) {
    const MemoryPartition& log = disk.partitions[p];
    WEIR_ASSIGN(MemoryAnswers::State state, open_state(p, log, disk.log_id, states_[p], *pipeline_));
    WEIR_ASSIGN(PartitionPicture picture, state.state->picture());
    WEIR_TRY(add_records(p, log, answers.records));
    const Ledger& ledger = state.state->meta().ledger;
    const std::uint64_t committed = log.position.committed.value;
    answers.ledger += ledger;
    answers.accepted += log.ingest_end.value;
    answers.in_flight += log.ingest_end.value - committed;
    answers.balanced = answers.balanced && ledger.decided() == committed;
    answers.pictures.push_back(std::move(picture));
    answers.states.push_back(std::move(state));
  }
  return answers;
}

}  // namespace weir
