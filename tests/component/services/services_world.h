// The supervisor of services over CAF's testing coordinator: one thread, time that the test moves.
#pragma once
#include <caf/actor_system.hpp>
#include <caf/actor_system_config.hpp>
#include <caf/atom.hpp>
#include <caf/scheduler/test_coordinator.hpp>

#include <algorithm>
#include <optional>
#include <string>
#include <vector>

#include "actors/services/services_supervisor.h"
#include "tests/support/door_bench.h"

namespace weir::test {

class LevelLines final : public Logbook {
 public:
  void write(LogLevel level, std::string_view who, std::string_view text) noexcept override {
    static constexpr const char* kLevels[] = {"debug", "info", "warn", "error"};
    lines.push_back(std::string(kLevels[static_cast<int>(level)]) + " " + std::string(who) + ": " + std::string(text));
  }
  [[nodiscard]] std::size_t count(const std::string& begin) const {
    return static_cast<std::size_t>(std::count_if(lines.begin(), lines.end(), [&](const std::string& line) { return line.starts_with(begin); }));
  }
  std::vector<std::string> lines;
};

class ServicesWorld {
 public:
  ServicesWorld() {
    settings_.set("scheduler.policy", caf::atom("testing"));
    system_.emplace(settings_);
    setup.clock = &clock;
    setup.logbook = &lines;
    setup.board = board;
    setup.limits = {.restarts_max = 3, .window = std::chrono::seconds(10), .backoff_min = std::chrono::milliseconds(100), .backoff_max = std::chrono::milliseconds(400)};
    setup.stop_patience = std::chrono::seconds(5);
    setup.kill_patience = std::chrono::seconds(1);
    setup.ended = [this](std::vector<std::string> left) { ended.push_back(std::move(left)); };
  }
  ~ServicesWorld() {
    caf::anon_send_exit(root_, caf::exit_reason::kill);
    run();
    coordinator().clock().cancel_all();
    root_ = nullptr;
  }

  void start() {
    root_ = spawn_services(*system_, std::move(setup));
    run();
  }
  void stop() {
    caf::anon_send(root_, StopNode{});
    run();
  }
  void run() { coordinator().run(); }
  /// Timer by timer.
  void advance(std::chrono::milliseconds by) {
    auto& timers = coordinator().clock();
    const auto until = timers.now() + by;
    run();
    while (!timers.schedule().empty() && timers.schedule().begin()->first <= until) {
      step(std::max<std::chrono::nanoseconds>(timers.schedule().begin()->first - timers.now(), std::chrono::nanoseconds(0)));
    }
    step(until - timers.now());
  }
  [[nodiscard]] ActorReport report(const std::string& path) const {
    for (ActorReport& one : board->report()) {
      if (one.path == path) return one;
    }
    return {};
  }

  HandClock clock;
  LevelLines lines;
  std::shared_ptr<ActorBoard> board = std::make_shared<ActorBoard>();
  ServicesSetup setup;
  std::vector<std::vector<std::string>> ended;

 private:
  [[nodiscard]] caf::scheduler::test_coordinator& coordinator() { return dynamic_cast<caf::scheduler::test_coordinator&>(system_->scheduler()); }
  void step(std::chrono::nanoseconds by) {
    passed_ += by;
    clock.advance(std::chrono::duration_cast<std::chrono::milliseconds>(passed_ - std::chrono::duration_cast<std::chrono::nanoseconds>(clock.now())));
    coordinator().clock().advance_time(by);
    run();
  }
  std::chrono::nanoseconds passed_{0};
  caf::actor_system_config settings_;
  std::optional<caf::actor_system> system_;
  caf::actor root_;
};

}  // namespace weir::test
