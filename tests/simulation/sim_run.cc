#include "tests/simulation/sim_run.h"

#include <fmt/format.h>

#include <algorithm>

#include "actors/doors/door_actor.h"
#include "actors/doors/http_door_actor.h"
#include "actors/partition/pipeline_supervisor.h"
#include "actors/serve/views_actor.h"
#include "cluster/api/http_api.h"
#include "cluster/node/suspects_file.h"
#include "runtime/adapters/memory/memory_disk.h"
#include "runtime/engine/view_value.h"
#include "tests/simulation/sim_clients.h"
#include "tests/simulation/sim_letters.h"
#include "tests/simulation/sim_node.h"
#include "tests/simulation/sim_sinks.h"
#include "tests/simulation/sim_trims.h"
#include "tests/simulation/sim_snapshots.h"
#include "tests/simulation/sim_world.h"

namespace weir::sim {

namespace {

/// How often each fault strikes: once in so many steps; 0: not in this run. Drawn per seed, so that runs differ in
/// kind.
struct Rates {
  std::uint64_t kill_actor, kill_node, stop_node, fail_append, lose_reply, disk_full, fail_flush, change_rules, outage, order,
      snapshot, damage, lose_state, fail_sink;
};

std::uint64_t draw_rate(SeededRng& rng, std::uint64_t often) {
  switch (rng.below(4)) {
    case 0:
      return 0;
    case 1:
      return often;
    case 2:
      return often * 4;
    default:
      return often * 16;
  }
}

class Run {
 public:
  explicit Run(std::uint64_t seed) : rng_(seed * 0x9e3779b97f4a7c15ull + 7) {
    workload_.seed = seed;
    workload_.partitions = static_cast<std::uint32_t>(1 + rng_.below(4));
    workload_.events = 60 + rng_.below(500);
    workload_.ids = 2 + rng_.below(workload_.events);
    workload_.batch_max = static_cast<std::uint32_t>(1 + rng_.below(16));
    workload_.clients = rng_.chance(3) ? 0 : static_cast<std::uint32_t>(1 + rng_.below(4));
    rates_ = {draw_rate(rng_, 60), draw_rate(rng_, 400), draw_rate(rng_, 400), draw_rate(rng_, 80),
              draw_rate(rng_, 60), draw_rate(rng_, 500), draw_rate(rng_, 80),  rng_.below(4),
              draw_rate(rng_, 60), draw_rate(rng_, 20), draw_rate(rng_, 60), draw_rate(rng_, 150),
              rng_.below(4),       draw_rate(rng_, 40)};
    workload_.venom = rng_.chance(3) ? 0 : static_cast<std::uint32_t>(20 + rng_.below(200));
    delta_bytes_ = std::size_t{4096} << rng_.below(8);
    // Every other seed takes ingest batches in parts, as where events become long.
    batch_bytes_ = rng_.below(2) == 0 ? 1'500 : 1'000'000;
    if (workload_.clients != 0 && rng_.chance(3)) {
      // The log takes so little at once that it is often busy, and long requests are refused for good. The feed fits.
      workload_.batch_max = static_cast<std::uint32_t>(1 + rng_.below(3));
      log_options_.outstanding_bytes_max = 300 + 300 * workload_.batch_max + rng_.below(500);
    }
    disk_ = std::make_shared<MemoryDisk>(workload_.partitions, rng_);
    for (std::uint32_t p = 0; p < workload_.partitions; ++p) states_.push_back(std::make_shared<MemoryStateDisk>());
    clients_ = std::make_unique<Clients>(workload_, rng_, history_, witness_);
    operator_ = std::make_unique<Operator>(workload_.partitions, *disk_, rng_);
    sinks_ = std::make_unique<Sinks>(workload_.partitions, rng_, witness_);
    snapshots_ = std::make_unique<Snapshots>(disk_->state()->log_id, rng_, witness_, merger_);
    suspects_.partitions.resize(workload_.partitions);
    // A view whose definition changes is filled from what the log still has: only where none does must the answers be whole.
    if (rates_.change_rules == 0) trims_ = std::make_unique<Trims>(seed, workload_.partitions, *disk_, *snapshots_, *sinks_, witness_);
  }

  SeedResult go() {
    boot();
    const std::uint64_t suffering = 2000 + rng_.below(6000);
    std::uint64_t since_calm = 0;
    for (; !done_; ++witness_.steps) {
      if (!calm_ && witness_.steps > suffering) be_calm();
      if (calm_ && ++since_calm > 400'000)
        return result("HANG: not finished 400,000 steps after the last fault: " + stand());
      if (!calm_) strike();
      if (rng_.chance(8)) clients_->act();
      if (scheduler_->step() == SimScheduler::Step::nothing && !ended_ && !clients_->act_anybody() &&
          !finish_serving()) {
        if (calm_) return result("HANG: nothing can happen any more, and the pipeline has not ended: " + stand());
        be_calm();
      }
      finish_serving();
      if (std::string wrong = look(); !wrong.empty()) return result(std::move(wrong));
    }
    if (!end_result_) return result("the pipeline ended with an error: " + describe(end_result_.error()));
    shut_down();
    if (trims_) trims_->put_back();
    std::string wrong = judge(workload_, history_, *disk_, states_, witness_);
    return result(wrong.empty() ? sinks_->judge(*disk_) : std::move(wrong));
  }

 private:
  void be_calm() {
    calm_ = true;
    clients_->calm();
    sinks_->calm();
    dependency_.out = false;
    log_->faults().set_disk_full(false);
  }

  /// For a person who looks for what hangs.
  [[nodiscard]] std::string stand() const {
    std::string text = fmt::format("asked to stop {}, last stop {}, feed ended {}, {} of {} clients busy",
                                   asked_to_stop_, final_stop_, feed_ended_, clients_->busy(), workload_.clients);
    for (std::uint32_t p = 0; p < workload_.partitions; ++p) {
      const PartitionStatus status = log_->status(PartitionId{p});
      text += fmt::format("; partition {}: committed {}, durable {}, given out {}", p, status.position.committed.value,
                          status.ingest_durable.value, status.ingest_reserved.value);
    }
    return text;
  }

  [[nodiscard]] static bool any_parked(const MemoryPartition& log) {
    return !log.commits.empty() && CommitBody::decode(log.commits.back().body)->meta.ledger.retrying != 0;
  }

  /// A node that serves is stopped when all there was to do is done and committed.
  bool finish_serving() {
    if (workload_.clients == 0 || final_stop_ || asked_to_stop_ || !feed_ended_ || !clients_->done()) return false;
    for (std::uint32_t p = 0; p < workload_.partitions; ++p) {
      const PartitionStatus status = log_->status(PartitionId{p});
      if (status.position.committed < status.ingest_reserved || any_parked(disk_->state()->partitions[p])) return false;
    }
    if (!sinks_->took_all(*disk_)) return false;
    final_stop_ = true;
    node_->stopping();
    caf::anon_send(root_, StopNode{});
    return true;
  }

  /// After each step: starts the node again where it died or was stopped. What is wrong already, or nothing.
  std::string look() {
    if (!clients_->wrong().empty()) return clients_->wrong();
    if (!operator_->wrong().empty()) return operator_->wrong();
    if (!restored_wrong_.empty()) return restored_wrong_;
    if (!quarantined_.empty()) return "a partition is quarantined: " + quarantined_;
    if (root_died() || dependency_.died) {
      reboot();
      return judge_disk(*disk_);
    }
    const bool cancelled = ended_ && !end_result_ && end_result_.error().code == Errc::cancelled;
    // What somebody redrove while it stopped is left to its next start.
    const bool left = final_stop_ && std::any_of(disk_->state()->partitions.begin(), disk_->state()->partitions.end(), any_parked);
    const bool stopped = ended_ && end_result_ && workload_.clients != 0 && (!final_stop_ || left);
    if ((asked_to_stop_ || final_stop_) && (cancelled || stopped)) {
      start_again();
      return judge_disk(*disk_);
    }
    done_ = ended_;
    return {};
  }

  void boot() {
    scheduler_ = std::make_unique<SimScheduler>(rng_, clock_);
    auto* scheduler = scheduler_.get();
    log_ = open_memory_log(
        disk_, [scheduler](std::function<void()> task) { scheduler->post(std::move(task)); }, log_options_);
    ++incarnation_;
    ended_ = asked_to_stop_ = final_stop_ = feed_ended_ = false;
    choose_rules();
    if (workload_.clients != 0) node_ = std::make_unique<SimNode>(*scheduler_, *log_, *rules_);
    root_ = spawn_pipeline(scheduler_->system(), setup());
    root_dead_ = false;
    if (workload_.clients == 0) return;
    const HttpApi api(*node_, access_);
    server_ = std::make_unique<MemoryHttpServer>(HttpServerConfig{}, api, [api](HttpRequest& request) { return api.admit(request); });
    std::vector<CommitSequence> at_start;
    for (std::uint32_t p = 0; p < workload_.partitions; ++p)
      at_start.push_back(log_->status(PartitionId{p}).position.sequence);
    clients_->serve(*server_, std::move(at_start));
  }

  /// Between two lives of the node somebody may have changed the pipeline: stages, late events, views.
  void choose_rules() {
    const bool change = rules_ != nullptr && rates_.change_rules != 0 && rng_.chance(rates_.change_rules);
    if (change) {
      ++version_;
      ++witness_.rules_changed;
    }
    if (change || rules_ == nullptr)
      rules_ = all_rules_.emplace_back(std::make_unique<SimRules>(workload_.seed, version_)).get();
    history_.rules.push_back(rules_);
  }

  PipelineSetup setup() {
    auto* scheduler = scheduler_.get();
    PipelineSetup setup;
    setup.partitions = workload_.partitions;
    setup.partition.log = log_.get();
    setup.partition.clock = &clock_;
    setup.partition.logbook = &logbook_;
    setup.partition.views = &rules_->views();
    setup.partition.rules = std::make_shared<ChainRules>(
        ChainRules{{rules_->hash(), {std::shared_ptr<void>(), &rules_->encoder()}}, rules_->steps(dependency_)});
    setup.partition.extractor = rules_->extractor();
    setup.partition.spawn_views = spawn_views;
    setup.partition.window_rules.late = rules_->late();
    setup.partition.window_rules.retry = rules_->retry();
    setup.partition.window.events_max = 64;
    setup.partition.window.commit_bytes_max = 4096;
    setup.partition.window.batch_bytes_max = batch_bytes_;
    setup.partition.window.bytes_max = 4 * batch_bytes_;
    setup.partition.remember = std::chrono::hours(24 * 7);
    setup.partition.owner.incarnation = incarnation_;
    setup.partition.biography.run_items = 24;
    setup.partition.delta_bytes_max = delta_bytes_;
    setup.partition.apply_bytes_max = 16 * 1024;
    setup.committer = {log_.get(), &clock_, {std::chrono::milliseconds(5), 16 * 1024}};
    setup.suspects = suspects_.partitions;
    setup.sinks = sinks_->of_node(*log_, clock_, logbook_, *scheduler_);
    setup.open_store = [this, scheduler](PartitionId p) -> Result<std::shared_ptr<StateStore>> {
      if (const PartitionStatus log = log_->status(p); states_[p.value]->picture()->cursor.empty() && log.position.sequence != CommitSequence{})
        restored_wrong_ = restored_wrong_.empty() ? snapshots_->restore(p, log, *states_[p.value]) : restored_wrong_;
      auto store = std::make_shared<MemoryState>(
          states_[p.value], merger_, [scheduler](std::function<void()> task) { scheduler->post(std::move(task)); });
      stores_.push_back(store);
      return std::static_pointer_cast<StateStore>(store);
    };
    setup.ended = [this](Result<void> result) {
      ended_ = true;
      end_result_ = std::move(result);
    };
    // Faults strike as often as the seed says.
    SupervisionConfig& patience = setup.supervision;
    for (RestartLimits* limits : {&patience.stage, &patience.partition, &patience.door, &patience.sink, &patience.committer}) limits->restarts_max = 1'000'000;
    add_doors(setup);
    return setup;
  }

  void add_doors(PipelineSetup& setup) {
    DoorSetup door;
    door.log = log_.get();
    door.clock = &clock_;
    door.logbook = &logbook_;
    door.name = kFeedDoor;
    door.open = workload_feed(workload_);
    door.events_max = 200;
    door.bytes_max = 64 * 1024;
    door.own_thread = false;
    setup.doors.push_back({door.name, door_spawner(door)});
    if (workload_.clients == 0) return;
    HttpDoorSetup http;
    http.log = log_.get();
    http.clock = &clock_;
    http.logbook = &logbook_;
    http.body.door.input = "the body";
    http.body.door.router.partitions = workload_.partitions;
    http.body.door.router.door = "http";
    http.body.id.digest = false;
    http.body.id.fields = {FieldPath{{"id"}, "id"}};
    http.live_events_max = 20;
    http.busy_max = std::chrono::milliseconds(100);
    setup.doors.push_back({"http", [this, http](caf::event_based_actor* supervisor, std::shared_ptr<ActorEntry> entry) mutable {
      http.entry = std::move(entry);
      caf::actor spawned = spawn_http_door(supervisor, http);
      node_->state().set_http_door(spawned);
      return spawned;
    }});
    setup.until_stopped = true;
    setup.progress = [this](const PartitionProgress& progress) { node_->state().on_progress(progress); };
    setup.ready = [this](const PartitionReady& ready) { node_->state().on_ready(ready); };
    setup.door_finished = [this](const DoorFinished& finished) {
      feed_ended_ = feed_ended_ || (finished.door == kFeedDoor && finished.result);
    };
    setup.routes_changed = [this](const Routes& routes) {
      node_->state().on_routes(routes);
      for (const std::string& error : routes.errors)
        if (!error.empty()) quarantined_ = error;
    };
  }

  void strike() {
    if (rng_.chance(rates_.kill_actor)) {
      if (const caf::actor victim = scheduler_->runnable(); victim && victim != root_) {
        ++witness_.actors_killed;
        caf::anon_send_exit(victim, caf::exit_reason::kill);
      }
    }
    if (rng_.chance(rates_.kill_node)) root_dead_ = true;
    if (!asked_to_stop_ && !final_stop_ && rng_.chance(rates_.stop_node)) {
      asked_to_stop_ = true;
      if (node_) node_->stopping();
      caf::anon_send(root_, StopNode{});
    }
    if (rng_.chance(rates_.fail_append)) {
      ++witness_.appends_failed;
      log_->faults().fail_next_append();
    }
    if (rng_.chance(rates_.lose_reply)) {
      ++witness_.replies_lost;
      log_->faults().lose_next_commit_reply(rng_.chance(2));
    }
    if (rng_.chance(rates_.disk_full)) {
      ++witness_.disk_full;
      log_->faults().set_disk_full(true);
      full_until_ = witness_.steps + 20 + rng_.below(400);
    }
    if (full_until_ != 0 && witness_.steps >= full_until_) {
      full_until_ = 0;
      log_->faults().set_disk_full(false);
    }
    if (rng_.chance(rates_.outage)) {
      dependency_.out = !dependency_.out;
      witness_.outages += dependency_.out;
    }
    if (node_ && rng_.chance(rates_.order)) operator_->order(*node_);
    if (rng_.chance(rates_.fail_sink)) sinks_->fail_one();
    if (rng_.chance(rates_.snapshot)) {
      const auto p = static_cast<std::uint32_t>(rng_.below(workload_.partitions));
      snapshots_->make(PartitionId{p}, *states_[p], *rules_, clock_.wall());
    }
    if (trims_) trims_->step(*log_, clock_.wall());
    if (rng_.chance(rates_.damage)) snapshots_->damage(PartitionId{static_cast<std::uint32_t>(rng_.below(workload_.partitions))});
    if (rng_.chance(rates_.fail_flush)) {
      ++witness_.flushes_failed;
      if (const auto store = random_store()) {
        if (rng_.chance(2)) {
          store->fail_flushes(rng_.chance(2) ? Errc::disk_full : Errc::io_failed);
        } else {
          store->lose_next_reply();
        }
      }
    }
  }

  std::shared_ptr<MemoryState> random_store() {
    std::vector<std::shared_ptr<MemoryState>> alive;
    for (const auto& weak : stores_) {
      if (auto store = weak.lock()) alive.push_back(std::move(store));
    }
    return alive.empty() ? nullptr : alive[rng_.below(alive.size())];
  }

  [[nodiscard]] bool root_died() const { return root_dead_; }

  void reboot() {
    ++(dependency_.died ? witness_.deaths : witness_.nodes_killed);
    take_down(rng_.chance(2));
    full_until_ = 0;
    remember_death();
    if (!calm_ && rng_.chance(rates_.lose_state)) lose_state();
    boot();
  }

  /// What the marks of the life that ended say of stages goes on to the next one.
  void remember_death() {
    FormerLife former{++lives_, 0, {}};
    if (dependency_.died) former.marks.push_back(*std::exchange(dependency_.died, std::nullopt));
    count_marks(suspects_, former);
    auto stored = Suspects::decode(suspects_.encode(), workload_.partitions);
    suspects_ = std::move(*stored);
  }

  void lose_state() {
    const PartitionId partition{static_cast<std::uint32_t>(rng_.below(states_.size()))};
    if (trims_ && !trims_->may_lose_state(partition)) return;
    ++witness_.states_lost;
    states_[partition.value]->replace(std::make_shared<MemoryStateDisk::Picture>());
  }

  /// A node that was asked to stop has ended by itself.
  void start_again() {
    ++witness_.nodes_stopped;
    shut_down();
    stores_.clear();
    full_until_ = 0;
    remember_death();
    boot();
  }

  void take_down(bool torn_survives) {
    log_->faults().crash(torn_survives);
    for (const auto& weak : stores_) {
      if (const auto store = weak.lock()) store->crash();
    }
    stores_.clear();
    disconnect();
    scheduler_->crash(root_);
    root_ = nullptr;
    trace_ ^= scheduler_->trace() * 31 + witness_.steps;
    forget_node();
  }

  void shut_down() {
    disconnect();
    while (scheduler_->step() != SimScheduler::Step::nothing) {
    }
    root_ = nullptr;
    trace_ ^= scheduler_->trace() * 31 + witness_.steps;
    log_->close();
    forget_node();
  }

  /// Clients learn nothing more of this node.
  void disconnect() {
    clients_->node_gone();
    if (node_) node_->state().forget();
  }

  void forget_node() {
    server_.reset();
    scheduler_.reset();
    node_.reset();
    log_.reset();
  }

  SeedResult result(std::string verdict) {
    if (scheduler_) take_down(true);
    SeedResult result;
    result.trace = trace_;
    result.witness = witness_;
    result.witness.crashes = dependency_.crashes;
    result.witness.events = workload_.events;
    if (!verdict.empty()) result.log = logbook_.lines();
    result.verdict = std::move(verdict);
    return result;
  }

  SeededRng rng_;
  SimClock clock_;
  SimLogbook logbook_;
  AccessGate access_{clock_, logbook_};
  ViewMerger merger_;
  Workload workload_;
  Rates rates_{};
  std::string restored_wrong_;
  Suspects suspects_;
  std::uint64_t lives_ = 0;
  SimDependency dependency_;
  MemoryLogOptions log_options_;
  History history_;
  std::unique_ptr<Clients> clients_;
  std::unique_ptr<Operator> operator_;
  std::unique_ptr<Sinks> sinks_;
  std::unique_ptr<Snapshots> snapshots_;
  std::vector<std::unique_ptr<const SimRules>> all_rules_;
  const SimRules* rules_ = nullptr;
  std::uint32_t version_ = 0;
  std::size_t delta_bytes_ = 0;
  std::size_t batch_bytes_ = 0;
  std::shared_ptr<MemoryDisk> disk_;
  std::vector<std::shared_ptr<MemoryStateDisk>> states_;
  std::unique_ptr<Trims> trims_;  // null: nothing is trimmed in this run
  std::vector<std::weak_ptr<MemoryState>> stores_;
  std::unique_ptr<MemoryEventLog> log_;
  std::unique_ptr<SimNode> node_;  // where there are clients
  std::unique_ptr<SimScheduler> scheduler_;
  std::unique_ptr<MemoryHttpServer> server_;
  caf::actor root_;
  std::uint64_t incarnation_ = 0;
  std::uint64_t full_until_ = 0;
  std::uint64_t trace_ = 0;
  Witness witness_;
  Result<void> end_result_;
  std::string quarantined_;
  bool calm_ = false;
  bool done_ = false;
  bool ended_ = false;
  bool feed_ended_ = false;
  bool asked_to_stop_ = false;
  bool final_stop_ = false;
  bool root_dead_ = false;
};

}  // namespace

SeedResult run_seed(std::uint64_t seed) {
  try {
    return Run{seed}.go();
  } catch (const std::exception& e) {
    SeedResult result;
    result.verdict = std::string("an exception left the node: ") + e.what();
    return result;
  }
}

}  // namespace weir::sim
