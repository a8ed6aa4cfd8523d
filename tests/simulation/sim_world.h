// One thread, one seed: a world in which everything that could happen next is chosen by a seeded generator, and time
// passes only when nothing else can. The actors are the product's, on CAF's testing coordinator; log and state do their
// work as tasks here.
#pragma once
#include <caf/actor.hpp>
#include <caf/actor_system.hpp>
#include <caf/actor_system_config.hpp>
#include <caf/scheduler/test_coordinator.hpp>
#include <chrono>
#include <functional>
#include <memory>
#include <random>
#include <string>
#include <string_view>
#include <vector>

#include "runtime/ports/clock.h"
#include "runtime/ports/logbook.h"
#include "runtime/ports/rng.h"

namespace weir::sim {

/// The world's own chance. Everything random of a run comes from here, in one order.
class SeededRng final : public Rng {
 public:
  explicit SeededRng(std::uint64_t seed) : engine_(seed) {}
  [[nodiscard]] std::uint64_t next() override { return engine_(); }
  [[nodiscard]] std::uint64_t below(std::uint64_t bound) { return engine_() % bound; }
  /// True once in `one_in` times; 0: never.
  [[nodiscard]] bool chance(std::uint64_t one_in) { return one_in != 0 && engine_() % one_in == 0; }

 private:
  std::mt19937_64 engine_;
};

/// Virtual time; survives the death of a node.
class SimClock final : public Clock {
 public:
  [[nodiscard]] TimePoint now() const override { return now_; }
  [[nodiscard]] UnixMicros wall() const override {
    return 1'600'000'000'000'000 + std::chrono::duration_cast<std::chrono::microseconds>(now_).count();
  }
  void advance(TimePoint by) { now_ += by; }

 private:
  TimePoint now_{0};
};

/// Keeps the last lines, for a failing seed.
class SimLogbook final : public Logbook {
 public:
  void write(LogLevel level, std::string_view who, std::string_view text) noexcept override;
  [[nodiscard]] const std::vector<std::string>& lines() const { return lines_; }

 private:
  std::vector<std::string> lines_;
};

/// The scheduler of one node's life. Tasks (of log and state) and actors compete for the next step.
class SimScheduler {
 public:
  SimScheduler(SeededRng& rng, SimClock& clock);
  ~SimScheduler();

  [[nodiscard]] caf::actor_system& system() { return *system_; }
  /// For the executors of log and state: runs later, when chosen.
  void post(std::function<void()> task) { tasks_.push_back(std::move(task)); }
  /// Runs when so much of this world's time has passed, unless the node dies before.
  void post_later(std::chrono::milliseconds delay, std::function<void()> task);

  enum class Step : std::uint8_t { ran, advanced, nothing };
  /// One actor message, one task, or, when there is neither, the next timer.
  Step step();
  /// Called with every actor whose turn it is, before it takes its next message: what it is sent there of high priority
  /// (an exit) comes first.
  void watch(std::function<void(const caf::actor&, std::string_view name)> watcher) { watcher_ = std::move(watcher); }
  /// An actor of the product that could run now, chosen by the generator; none: 0. For killing it.
  [[nodiscard]] caf::actor runnable();
  /// Everything that happened, as one number: the same seed gives the same.
  [[nodiscard]] std::uint64_t trace() const { return trace_; }

  /// The process dies: no task runs any more, and every actor goes.
  void crash(const caf::actor& root);

 private:
  void note(std::uint64_t what) { trace_ = (trace_ ^ what) * 0x9e3779b97f4a7c15ull + 1; }
  SeededRng& rng_;
  SimClock& clock_;
  std::unique_ptr<caf::actor_system_config> config_;
  std::unique_ptr<caf::actor_system> system_;
  caf::scheduler::test_coordinator* coordinator_ = nullptr;
  std::vector<std::function<void()>> tasks_;
  std::function<void(const caf::actor&, std::string_view)> watcher_;
  caf::actor timer_;  // of post_later: there when it is needed
  std::uint64_t trace_ = 0;
};

}  // namespace weir::sim
