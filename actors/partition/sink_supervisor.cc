#include "actors/partition/sink_supervisor.h"

#include <fmt/format.h>

#include <algorithm>

namespace weir {

void SinkSupervisor::start_all() {
  for (const PipelineSink& sink : setup_.sinks) {
    const std::string who = fmt::format("sink/{}/{}", sink.name, sink.partition.value);
    sinks_.push_back({who, child_record(who, setup_.supervision.sink, setup_, "commits"), {}, false, false});
  }
  for (std::size_t i = 0; i < sinks_.size(); ++i) start(i);
}

void SinkSupervisor::start(std::size_t i) {
  Sink& sink = sinks_[i];
  if (stopping_) {
    sink.over = true;
    return sink.record.stopped();
  }
  setup_.sinks[i].gauges->broken.store(false);
  sink.over = sink.broken = false;
  sink.record.started();
  sink.actor = setup_.sinks[i].spawn(self_, sink.record.entry());
  if (finishing_) self_->send(sink.actor, FinishSink{});
}

std::optional<std::size_t> SinkSupervisor::find(const caf::actor_addr& who) const {
  for (std::size_t i = 0; i < sinks_.size(); ++i) {
    if (sinks_[i].actor && who == sinks_[i].actor.address()) return i;
  }
  return std::nullopt;
}

void SinkSupervisor::on_progress(const PartitionProgress& progress) const {
  for (std::size_t i = 0; i < sinks_.size(); ++i) {
    if (sinks_[i].actor && setup_.sinks[i].partition == progress.partition) self_->send(sinks_[i].actor, progress);
  }
}

void SinkSupervisor::on_pass(const PassTime& pass) const {
  for (const Sink& sink : sinks_) {
    if (sink.actor) self_->send(sink.actor, pass);
  }
}

void SinkSupervisor::failing(const std::string& who, const Error& error) {
  for (Sink& sink : sinks_) {
    if (who == sink.who) sink.record.failing(error);
  }
}

void SinkSupervisor::ended(std::size_t i) {
  Sink& sink = sinks_[i];
  sink.over = true;
  sink.record.stopped();
  self_->demonitor(sink.actor);
  sink.actor = nullptr;
}

/// Left alone from now on.
void SinkSupervisor::give_up(std::size_t i, const Error& error) {
  Sink& sink = sinks_[i];
  sink.over = sink.broken = true;
  sink.actor = nullptr;
  sink.record.state(ActorState::quarantined);
  SinkGauges& gauges = *setup_.sinks[i].gauges;
  gauges.note(error.context.empty() ? describe(error) : error.context);
  gauges.broken.store(true);
  setup_.partition.logbook->write(LogLevel::error, sink.who,
                                  fmt::format("broken: nothing more is written to it, the others and the path go on, and the log is not kept for it any more: {}", describe(error)));
}

void SinkSupervisor::broken(std::size_t i, const Error& error) {
  Sink& sink = sinks_[i];
  self_->demonitor(sink.actor);
  sink.record.failing(error);
  static_cast<void>(sink.record.died(*setup_.partition.clock));
  give_up(i, error);
}

std::optional<std::chrono::microseconds> SinkSupervisor::died(std::size_t i) {
  Sink& sink = sinks_[i];
  sink.actor = nullptr;
  const auto pause = sink.record.died(*setup_.partition.clock);
  if (stopping_) {
    sink.over = true;
    sink.record.stopped();
    return std::nullopt;
  }
  if (!pause) give_up(i, sink.record.error());
  return pause;
}

std::optional<std::size_t> SinkSupervisor::release(const std::string& name) {
  std::size_t released = 0;
  bool known = false;
  for (std::size_t i = 0; i < sinks_.size(); ++i) {
    if (setup_.sinks[i].name != name) continue;
    known = true;
    if (!sinks_[i].broken || stopping_) continue;
    sinks_[i].record.forget();
    setup_.partition.logbook->write(LogLevel::info, sinks_[i].who, "released: it is tried again");
    start(i);
    ++released;
  }
  return known ? std::optional(released) : std::nullopt;
}

bool SinkSupervisor::finish() {
  if (!std::exchange(finishing_, true)) {
    for (const Sink& sink : sinks_) {
      if (sink.actor) self_->send(sink.actor, FinishSink{});
    }
  }
  return std::all_of(sinks_.begin(), sinks_.end(), [](const Sink& sink) { return sink.over; });
}

void SinkSupervisor::stop() {
  stopping_ = true;
  for (const Sink& sink : sinks_) {
    if (sink.actor) self_->send(sink.actor, StopNode{});
  }
}

bool SinkSupervisor::any_alive() const noexcept {
  return std::any_of(sinks_.begin(), sinks_.end(), [](const Sink& sink) { return sink.actor != nullptr; });
}

std::vector<std::string> SinkSupervisor::alive() const {
  std::vector<std::string> who;
  for (const Sink& sink : sinks_) {
    if (sink.actor) who.push_back(sink.who);
  }
  return who;
}

}  // namespace weir
