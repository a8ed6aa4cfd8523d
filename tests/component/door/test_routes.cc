// The door actor alone, on CAF's testing coordinator: what it does while it does not know where the partitions are.
#include <caf/actor_system.hpp>
#include <caf/actor_system_config.hpp>
#include <caf/atom.hpp>
#include <caf/scheduler/test_coordinator.hpp>
#include <caf/send.hpp>

#include <optional>

#include "actors/doors/door_actor.h"
#include "runtime/adapters/memory/memory_event_log.h"
#include "tests/support/catch.h"

using namespace weir;

namespace {

class StandingClock final : public Clock {
 public:
  [[nodiscard]] TimePoint now() const override { return TimePoint{0}; }
  [[nodiscard]] UnixMicros wall() const override { return 1'700'000'000'000'000; }
};

class CountingRng final : public Rng {
 public:
  [[nodiscard]] std::uint64_t next() override { return ++last_; }

 private:
  std::uint64_t last_ = 0;
};

class NoLogbook final : public Logbook {
 public:
  void write(LogLevel, std::string_view, std::string_view) noexcept override {}
};

/// One group of one event of partition 0, then the end.
class OneEvent final : public DoorFeed {
 public:
  [[nodiscard]] const std::string& name() const override { return name_; }
  [[nodiscard]] Result<std::optional<DoorGroup>> next(UnixMicros accepted_at) override {
    if (std::exchange(given_, true)) return std::optional<DoorGroup>{};
    IngestBatchBuilder builder;
    builder.add({"{}", "e-1", 0, {}, 1});
    DoorGroup group;
    group.events = 1;
    group.group.batches.push_back({PartitionId{0}, 1, builder.finish({FrameFormat::json, accepted_at, 0, name_, ""})});
    return std::optional<DoorGroup>{std::move(group)};
  }

 private:
  std::string name_ = "one";
  bool given_ = false;
};

/// What the door told its partition and its supervisor.
struct Heard {
  std::vector<Offset> live;
  int durable = 0;
  std::optional<std::uint64_t> finished;
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

struct World {
  World() {
    config.set("scheduler.policy", caf::atom("testing"));
    system.emplace(config);
    coordinator = dynamic_cast<caf::scheduler::test_coordinator*>(&system->scheduler());
    log = open_memory_log(disk, [this](std::function<void()> task) { tasks.push_back(std::move(task)); });
    partition = system->spawn<Listener>([this](caf::event_based_actor*) {
      return caf::behavior{[this](const LiveBatch& batch) { heard.live.push_back(batch.first); },
                           [this](const IngestDurable&) { ++heard.durable; }};
    });
    supervisor = system->spawn<Listener>([this](caf::event_based_actor* self) {
      self->set_down_handler([](caf::down_msg&) {});
      DoorSetup setup;
      setup.log = log.get();
      setup.clock = &clock;
      setup.logbook = &logbook;
      setup.name = "one";
      setup.own_thread = false;
      setup.open = [](const EventLog&) -> Result<std::unique_ptr<DoorFeed>> { return std::make_unique<OneEvent>(); };
      door = spawn_door(self, setup);
      return caf::behavior{[this](const DoorFinished& fact) { heard.finished = fact.events; }};
    });
    run();
  }
  ~World() {
    for (const caf::actor& actor : {door, supervisor, partition}) caf::anon_send_exit(actor, caf::exit_reason::kill);
    run();
    coordinator->clock().cancel_all();
    door = supervisor = partition = nullptr;
  }
  World(const World&) = delete;
  World& operator=(const World&) = delete;

  /// Everything that can happen without the passing of time.
  void run() {
    do {
      coordinator->run();
      for (auto& task : std::exchange(tasks, {})) task();
    } while (!tasks.empty() || !coordinator->jobs.empty());
  }

  CountingRng rng;
  StandingClock clock;
  NoLogbook logbook;
  Heard heard;
  std::vector<std::function<void()>> tasks;
  std::shared_ptr<MemoryDisk> disk = std::make_shared<MemoryDisk>(1, rng);
  std::unique_ptr<EventLog> log;
  caf::actor_system_config config;
  std::optional<caf::actor_system> system;
  caf::scheduler::test_coordinator* coordinator = nullptr;
  caf::actor partition;
  caf::actor supervisor;
  caf::actor door;
};

}  // namespace

TEST_CASE_METHOD(World, "a door whose routes come late appends nothing that no partition hears of", "[door]") {
  CHECK(log->status(PartitionId{0}).ingest_reserved == Offset{0});
  CHECK_FALSE(heard.finished.has_value());
  caf::anon_send(door, Routes{.partitions = {partition}, .views = {}, .quarantined = {false}, .errors = {}});
  run();
  while (!heard.finished && coordinator->has_pending_timeout()) {
    coordinator->trigger_timeout();
    run();
  }
  CHECK(heard.live == std::vector<Offset>{Offset{0}});
  CHECK(heard.durable >= 1);
  CHECK(heard.finished == 1u);
}
