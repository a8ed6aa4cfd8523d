// A door's actor alone: CAF's testing coordinator, the memory log, and a clock that tests move. What a door and those around it are is
// the test's own.
#pragma once
#include <caf/actor_system.hpp>
#include <caf/actor_system_config.hpp>
#include <caf/atom.hpp>
#include <caf/event_based_actor.hpp>
#include <caf/scheduler/test_coordinator.hpp>
#include <caf/send.hpp>

#include <functional>
#include <memory>
#include <optional>
#include <string>
#include <utility>
#include <vector>

#include "runtime/adapters/memory/memory_event_log.h"
#include "runtime/ports/clock.h"
#include "runtime/ports/logbook.h"
#include "runtime/ports/rng.h"

namespace weir::test {

class HandClock final : public Clock {
 public:
  [[nodiscard]] TimePoint now() const override { return now_; }
  [[nodiscard]] UnixMicros wall() const override { return 1'700'000'000'000'000 + std::chrono::duration_cast<std::chrono::microseconds>(now_).count(); }
  void advance(std::chrono::milliseconds by) { now_ += by; }

 private:
  TimePoint now_{0};
};

class CountingRng final : public Rng {
 public:
  [[nodiscard]] std::uint64_t next() override { return ++last_; }

 private:
  std::uint64_t last_ = 0;
};

class LineLogbook final : public Logbook {
 public:
  void write(LogLevel, std::string_view, std::string_view text) noexcept override { lines.emplace_back(text); }
  std::vector<std::string> lines;
};

/// An actor of a few handlers. (CAF's own form for that, spawning a function, binds a null reference: UBSan refuses it.)
class Listener : public caf::event_based_actor {
 public:
  using Begin = std::function<caf::behavior(caf::event_based_actor*)>;
  Listener(caf::actor_config& settings, Begin begin) : caf::event_based_actor(settings), begin_(std::move(begin)) {}
  caf::behavior make_behavior() override { return begin_(this); }

 private:
  Begin begin_;
};

/// Derived from; calls end() in its destructor, before what its actors refer to is gone.
struct DoorBench {
  explicit DoorBench(std::uint32_t partitions, MemoryLogOptions log_options = {}) : disk(std::make_shared<MemoryDisk>(partitions, rng)) {
    config.set("scheduler.policy", caf::atom("testing"));
    system.emplace(config);
    coordinator = dynamic_cast<caf::scheduler::test_coordinator*>(&system->scheduler());
    log = open_memory_log(disk, [this](std::function<void()> task) { tasks.push_back(std::move(task)); }, log_options);
  }
  DoorBench(const DoorBench&) = delete;
  DoorBench& operator=(const DoorBench&) = delete;

  /// Everything that can happen without the passing of time.
  void run() {
    do {
      coordinator->run();
      for (auto& task : std::exchange(tasks, {})) task();
    } while (!tasks.empty() || !coordinator->jobs.empty());
  }
  /// Kills the actors and drops what is still to come.
  void end(std::vector<caf::actor> actors) {
    for (const caf::actor& actor : actors) caf::anon_send_exit(actor, caf::exit_reason::kill);
    run();
    coordinator->clock().cancel_all();
    door = supervisor = nullptr;
  }

  CountingRng rng;
  HandClock clock;
  LineLogbook logbook;
  std::vector<std::function<void()>> tasks;
  std::shared_ptr<MemoryDisk> disk;
  std::unique_ptr<MemoryEventLog> log;
  caf::actor_system_config config;
  std::optional<caf::actor_system> system;
  caf::scheduler::test_coordinator* coordinator = nullptr;
  caf::actor supervisor;
  caf::actor door;
};

}  // namespace weir::test
