#include "actors/services/services_supervisor.h"

#include <caf/send.hpp>
#include <fmt/format.h>

#include <algorithm>
#include <utility>

#include "actors/supervise/child_record.h"
#include "actors/supervise/house_handlers.h"
#include "runtime/base/hash.h"

namespace weir {

namespace {

double seconds(std::chrono::microseconds time) { return std::chrono::duration<double>(time).count(); }

class ServicesSupervisor : public caf::event_based_actor {
 public:
  ServicesSupervisor(caf::actor_config& config, std::shared_ptr<ServicesSetup> setup)
      : caf::event_based_actor(config), setup_(std::move(setup)), entry_(setup_->board->entry("services")) {
    for (const NodeService& service : setup_->services)
      services_.push_back({"service/" + service.name,
                           {setup_->limits, xxh3_64(service.name, setup_->seed), setup_->board->entry("services/" + service.name, "messages")},
                           {},
                           {}});
    install_house_handlers(this, "services", address());
    set_exception_handler([this](caf::scheduled_actor*, std::exception_ptr& thrown) -> caf::error {
      setup_->logbook->write(LogLevel::error, "services", text_of(thrown));
      entry_->died(text_of(thrown), setup_->clock->wall());
      entry_->state(ActorState::failing);
      return caf::sec::runtime_error;
    });
    set_down_handler([this](caf::down_msg& down) { on_down(down); });
  }

  const char* name() const override { return "services"; }

  caf::behavior make_behavior() override {
    entry_->state(ActorState::running);
    for (std::size_t i = 0; i < services_.size(); ++i) start(i);
    return {
        [this](const ActorFailed& failed) {
          setup_->logbook->write(LogLevel::warn, failed.who, describe(failed.error));
          for (Service& service : services_) {
            if (service.who == failed.who) service.record.failing(failed.error);
          }
        },
        [this](const StartService& again) { start(again.index); },
        [this](const StopNode&) { stop(); },
        [this](const ServicesOverdue& overdue) { overdue.killed ? end() : kill_all(); },
    };
  }

  /// Whatever it ends of, nobody of its own is left behind.
  void on_exit() override {
    kill_all();
    tell_ended();
  }

 private:
  struct Service {
    std::string who;
    ChildRecord record;
    caf::actor actor;
    TimePoint started_at{};
  };

  void start(std::size_t i) {
    Service& service = services_[i];
    if (stopping_) return;
    service.record.started(ActorState::running);
    service.started_at = setup_->clock->now();
    auto started = setup_->services[i].start(this, service.record.entry());
    if (started) {
      service.actor = std::move(*started);
      return;
    }
    setup_->logbook->write(LogLevel::warn, service.who, describe(started.error()));
    service.record.failing(started.error());
    died(i);
  }

  void died(std::size_t i) {
    Service& service = services_[i];
    service.record.entry()->note({});
    if (stopping_) return service.record.stopped();
    if (setup_->clock->now() - service.started_at >= setup_->limits.window) service.record.progress(*setup_->clock);
    auto pause = service.record.died(*setup_->clock);
    if (!pause) {
      pause = setup_->limits.window;
      setup_->logbook->write(LogLevel::error, service.who,
                             fmt::format("it keeps dying and is tried again every {} s, the last time of: {}; the node goes on without it", seconds(*pause),
                                         describe(service.record.error())));
    }
    delayed_send(this, *pause, StartService{static_cast<std::uint32_t>(i)});
  }

  void on_down(const caf::down_msg& down) {
    for (std::size_t i = 0; i < services_.size(); ++i) {
      Service& service = services_[i];
      if (!service.actor || down.source != service.actor.address()) continue;
      service.actor = nullptr;
      if (!stopping_ && (down.reason == caf::exit_reason::normal || down.reason == caf::exit_reason::user_shutdown)) {
        service.record.entry()->note({});
        service.record.stopped();
        setup_->logbook->write(LogLevel::info, service.who, "it has ended by itself; it is started again with the node");
      } else {
        died(i);
      }
      return check_ended();
    }
  }

  void stop() {
    if (std::exchange(stopping_, true)) return;
    for (Service& service : services_) {
      if (service.actor) {
        send_exit(service.actor, caf::exit_reason::user_shutdown);
      } else {
        service.record.stopped();
      }
    }
    delayed_send(this, setup_->stop_patience, ServicesOverdue{false});
    check_ended();
  }

  void kill_all() {
    for (const Service& service : services_) {
      if (!service.actor) continue;
      if (stopping_)
        setup_->logbook->write(LogLevel::warn, service.who, fmt::format("it did not end within {} s, and is killed", seconds(setup_->stop_patience)));
      send_exit(service.actor, caf::exit_reason::kill);
    }
    if (stopping_) delayed_send(this, setup_->kill_patience, ServicesOverdue{true});
  }

  void check_ended() {
    if (stopping_ && std::none_of(services_.begin(), services_.end(), [](const Service& service) { return service.actor != nullptr; })) end();
  }

  void end() {
    for (const Service& service : services_) {
      if (!service.actor) continue;
      left_.push_back(service.who);
      setup_->logbook->write(LogLevel::error, service.who, "it is inside a call that does not return; the node ends without it");
    }
    entry_->state(ActorState::stopped);
    tell_ended();
    services_.clear();
    quit(caf::exit_reason::normal);
  }

  void tell_ended() {
    if (const auto tell = std::exchange(setup_->ended, {})) tell(std::move(left_));
  }

  std::shared_ptr<ServicesSetup> setup_;
  std::shared_ptr<ActorEntry> entry_;
  std::vector<Service> services_;
  std::vector<std::string> left_;
  bool stopping_ = false;
};

}  // namespace

caf::actor spawn_services(caf::actor_system& system, ServicesSetup setup) {
  return system.spawn<ServicesSupervisor>(std::make_shared<ServicesSetup>(std::move(setup)));
}

}  // namespace weir
