#include "actors/sinks/sink_actor.h"

#include <caf/actor_cast.hpp>
#include <fmt/format.h>

#include <exception>

#include "actors/supervise/house_handlers.h"
#include "runtime/base/fail_point.h"
#include "runtime/base/hash.h"

namespace weir {

namespace {

/// Of the log at once.
constexpr std::size_t kReadBytes = std::size_t{1} << 20;

class SinkActor : public caf::event_based_actor {
 public:
  SinkActor(caf::actor_config& config, std::shared_ptr<SinkSetup> setup, caf::actor_addr supervisor)
      : caf::event_based_actor(config),
        setup_(std::move(setup)),
        who_(fmt::format("sink/{}/{}", sink().name, setup_->partition.value)),
        supervisor_(std::move(supervisor)),
        flow_(sink(), *setup_->pipeline, setup_->partition) {
    install_house_handlers(this, who_, supervisor_);
    set_down_handler([this](caf::down_msg& down) { quit(down.reason); });
    if (const auto parent = caf::actor_cast<caf::actor>(supervisor_)) monitor(parent);
  }

  const char* name() const override { return "sink"; }

  caf::behavior make_behavior() override {
    target_ = setup_->make_target();
    pump();
    return {
        [this](const PartitionProgress& progress) {
          flow_.log_grew(progress.sequence);
          pump();
        },
        [this](const PassTime&) {
          if (flow_.wants_lag_bytes() && flow_.knows_cursor()) flow_.lag_bytes(setup_->log->output_bytes(setup_->partition, flow_.cursor().position.through));
          pump();
        },
        [this](SinkTask& task) {
          task.task();
          pump();
        },
        [this](const SinkWake& wake) {
          if (wake.generation == wakes_) pump();
        },
        [this](const FinishSink&) {
          flow_.finish(SinkFlow::Finish::everything);
          pump();
        },
        [this](const StopNode&) {
          flow_.finish(SinkFlow::Finish::soon);
          pump();
        },
    };
  }

  void on_exit() override { setup_.reset(); }

 private:
  [[nodiscard]] const SinkConfig& sink() const { return setup_->pipeline->sinks[setup_->sink]; }

  void pump() {
    if (ended_) return;
    const SinkFlow::Step step = flow_.next(setup_->clock->now(), setup_->clock->wall(), xxh3_64(who_, setup_->seed + ++draws_));
    tell();
    using Do = SinkFlow::Do;
    switch (step.what) {
      case Do::wait: return wait(step.until);
      case Do::load: return load();
      case Do::read: return read(step.after);
      case Do::open:
        return on_thread([target = target_, state = flow_.cursor().state] { return target->open(state); }, [this](Result<void> result) { flow_.opened(std::move(result)); });
      case Do::send: return send_batch(step.batch);
      case Do::prepare:
        return on_thread([target = target_] { return prepare(*target); }, [this](Result<std::string> state) { flow_.prepared(std::move(state)); });
      case Do::store:
        return on_thread([cursors = setup_->cursors, name = sink().name, partition = setup_->partition, cursor = flow_.next_cursor()] { return cursors->store(name, partition, cursor); },
                         [this](Result<void> result) { flow_.stored(std::move(result)); });
      case Do::publish:
        return on_thread([target = target_, state = flow_.cursor().state] { return target->publish(state); }, [this](Result<void> result) { flow_.published(std::move(result)); });
      case Do::stop: return end(SinkEnded{});
      case Do::give_up: return end(SinkBroken{flow_.error()});
    }
  }

  static Result<std::string> prepare(SinkTarget& target) {
    auto state = target.prepare();
    if (state && WEIR_DEFECT("sink_shown_before_cursor")) WEIR_TRY(target.publish(*state));
    return state;
  }

  /// `job` on the sink's thread; what it gives goes to `then`, in this actor.
  template <class Job, class Then>
  void on_thread(Job job, Then then) {
    const caf::actor self = caf::actor_cast<caf::actor>(this);
    static_cast<void>(setup_->post([self, job = std::move(job), then = std::move(then)]() mutable {
      guarded(self, [&] {
        auto result = std::make_shared<decltype(job())>(job());
        caf::anon_send(self, SinkTask{[result, then = std::move(then)]() mutable { then(std::move(*result)); }});
      });
    }));
  }

  /// What is thrown on the sink's thread, which is not this actor's to lose, is thrown in the actor: it dies of it, and is started again.
  template <class Job>
  static void guarded(const caf::actor& self, Job job) noexcept {
    try {
      job();
    } catch (...) {
      caf::anon_send(self, SinkTask{[thrown = std::current_exception()] { std::rethrow_exception(thrown); }});
    }
  }

  void load() {
    on_thread([cursors = setup_->cursors, name = sink().name, partition = setup_->partition] { return cursors->load(name, partition); },
              [this](Result<std::optional<SinkCursor>> cursor) { flow_.loaded(std::move(cursor), setup_->log->status(setup_->partition), setup_->log->log_id()); });
  }

  void read(CommitSequence after) {
    const caf::actor self = caf::actor_cast<caf::actor>(this);
    setup_->log->read_output({setup_->partition, after, kReadBytes}, [self, this](Result<std::vector<CommitRecord>> records) {
      // `this` is used by the task alone, which this actor runs.
      auto result = std::make_shared<Result<std::vector<CommitRecord>>>(std::move(records));
      caf::anon_send(self, SinkTask{[this, result] { flow_.was_read(std::move(*result)); }});
    });
  }

  void send_batch(const std::shared_ptr<const SinkBatch>& batch) {
    const caf::actor self = caf::actor_cast<caf::actor>(this);
    static_cast<void>(setup_->post([self, this, target = target_, batch] {
      guarded(self, [&] {
        target->send(batch, [self, this](SinkAnswer answer) {
          caf::anon_send(self, SinkTask{[this, answer = std::move(answer)]() mutable { flow_.sent(std::move(answer)); }});
        });
      });
    }));
  }

  void wait(TimePoint until) {
    ++wakes_;
    if (until == TimePoint::max()) return;
    const TimePoint pause = std::max(until - setup_->clock->now(), TimePoint{std::chrono::milliseconds(1)});
    delayed_send(this, pause, SinkWake{wakes_});
  }

  template <class Message>
  void end(Message message) {
    ended_ = true;
    send(caf::actor_cast<caf::actor>(supervisor_), std::move(message));
    quit(caf::exit_reason::normal);
  }

  /// To those who watch.
  void tell() {
    for (const SinkFlow::Note& note : flow_.take_notes()) setup_->logbook->write(note.warn ? LogLevel::warn : LogLevel::info, who_, note.text);
    const SinkCursor& cursor = flow_.cursor();
    SinkGauges& gauges = *setup_->gauges;
    gauges.through.store(cursor.position.through.value);
    gauges.newest.store(flow_.newest().value);
    gauges.records.store(cursor.records);
    gauges.skipped.store(cursor.skipped);
    gauges.log_records.store(cursor.log_records);
    gauges.lag_since.store(flow_.lag_since());
    gauges.known.store(flow_.knows_cursor());
    const SinkFlow::Counts& counts = flow_.counts();
    gauges.batches.fetch_add(counts.batches - told_.batches);
    gauges.bytes.fetch_add(counts.bytes - told_.bytes);
    gauges.failures.fetch_add(counts.failures - told_.failures);
    told_ = counts;
    if (noted_ != flow_.failing()) {
      noted_ = flow_.failing();
      gauges.note(noted_);
      setup_->entry->note(noted_.empty() ? noted_ : "fails: " + noted_);
    }
    setup_->entry->load(flow_.newest().value - std::min(flow_.newest().value, cursor.position.through.value), 0);
    if (flow_.knows_cursor()) setup_->entry->state(ActorState::running);
  }

  std::shared_ptr<SinkSetup> setup_;
  const std::string who_;
  caf::actor_addr supervisor_;
  SinkFlow flow_;
  std::shared_ptr<SinkTarget> target_;
  SinkFlow::Counts told_;
  std::string noted_;
  std::uint64_t draws_ = 0;
  std::uint64_t wakes_ = 0;
  bool ended_ = false;
};

}  // namespace

caf::actor spawn_sink(caf::event_based_actor* supervisor, SinkSetup setup) {
  return supervisor->spawn<SinkActor, caf::monitored>(std::make_shared<SinkSetup>(std::move(setup)), supervisor->address());
}

}  // namespace weir
