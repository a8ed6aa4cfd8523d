#include "cluster/node/memory_life.h"

#include <caf/actor_system.hpp>
#include <caf/actor_system_config.hpp>
#include <caf/atom.hpp>
#include <caf/scheduler/test_coordinator.hpp>
#include <caf/send.hpp>

#include <algorithm>
#include <condition_variable>
#include <deque>
#include <mutex>
#include <utility>

#include "actors/doors/door_actor.h"
#include "actors/serve/views_actor.h"
#include "runtime/adapters/memory/memory_state.h"
#include "runtime/base/invariant.h"
#include "runtime/ports/node_config.h"
#include "runtime/ports/plugin_kinds.h"

namespace weir {

namespace {

/// Of the node's own time, which only passes when nothing else can happen, beside what its retries may take: restarts with their pauses
/// end long before.
constexpr TimePoint kLifeMax = std::chrono::hours(1);

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

/// A door that is open for more asks for it so often.
constexpr std::chrono::milliseconds kAskAgain{50};

/// What there is to read, and whether more may come.
struct Groups {
  std::vector<DoorGroup> all;
  std::size_t given = 0;
  bool ended = true;
};

/// Gives what was framed before. Opened again (its door died) it begins anew: those events are then duplicates in the
/// log, and the end of the run names the death.
class GroupFeed final : public DoorFeed {
 public:
  explicit GroupFeed(std::shared_ptr<Groups> groups) : groups_(std::move(groups)) {}
  [[nodiscard]] const std::string& name() const override { return name_; }
  [[nodiscard]] Result<std::optional<DoorGroup>> next(UnixMicros) override {
    if (at_ == groups_->all.size()) {
      if (groups_->ended) return std::optional<DoorGroup>{};
      DoorGroup none;
      none.ask_again = kAskAgain;
      return std::optional<DoorGroup>{std::move(none)};
    }
    DoorGroup group = groups_->all[at_++];
    groups_->given = std::max(groups_->given, at_);
    return std::optional<DoorGroup>{std::move(group)};
  }

 private:
  std::shared_ptr<Groups> groups_;
  std::size_t at_ = 0;
  std::string name_ = "test";
};

/// Actors, then the work of log and state, then what other threads brought, then the next timer: always in the same order.
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
  /// From any thread.
  void post_from_outside(std::function<void()> task) {
    const std::scoped_lock lock(mutex_);
    outside_.push_back(std::move(task));
    came_.notify_one();
  }

  /// False: only time, or another thread, can change anything.
  [[nodiscard]] bool act() {
    if (coordinator_->has_job()) {
      coordinator_->run_once();
      return true;
    }
    if (tasks_.empty()) {
      const std::scoped_lock lock(mutex_);
      tasks_.swap(outside_);
    }
    if (tasks_.empty()) return false;
    const std::function<void()> task = std::move(tasks_.front());
    tasks_.pop_front();
    task();
    return true;
  }
  /// How long until the next timer.
  [[nodiscard]] std::optional<std::chrono::nanoseconds> next_timer() const {
    const auto& schedule = coordinator_->clock().schedule();
    if (schedule.empty()) return std::nullopt;
    return std::max<std::chrono::nanoseconds>(std::chrono::nanoseconds(0), schedule.begin()->first - coordinator_->clock().current_time);
  }
  /// Time passes to the next timer.
  void trigger() {
    const auto before = coordinator_->clock().current_time;
    coordinator_->trigger_timeout();
    clock_.advance(coordinator_->clock().current_time - before);
  }
  /// Time passes, and no timer is due.
  void pass(std::chrono::nanoseconds time) {
    coordinator_->clock().current_time += time;
    clock_.advance(time);
  }
  [[nodiscard]] bool step() {
    if (act()) return true;
    if (!next_timer()) return false;
    trigger();
    return true;
  }
  /// For so long outside. True: another thread brought something.
  [[nodiscard]] bool wait(std::chrono::nanoseconds time) {
    std::unique_lock lock(mutex_);
    return came_.wait_for(lock, time, [this] { return !outside_.empty(); });
  }

 private:
  HandClock& clock_;
  caf::actor_system_config config_;
  std::unique_ptr<caf::actor_system> system_;
  caf::scheduler::test_coordinator* coordinator_ = nullptr;
  std::deque<std::function<void()>> tasks_;
  std::mutex mutex_;
  std::condition_variable came_;
  std::deque<std::function<void()>> outside_;
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

DoorSetup door_of(const PipelineConfig& config, EventLog& log, const Clock& clock, Logbook& logbook) {
  DoorSetup door;
  door.log = &log;
  door.clock = &clock;
  door.logbook = &logbook;
  door.name = "test";
  door.ids_max = config.dedupe.ids_max;
  door.own_thread = false;
  return door;
}

bool some_answer_later(const PipelineConfig& config) {
  return std::any_of(config.stages.begin(), config.stages.end(), [](const StageConfig& stage) {
    const auto* plugin = std::get_if<PluginStageConfig>(&stage.body);
    return plugin != nullptr && answers_later(*plugin->kind);
  });
}

}  // namespace

struct MemoryLife::Parts {
  explicit Parts(MemoryLifeSetup setup) : ground(std::move(setup)), clock(ground.wall), scheduler(clock), log(open_memory_log(ground.disk, posted())),
        fetch(fetch_config(ground.pipeline->config()), ground.servers, posted()) {}
  [[nodiscard]] std::function<void(std::function<void()>)> posted() {
    return [this](std::function<void()> task) { scheduler.post(std::move(task)); };
  }

  MemoryLifeSetup ground;
  HandClock clock;
  LastWords logbook;
  HandScheduler scheduler;
  std::unique_ptr<MemoryEventLog> log;
  MemoryHttpFetch fetch;
  std::vector<std::shared_ptr<PartitionGauges>> gauges;
  std::shared_ptr<Groups> groups = std::make_shared<Groups>();
  std::optional<Result<void>> end;
  caf::actor root;
};

MemoryLife::MemoryLife(MemoryLifeSetup setup) : parts_(std::make_unique<Parts>(std::move(setup))) {
  Parts& p = *parts_;
  MemoryLifeSetup& ground = p.ground;
  const CompiledPipeline& pipeline = *ground.pipeline;
  PipelineSetup made = setup_of(pipeline, *p.log, p.clock, p.logbook);
  made.partition.owner.incarnation = ground.incarnation;
  made.partition.stage_ports = {{}, &p.clock, &p.logbook, &p.fetch, 0, ground.lookups, nullptr, ground.pending,
                                [&p](std::function<void()> task) { p.scheduler.post_from_outside(std::move(task)); }};
  for (std::uint32_t i = 0; i < pipeline.config().partitions; ++i) p.gauges.push_back(std::make_shared<PartitionGauges>());
  made.gauges = p.gauges;
  if (ground.wrap) {
    auto watched = std::make_shared<ChainRules>(*made.partition.rules);
    watched->steps = ground.wrap(std::move(watched->steps));
    made.partition.rules = std::move(watched);
  }
  made.open_store = [&p, post = p.posted()](PartitionId id) -> Result<std::shared_ptr<StateStore>> {
    return std::static_pointer_cast<StateStore>(std::make_shared<MemoryState>(p.ground.states[id.value], p.ground.pipeline->merger(), post));
  };
  made.ended = [&p](Result<void> result) {
    if (!p.end) p.end = std::move(result);
  };
  p.groups->ended = !ground.by_hand || !some_answer_later(pipeline.config());
  feed(std::move(ground.groups));
  DoorSetup door = door_of(pipeline.config(), *p.log, p.clock, p.logbook);
  door.open = [groups = p.groups](const EventLog&) -> Result<std::unique_ptr<DoorFeed>> { return std::make_unique<GroupFeed>(groups); };
  made.doors.push_back({"test", door_spawner(std::move(door))});
  for (SourceFeedConfig& source : ground.sources) {
    source.logbook = &p.logbook;
    DoorSetup more = door_of(pipeline.config(), *p.log, p.clock, p.logbook);
    more.name = source.router.door;
    more.open = make_source_feed(std::move(source));
    made.doors.push_back({more.name, door_spawner(more)});
  }
  made.sinks = ground.sinks->open(*p.log, p.clock, p.logbook, p.posted());
  p.root = spawn_pipeline(p.scheduler.system(), std::move(made));
}

MemoryLife::~MemoryLife() {
  Parts& p = *parts_;
  if (p.root) caf::anon_send_exit(p.root, caf::exit_reason::kill);
  // A good end leaves nobody behind; the state is flushed by tasks that may still wait.
  const TimePoint until = p.clock.now() + kLifeMax;
  while (p.clock.now() < until && p.scheduler.step()) {
  }
  p.root = nullptr;
  p.fetch.close();
  p.log->close();
}

void MemoryLife::feed(std::vector<DoorGroup> groups) {
  for (DoorGroup& group : groups) parts_->groups->all.push_back(std::move(group));
}

bool MemoryLife::takes_more() const { return !parts_->groups->ended; }
UnixMicros MemoryLife::wall() const { return parts_->clock.wall(); }

std::uint64_t MemoryLife::pending() const {
  std::uint64_t sum = 0;
  for (const PendingBoard::Line& line : parts_->ground.pending->lines()) sum += line.gauges->pending.load();
  return sum;
}

/// Everything that was accepted is decided for good.
bool MemoryLife::settled() const {
  const Parts& p = *parts_;
  if (p.groups->given != p.groups->all.size()) return false;
  for (std::uint32_t i = 0; i < p.gauges.size(); ++i) {
    const PartitionStatus status = p.log->status(PartitionId{i});
    if (status.position.committed < status.ingest_reserved || p.gauges[i]->held_keys.load() != 0 || p.gauges[i]->next_due.load() != 0) return false;
  }
  return true;
}

bool MemoryLife::go_on(std::optional<UnixMicros> until) {
  Parts& p = *parts_;
  const auto left = [&]() -> TimePoint { return until ? std::chrono::microseconds(*until - p.clock.wall()) : TimePoint(0); };
  const TimePoint life_max = p.clock.now() + std::max(left(), TimePoint(0)) + kLifeMax + p.ground.pipeline->config().retry.retry_age_max;
  while (!p.end && p.clock.now() < life_max) {
    if (p.scheduler.act()) continue;
    const bool waits = pending() != 0;
    if (!waits && settled()) p.groups->ended = true;
    const auto next = p.scheduler.next_timer();
    if (!next) break;
    if (waits && until && *next > left()) {
      if (left() > TimePoint(0)) p.scheduler.pass(left());
      return false;
    }
    if (waits && !until && p.scheduler.wait(*next)) continue;
    p.scheduler.trigger();
  }
  if (!p.end) p.end = fail(Errc::internal, "the pipeline did not come to its end");
  ended_at_ = p.clock.wall();
  return true;
}

Result<void> MemoryLife::result() const {
  const Parts& p = *parts_;
  INVARIANT(p.end.has_value(), "a life has a result when it has ended");
  if (*p.end) {
    const auto broken = p.ground.sinks->broken();
    if (!broken.empty()) return fail(Errc::not_ready, "{}", fmt::join(broken, "\n"));
  }
  if (*p.end || p.logbook.last().empty()) return *p.end;
  return fail(p.end->error().code, "{} ({})", p.end->error().context, p.logbook.last());
}

}  // namespace weir
