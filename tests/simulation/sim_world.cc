#include "tests/simulation/sim_world.h"

#include <caf/actor_cast.hpp>
#include <caf/atom.hpp>
#include <caf/event_based_actor.hpp>
#include <caf/scheduled_actor.hpp>
#include <caf/send.hpp>

#include <algorithm>

#include "actors/messages/caf_forms.h"

namespace weir::sim {

struct LaterTask {
  std::chrono::milliseconds delay{0};
  std::function<void()> task;
};
struct DueTask {
  std::function<void()> task;
};

}  // namespace weir::sim

CAF_ALLOW_UNSAFE_MESSAGE_TYPE(weir::sim::LaterTask)
CAF_ALLOW_UNSAFE_MESSAGE_TYPE(weir::sim::DueTask)

namespace weir::sim {

namespace {

/// A class: CAF's own form for an actor of a few handlers, spawning a function, binds a null reference, which UBSan refuses.
class Timer : public caf::event_based_actor {
 public:
  using caf::event_based_actor::event_based_actor;
  caf::behavior make_behavior() override {
    return {
        [this](const LaterTask& later) { delayed_send(this, later.delay, DueTask{later.task}); },
        [](const DueTask& due) { due.task(); },
    };
  }
};

}  // namespace

void SimLogbook::write(LogLevel level, std::string_view who, std::string_view text) noexcept {
  static const char* const names[] = {"debug", "info", "warn", "error"};
  if (lines_.size() > 200) lines_.erase(lines_.begin(), lines_.begin() + 100);
  lines_.push_back(std::string(names[static_cast<int>(level)]) + " " + std::string(who) + ": " + std::string(text));
}

SimScheduler::SimScheduler(SeededRng& rng, SimClock& clock)
    : rng_(rng), clock_(clock), config_(std::make_unique<caf::actor_system_config>()) {
  config_->set("scheduler.policy", caf::atom("testing"));
  system_ = std::make_unique<caf::actor_system>(*config_);
  coordinator_ = dynamic_cast<caf::scheduler::test_coordinator*>(&system_->scheduler());
}

SimScheduler::~SimScheduler() {
  tasks_.clear();
  if (timer_) caf::anon_send_exit(timer_, caf::exit_reason::kill);
  timer_ = nullptr;
  coordinator_->clock().cancel_all();
  coordinator_->run();
}

void SimScheduler::post_later(std::chrono::milliseconds delay, std::function<void()> task) {
  if (!timer_) timer_ = system_->spawn<Timer>();
  caf::anon_send(timer_, LaterTask{delay, std::move(task)});
}

SimScheduler::Step SimScheduler::step() {
  auto& jobs = coordinator_->jobs;
  const std::size_t choices = jobs.size() + tasks_.size();
  if (choices == 0 || rng_.chance(200)) {
    if (!coordinator_->has_pending_timeout()) return choices == 0 ? Step::nothing : Step::ran;
    const auto before = coordinator_->clock().current_time;
    coordinator_->trigger_timeout();
    clock_.advance(coordinator_->clock().current_time - before);
    note(0x7117);
    return Step::advanced;
  }
  const std::size_t choice = rng_.below(choices);
  if (choice < jobs.size()) {
    const auto chosen = jobs.begin() + static_cast<std::ptrdiff_t>(choice);
    std::rotate(jobs.begin(), chosen, chosen + 1);
    if (auto* actor = dynamic_cast<caf::scheduled_actor*>(jobs.front())) {
      note(actor->id() * 2 + 1);
      if (watcher_) watcher_(caf::actor_cast<caf::actor>(actor), actor->name());
    }
    coordinator_->run_once();
  } else {
    const auto chosen = tasks_.begin() + static_cast<std::ptrdiff_t>(choice - jobs.size());
    std::function<void()> task = std::move(*chosen);
    tasks_.erase(chosen);
    note((choice - jobs.size()) * 2);
    task();
  }
  clock_.advance(std::chrono::microseconds(1 + rng_.below(20)));
  return Step::ran;
}

caf::actor SimScheduler::runnable() {
  auto& jobs = coordinator_->jobs;
  if (jobs.empty()) return {};
  auto* actor = dynamic_cast<caf::scheduled_actor*>(jobs[rng_.below(jobs.size())]);
  if (actor == nullptr || (timer_ && actor->address() == timer_.address())) return {};
  return caf::actor_cast<caf::actor>(actor);
}

void SimScheduler::crash(const caf::actor& root) {
  tasks_.clear();
  if (timer_) caf::anon_send_exit(timer_, caf::exit_reason::kill);
  timer_ = nullptr;
  caf::anon_send_exit(root, caf::exit_reason::kill);
  for (int round = 0; round < 10; ++round) {
    coordinator_->clock().cancel_all();
    coordinator_->run();
    tasks_.clear();
  }
}

}  // namespace weir::sim
