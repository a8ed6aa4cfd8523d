#include "actors/messages/letter_messages.h"
#include "actors/partition/pipeline_supervisor.h"

#include <caf/actor_cast.hpp>
#include <fmt/format.h>

#include <algorithm>

#include "actors/partition/door_supervisor.h"
#include "actors/partition/partitions_supervisor.h"
#include "actors/partition/sink_supervisor.h"
#include "actors/supervise/child_record.h"
#include "actors/supervise/house_handlers.h"
#include "runtime/base/hash.h"

namespace weir {

namespace {

/// How long a store that somebody looks at is left open before it is looked at again.
constexpr std::chrono::milliseconds kStoreInUse{5};

class PipelineSupervisor : public caf::event_based_actor {
 public:
  PipelineSupervisor(caf::actor_config& config, std::shared_ptr<PipelineSetup> setup)
      : caf::event_based_actor(config),
        setup_(std::move(setup)),
        logbook_(setup_->partition.logbook),
        clock_(setup_->partition.clock),
        entry_(setup_->board->entry("pipeline")),
        committer_record_(child_record("committer", setup_->supervision.committer, *setup_, "parts")),
        doors_(this, *setup_),
        sinks_(this, *setup_) {
    for (std::uint32_t p = 0; p < setup_->partitions; ++p) {
      PartitionSlot& slot = partitions_.emplace_back(child_record(fmt::format("partition/{}", p), setup_->supervision.partition, *setup_, "events"));
      slot.poison = std::make_shared<PoisonBook>(setup_->poison_crashes_max);
      if (p < setup_->suspects.size()) slot.poison->remember(setup_->suspects[p]);
    }
    install_house_handlers(this, "pipeline", address());
    set_exception_handler([this](caf::scheduled_actor*, std::exception_ptr& thrown) -> caf::error {
      death_ = text_of(thrown);
      logbook_->write(LogLevel::error, "pipeline", death_);
      return caf::sec::runtime_error;
    });
    set_down_handler([this](caf::down_msg& down) { on_down(down); });
  }

  const char* name() const override { return "pipeline"; }

  caf::behavior make_behavior() override {
    entry_->state(ActorState::running);
    start_committer();
    for (std::uint32_t p = 0; p < setup_->partitions; ++p) start(PartitionId{p});
    sinks_.start_all();
    return {
        [this](const PartitionChild& child) {
          PartitionSlot& slot = partitions_[child.partition.value];
          slot.child = child.child;
          monitor(child.child);
        },
        [this](const PartitionReady& ready) { on_ready(ready); },
        [this](const PartitionProgress& progress) { on_progress(progress); },
        [this](const PassTime& pass) {
          for (const PartitionSlot& slot : partitions_) {
            if (slot.ready && !stopping_) send(slot.actor, pass);
          }
          sinks_.on_pass(pass);
        },
        [this](const ActorFailed& failed) {
          logbook_->write(LogLevel::warn, failed.who, describe(failed.error));
          if (failed.who == "committer") committer_record_.failing(failed.error);
          doors_.failing(failed.who, failed.error);
          sinks_.failing(failed.who, failed.error);
          for (std::uint32_t p = 0; p < setup_->partitions; ++p) {
            if (failed.who == fmt::format("partition/{}", p)) partitions_[p].record.failing(failed.error);
          }
        },
        [this](const DoorFinished& finished) { on_door_finished(finished); },
        [this](const SinkEnded&) { on_sink_over(nullptr); },
        [this](const SinkBroken& broken) { on_sink_over(&broken.error); },
        [this](const ReleaseSink& release) {
          const auto released = sinks_.release(release.sink);
          if (release.done) release.done(released);
        },
        [this](const PartitionStopped& stopped) {
          partitions_[stopped.partition.value].stopped = true;
        },
        [this](const StartAgain& again) { on_start_again(again); },
        [this](const ReleasePartition& release) { on_release(release); },
        [this](StoreOpened& opened) {
          on_opened(opened.partition, std::move(opened.store));
          for (const auto& tell : std::exchange(partitions_[opened.partition.value].releasing, {})) tell(true);
        },
        [](LettersAnswered& answered) { answered.request->answer(std::move(answered.fates)); },
        [this](const NewRules& fresh) {
          setup_->partition.rules = fresh.rules;
          for (const PartitionSlot& slot : partitions_) {
            if (slot.actor) send(slot.actor, fresh);
          }
        },
        [this](const StopNode&) {
          if (ended_result_) return;
          if (!stopping_) stop(end_by_request());
          if (!ended_result_) delayed_send(this, setup_->stop_patience, StopOverdue{});
        },
        [this](const StopPartitions&) {
          if (partitions_stopping_ || ended_result_) return;
          logbook_->write(LogLevel::warn, "pipeline", "not everything that was accepted could be decided in time; the next start does the rest");
          stop_partitions();
        },
        [this](const StopOverdue&) {
          if (ended_result_) return;
          logbook_->write(LogLevel::warn, "pipeline", still_busy() + "; the next run does what is not committed or flushed");
          break_off({Errc::cancelled, setup_->until_stopped ? "stopped before everything was committed and flushed: the next start does the rest" : "stopped by request"});
        },
    };
  }

  void on_exit() override {
    // Nobody else would tell the one who waits for the end.
    if (!ended_result_) setup_->ended(fail(Errc::internal, "the pipeline supervisor died: {}", death_.empty() ? "it was killed" : death_));
    entry_->state(ActorState::stopped);
    partitions_.clear();
    doors_.forget();
    sinks_.forget();
    committer_ = nullptr;
    setup_.reset();
  }

 private:
  // ---- partitions

  void start(PartitionId id) {
    PartitionSlot& slot = partitions_[id.value];
    slot.record.started();
    const auto job = [self = caf::actor_cast<caf::actor>(this), setup = setup_, id] { caf::anon_send(self, StoreOpened{id, open_store(*setup, id)}); };
    if (!setup_->beside || !setup_->beside(job)) job();
  }

  /// On whatever thread: what is thrown there must find its way to the supervisor, as if it had been thrown by an actor.
  static Result<std::shared_ptr<StateStore>> open_store(const PipelineSetup& setup, PartitionId id) {
    try {
      return setup.open_store(id);
    } catch (...) {
      std::exception_ptr thrown = std::current_exception();
      return fail(Errc::internal, "{}", text_of(thrown));
    }
  }

  void on_opened(PartitionId id, Result<std::shared_ptr<StateStore>> store) {
    PartitionSlot& slot = partitions_[id.value];
    if (!store) {
      slot.record.failing(store.error());
      return rebuild(id);
    }
    slot.store = std::move(*store);
    PartitionSetup setup = setup_->partition;
    setup.partition = id;
    setup.store = slot.store;
    setup.keep = slot.keep = std::make_shared<char>();
    setup.committer = committer_;
    setup.entry = slot.record.entry();
    setup.poison = slot.poison;
    setup.board = setup_->board;
    setup.stage_restarts = setup_->supervision.stage;
    setup.seed = setup_->seed;
    if (id.value < setup_->gauges.size()) setup.gauges = setup_->gauges[id.value];
    slot.actor = spawn_partition(this, std::move(setup));
    if (partitions_stopping_) send(slot.actor, StopNode{});
  }

  void on_ready(const PartitionReady& ready) {
    PartitionSlot& slot = partitions_[ready.partition.value];
    slot.ready = slot.ever_ready = true;
    slot.record.state(ActorState::running);
    if (setup_->ready) setup_->ready(ready);
    publish_routes();
    on_progress(ready.progress);
    if (doors_.started()) return;
    if (all_opened(partitions_)) start_doors();
  }

  void publish_routes() {
    Routes routes;
    for (const PartitionSlot& slot : partitions_) {
      routes.partitions.push_back(slot.ready ? slot.actor : caf::actor{});
      routes.views.push_back(slot.ready ? slot.child : caf::actor{});
      routes.quarantined.push_back(slot.quarantined);
      routes.errors.push_back(slot.quarantined ? describe(slot.record.error()) : std::string());
    }
    doors_.tell(routes);
    if (setup_->routes_changed) setup_->routes_changed(routes);
  }

  void on_progress(const PartitionProgress& progress) {
    PartitionSlot& slot = partitions_[progress.partition.value];
    if (slot.progress && progress.sequence > slot.progress->sequence) {
      slot.record.progress(*clock_);
      committer_record_.progress(*clock_);
      doors_.progress();
    }
    slot.committed = progress.committed;
    slot.progress = progress;
    if (setup_->progress) setup_->progress(progress);
    doors_.tell(progress);
    sinks_.on_progress(progress);
    check_done();
    check_drained();
  }

  void quarantine(PartitionId id) {
    PartitionSlot& slot = partitions_[id.value];
    slot.quarantined = true;
    slot.ready = false;
    slot.actor = nullptr;
    slot.record.state(ActorState::quarantined);
    logbook_->write(LogLevel::error, fmt::format("partition/{}", id.value),
                    "quarantined, the others run on; when its cause is mended: weir partition release " + std::to_string(id.value) + ". " +
                        describe(slot.record.error()));
    // Whatever the end was to be: this partition has not come to it.
    if (stopping_ && (stop_result_ || stop_result_.error().code == Errc::cancelled)) stop_result_ = fail(*first_quarantine(partitions_));
    if (all_opened(partitions_) && !doors_.started()) start_doors();
    publish_routes();
    check_done();
    check_drained();
    check_stopped();
  }

  void on_release(const ReleasePartition& release) {
    const PartitionId id = release.partition;
    if (id.value >= partitions_.size() || !partitions_[id.value].quarantined || stopping_) {
      if (release.done) release.done(false);
      return;
    }
    PartitionSlot& slot = partitions_[id.value];
    if (release.done) slot.releasing.push_back(release.done);
    logbook_->write(LogLevel::info, fmt::format("partition/{}", id.value), "released from quarantine: it is opened again");
    slot.quarantined = false;
    slot.record.forget();
    *slot.poison = PoisonBook(setup_->poison_crashes_max);
    start(id);
    publish_routes();
  }

  /// Both the partition and what uses its store are gone, or there is no store yet; a query may still look at it, for as long as
  /// one answer takes.
  void rebuild(PartitionId id) {
    PartitionSlot& slot = partitions_[id.value];
    if (slot.keep.use_count() > 1) {
      delayed_send(this, kStoreInUse, StartAgain{StartAgain::What::rebuild, id.value});
      return;
    }
    slot.keep.reset();
    if (slot.store) slot.store->close();
    slot.store.reset();
    if (slot.stopped || ended_result_) {
      slot.quarantined = slot.quarantined && !slot.stopped;
      slot.record.stopped();
      return check_stopped();
    }
    const Errc code = slot.record.error().code;
    const Disposition what = disposition(code);
    // A broken promise of ours, or a device that refused once, may be gone with a fresh start; damage stays.
    const bool hopeless = code != Errc::internal && code != Errc::io_failed &&
                          (what == Disposition::stop || what == Disposition::restore_older || what == Disposition::refuse);
    const auto pause = slot.record.died(*clock_);
    const bool mended = code == Errc::state_damaged && pause && setup_->mend_state && setup_->mend_state(id);
    if ((hopeless && !mended) || !pause) return quarantine(id);
    delayed_send(this, *pause, StartAgain{StartAgain::What::partition, id.value});
  }

  void on_start_again(const StartAgain& again) {
    switch (again.what) {
      case StartAgain::What::partition: return start(PartitionId{again.index});
      case StartAgain::What::rebuild: return rebuild(PartitionId{again.index});
      case StartAgain::What::door: return start_door(again.index);
      case StartAgain::What::sink: return sinks_.start(again.index);
      case StartAgain::What::committer:
        start_committer();
        for (const PartitionSlot& slot : partitions_) {
          if (slot.actor) send(slot.actor, CommitterUp{committer_});
        }
        return;
    }
  }

  void start_committer() {
    committer_record_.started(ActorState::running);
    committer_record_.entry()->load(0, setup_->partitions);
    CommitterSetup setup = setup_->committer;
    setup.entry = committer_record_.entry();
    committer_ = spawn_committer(this, std::move(setup));
  }

  // ---- doors

  void start_doors() {
    if (stopping_) return;  // before they were ever started
    doors_.start_all(known_progress(partitions_));
    publish_routes();
    check_done();
  }

  void start_door(std::size_t i) {
    if (stopping_) return;
    doors_.start(i, known_progress(partitions_));
    publish_routes();
  }

  void door_died(std::size_t i) {
    if (stopping_) {
      doors_.gone(i);
      check_drained();
      return check_stopped();
    }
    const auto pause = doors_.died(i);
    if (pause) {
      delayed_send(this, *pause, StartAgain{StartAgain::What::door, static_cast<std::uint32_t>(i)});
      return;
    }
    // Nobody waits for what it has on its way to the log: the next run does.
    stop(fail(doors_.error_of(i).code, "a door keeps dying, the last time: {}", doors_.error_of(i).context));
  }

  void on_door_finished(const DoorFinished& finished) {
    if (const auto door = doors_.find(caf::actor_cast<caf::actor_addr>(current_sender()))) doors_.finished(*door);
    if (setup_->door_finished) setup_->door_finished(finished);
    if (!finished.result && finished.result.error().code != Errc::cancelled && !door_error_) door_error_ = finished.result.error();
    check_done();
    check_drained();
    check_stopped();  // its appends may have ended after the last partition had stopped
  }

  // ---- sinks

  void on_sink_over(const Error* broken) {
    const auto sink = sinks_.find(caf::actor_cast<caf::actor_addr>(current_sender()));
    if (!sink) return;
    if (broken != nullptr) sinks_.broken(*sink, *broken);
    else sinks_.ended(*sink);
    check_done();
    check_stopped();
  }

  void sink_died(std::size_t i) {
    if (const auto pause = sinks_.died(i)) delayed_send(this, *pause, StartAgain{StartAgain::What::sink, static_cast<std::uint32_t>(i)});
    check_done();
    check_stopped();
  }

  // ---- the end

  /// Everything is decided, and nothing more will come.
  void check_done() {
    if (stopping_ || ended_result_ || !doors_.started() || setup_->until_stopped) return;
    if (!doors_.all_finished()) return;
    if (!all_decided(partitions_, *setup_->partition.log) || any_parked(partitions_)) return;
    if (!sinks_.finish()) return;
    if (const auto error = first_quarantine(partitions_)) return stop(fail(*error));
    if (door_error_) return stop(fail(*door_error_));
    stop({});
  }

  /// A run that is stopped did not do what it was to do; for a node that serves it is the good end.
  [[nodiscard]] Result<void> end_by_request() const {
    if (!setup_->until_stopped) return fail(Errc::cancelled, "stopped by request");
    if (const auto error = first_quarantine(partitions_)) return fail(*error);
    return {};
  }

  void stop(Result<void> result) {
    stopping_ = true;
    stop_result_ = std::move(result);
    doors_.tell(StopNode{});
    // A node decides what it has accepted before it ends, for half its time; the other half is for what is in flight then. A run
    // that is broken off does not: its input is there to be read on.
    if (!setup_->until_stopped || !doors_.started()) return stop_partitions();
    delayed_send(this, setup_->stop_patience / 2, StopPartitions{});
    check_drained();
  }

  void check_drained() {
    if (!stopping_ || partitions_stopping_ || doors_.any_alive()) return;
    if (all_decided(partitions_, *setup_->partition.log)) stop_partitions();
  }

  void stop_partitions() {
    if (partitions_stopping_ || ended_result_) return;
    partitions_stopping_ = true;
    sinks_.stop();
    for (const PartitionSlot& slot : partitions_) {
      if (slot.actor) send(slot.actor, StopNode{});
    }
    check_stopped();
  }

  void check_stopped() {
    if (!stopping_ || ended_result_) return;
    for (const PartitionSlot& slot : partitions_) {
      if (slot.busy()) return;
    }
    if (doors_.any_alive() || sinks_.any_alive()) return;
    ended_result_ = true;
    if (committer_) send_exit(committer_, caf::exit_reason::kill);
    committer_record_.stopped();
    setup_->ended(std::move(stop_result_));
    quit(caf::exit_reason::normal);
  }

  /// "partition/3, door/0 did not end within 5 s".
  [[nodiscard]] std::string still_busy() const {
    std::vector<std::string> who;
    for (std::size_t p = 0; p < partitions_.size(); ++p) {
      if (partitions_[p].busy()) who.push_back(fmt::format("partition/{}", p));
    }
    for (const std::string& door : doors_.alive()) who.push_back(door);
    for (const std::string& sink : sinks_.alive()) who.push_back(sink);
    return fmt::format("{} did not end within {} s", fmt::join(who, ", "), std::chrono::duration<double>(setup_->stop_patience).count());
  }

  /// Nothing can be brought to a good end any more: everybody goes with us.
  void break_off(Error error) {
    ended_result_ = true;
    setup_->ended(fail(std::move(error)));
    quit(caf::exit_reason::kill);
  }

  void on_down(const caf::down_msg& down) {
    if (committer_ && down.source == committer_.address()) {
      committer_ = nullptr;
      if (ended_result_) return;
      const auto pause = committer_record_.died(*clock_);
      if (!pause) return break_off({committer_record_.error().code, "the committer: " + committer_record_.error().context});
      delayed_send(this, *pause, StartAgain{StartAgain::What::committer, 0});
      return;
    }
    if (const auto door = doors_.find(down.source)) return door_died(*door);
    if (const auto sink = sinks_.find(down.source)) return sink_died(*sink);
    for (std::uint32_t p = 0; p < setup_->partitions; ++p) {
      PartitionSlot& slot = partitions_[p];
      if (slot.actor && down.source == slot.actor.address()) {
        slot.actor = nullptr;
        slot.ready = false;
        publish_routes();
        if (!slot.child) rebuild(PartitionId{p});
        return;
      }
      if (slot.child && down.source == slot.child.address()) {
        slot.child = nullptr;
        publish_routes();
        if (!slot.actor) rebuild(PartitionId{p});
        return;
      }
    }
  }

  std::shared_ptr<PipelineSetup> setup_;
  Logbook* logbook_;
  const Clock* clock_;
  std::shared_ptr<ActorEntry> entry_;
  ChildRecord committer_record_;
  caf::actor committer_;  // none between a death and the start that follows
  std::vector<PartitionSlot> partitions_;
  DoorSupervisor doors_;
  SinkSupervisor sinks_;
  std::optional<Error> door_error_;
  std::string death_;  // what this actor itself died of
  Result<void> stop_result_;
  bool stopping_ = false;
  bool partitions_stopping_ = false;  // they have been told
  bool ended_result_ = false;
};

}  // namespace

ChildRecord child_record(const std::string& who, const RestartLimits& limits, const PipelineSetup& setup, std::string unit) {
  return {limits, xxh3_64(who, setup.seed), setup.board->entry("pipeline/" + who, std::move(unit))};
}

caf::actor spawn_pipeline(caf::actor_system& system, PipelineSetup setup) {
  return system.spawn<PipelineSupervisor>(std::make_shared<PipelineSetup>(std::move(setup)));
}

}  // namespace weir
