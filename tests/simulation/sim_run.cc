#include "tests/simulation/sim_run.h"

#include <fmt/format.h>

#include "actors/doors/door_actor.h"
#include "actors/partition/pipeline_supervisor.h"
#include "actors/serve/views_actor.h"
#include "runtime/engine/view_value.h"
#include "tests/simulation/sim_world.h"

namespace weir::sim {

namespace {

/// How often each fault strikes: once in so many steps; 0: not in this run. Drawn per seed, so that runs differ in kind.
struct Rates {
  std::uint64_t kill_actor, kill_node, stop_node, fail_append, lose_reply, disk_full, fail_flush;
};

std::uint64_t draw_rate(SeededRng& rng, std::uint64_t often) {
  switch (rng.below(4)) {
    case 0: return 0;
    case 1: return often;
    case 2: return often * 4;
    default: return often * 16;
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
    workload_.late = {std::chrono::minutes(1 + rng_.below(6)), static_cast<OnLate>(rng_.below(3))};
    rates_ = {draw_rate(rng_, 60), draw_rate(rng_, 400), draw_rate(rng_, 400), draw_rate(rng_, 80),
              draw_rate(rng_, 60), draw_rate(rng_, 500), draw_rate(rng_, 80)};
    delta_bytes_ = std::size_t{4096} << rng_.below(8);
    disk_ = std::make_shared<MemoryDisk>(workload_.partitions, rng_);
    for (std::uint32_t p = 0; p < workload_.partitions; ++p) states_.push_back(std::make_shared<MemoryStateDisk>());
  }

  SeedResult go() {
    boot();
    const std::uint64_t suffering = 2000 + rng_.below(6000);
    bool calm = false;
    std::uint64_t since_calm = 0;
    for (; !ended_; ++witness_.steps) {
      if (!calm && witness_.steps > suffering) {
        calm = true;
        log_->faults().set_disk_full(false);
      }
      if (calm && ++since_calm > 400'000) return result("HANG: not finished 400,000 steps after the last fault");
      if (!calm) strike();
      if (scheduler_->step() == SimScheduler::Step::nothing && !ended_) {
        if (!calm) {
          log_->faults().set_disk_full(false);
          calm = true;
          continue;
        }
        return result("HANG: nothing can happen any more, and the pipeline has not ended");
      }
      if (root_died()) {
        reboot();
        if (std::string wrong = judge_disk(*disk_); !wrong.empty()) return result(std::move(wrong));
      }
      if (ended_ && asked_to_stop_ && !end_result_ && end_result_.error().code == Errc::cancelled) {
        start_again();
        if (std::string wrong = judge_disk(*disk_); !wrong.empty()) return result(std::move(wrong));
      }
    }
    if (!end_result_) return result("the pipeline ended with an error: " + describe(end_result_.error()));
    shut_down();
    return result(judge(workload_, *disk_, states_, witness_));
  }

 private:
  void boot() {
    scheduler_ = std::make_unique<SimScheduler>(rng_, clock_);
    auto* scheduler = scheduler_.get();
    log_ = open_memory_log(disk_, [scheduler](std::function<void()> task) { scheduler->post(std::move(task)); });
    ++incarnation_;
    ended_ = asked_to_stop_ = false;
    PipelineSetup setup;
    setup.partitions = workload_.partitions;
    setup.partition.log = log_.get();
    setup.partition.clock = &clock_;
    setup.partition.logbook = &logbook_;
    setup.partition.views = &views_;
    setup.partition.encoder = &sim_encoder();
    setup.partition.steps = {sim_step(0), sim_step(1)};
    setup.partition.extractor = sim_extractor;
    setup.partition.spawn_views = spawn_views;
    setup.partition.rules.late = workload_.late;
    setup.partition.window.events_max = 64;
    setup.partition.window.commit_bytes_max = 4096;
    setup.partition.remember = std::chrono::hours(24 * 7);
    setup.partition.incarnation = incarnation_;
    setup.partition.delta_bytes_max = delta_bytes_;
    setup.partition.apply_bytes_max = 16 * 1024;
    setup.committer = {log_.get(), &clock_, {std::chrono::milliseconds(5), 16 * 1024}};
    setup.open_store = [this, scheduler](PartitionId p) -> Result<std::shared_ptr<StateStore>> {
      auto store = std::make_shared<MemoryState>(states_[p.value], merger_, [scheduler](std::function<void()> task) { scheduler->post(std::move(task)); });
      stores_.push_back(store);
      return std::static_pointer_cast<StateStore>(store);
    };
    DoorSetup door;
    door.log = log_.get();
    door.clock = &clock_;
    door.logbook = &logbook_;
    door.name = "sim";
    door.open = workload_feed(workload_);
    door.events_max = 200;
    door.bytes_max = 64 * 1024;
    door.own_thread = false;
    setup.doors.push_back([door](caf::event_based_actor* supervisor) { return spawn_door(supervisor, door); });
    setup.ended = [this](Result<void> result) {
      ended_ = true;
      end_result_ = std::move(result);
    };
    setup.restarts.restarts_max = 1'000'000;  // faults strike as often as the seed says
    root_ = spawn_pipeline(scheduler_->system(), std::move(setup));
    root_dead_ = false;
  }

  void strike() {
    if (rng_.chance(rates_.kill_actor)) {
      if (const caf::actor victim = scheduler_->runnable(); victim && victim != root_) {
        ++witness_.actors_killed;
        caf::anon_send_exit(victim, caf::exit_reason::kill);
      }
    }
    if (rng_.chance(rates_.kill_node)) root_dead_ = true;
    if (!asked_to_stop_ && rng_.chance(rates_.stop_node)) {
      asked_to_stop_ = true;
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
    ++witness_.nodes_killed;
    take_down(rng_.chance(2));
    full_until_ = 0;
    boot();
  }

  /// A node that was asked to stop has ended by itself.
  void start_again() {
    ++witness_.nodes_stopped;
    shut_down();
    stores_.clear();
    full_until_ = 0;
    boot();
  }

  void take_down(bool torn_survives) {
    log_->faults().crash(torn_survives);
    for (const auto& weak : stores_) {
      if (const auto store = weak.lock()) store->crash();
    }
    stores_.clear();
    scheduler_->crash(root_);
    root_ = nullptr;
    trace_ ^= scheduler_->trace() * 31 + witness_.steps;
    scheduler_.reset();
    log_.reset();
  }

  void shut_down() {
    while (scheduler_->step() != SimScheduler::Step::nothing) {
    }
    root_ = nullptr;
    trace_ ^= scheduler_->trace() * 31 + witness_.steps;
    log_->close();
    scheduler_.reset();
    log_.reset();
  }

  SeedResult result(std::string verdict) {
    if (scheduler_) take_down(true);
    SeedResult result;
    result.trace = trace_;
    result.witness = witness_;
    result.witness.events = workload_.events;
    if (!verdict.empty()) result.log = logbook_.lines();
    result.verdict = std::move(verdict);
    return result;
  }

  SeededRng rng_;
  SimClock clock_;
  SimLogbook logbook_;
  ViewSet views_ = sim_views();
  ViewMerger merger_;
  Workload workload_;
  Rates rates_{};
  std::size_t delta_bytes_ = 0;
  std::shared_ptr<MemoryDisk> disk_;
  std::vector<std::shared_ptr<MemoryStateDisk>> states_;
  std::vector<std::weak_ptr<MemoryState>> stores_;
  std::unique_ptr<MemoryEventLog> log_;
  std::unique_ptr<SimScheduler> scheduler_;
  caf::actor root_;
  std::uint64_t incarnation_ = 0;
  std::uint64_t full_until_ = 0;
  std::uint64_t trace_ = 0;
  Witness witness_;
  Result<void> end_result_;
  bool ended_ = false;
  bool asked_to_stop_ = false;
  bool root_dead_ = false;
};

}  // namespace

Witness& Witness::operator+=(const Witness& o) {
  steps += o.steps;
  actors_killed += o.actors_killed;
  nodes_killed += o.nodes_killed;
  nodes_stopped += o.nodes_stopped;
  appends_failed += o.appends_failed;
  replies_lost += o.replies_lost;
  disk_full += o.disk_full;
  flushes_failed += o.flushes_failed;
  duplicates += o.duplicates;
  conflicts += o.conflicts;
  superseded += o.superseded;
  late += o.late;
  reopened += o.reopened;
  events += o.events;
  return *this;
}

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
