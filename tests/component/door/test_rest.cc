// The door actor alone, with a feed that has nothing for a while: it rests, wakes by itself, and stops while it rests.
#include <deque>
#include <optional>

#include "actors/doors/door_actor.h"
#include "tests/support/catch.h"
#include "tests/support/door_bench.h"

using namespace weir;
using namespace weir::test;
using namespace std::chrono_literals;

namespace {

/// What the test wants the feed to say next: a number of events, 0: nothing for one second, -1: the end.
struct Script {
  std::deque<int> steps;
  int asked = 0;
};

class ScriptedFeed final : public DoorFeed {
 public:
  explicit ScriptedFeed(Script& script) : script_(script) {}
  [[nodiscard]] const std::string& name() const override { return name_; }
  [[nodiscard]] Result<std::optional<DoorGroup>> next(UnixMicros accepted_at) override {
    ++script_.asked;
    DoorGroup group;
    if (script_.steps.empty()) {
      group.ask_again = 1s;
      return std::optional(std::move(group));
    }
    const int step = script_.steps.front();
    script_.steps.pop_front();
    if (step < 0) return std::optional<DoorGroup>{};
    if (step == 0) {
      group.ask_again = 1s;
      return std::optional(std::move(group));
    }
    IngestBatchBuilder builder;
    for (int i = 0; i < step; ++i) builder.add({"{}", "e-" + std::to_string(++serial_), 0, {}, 1});
    group.events = static_cast<std::uint64_t>(step);
    group.group.batches.push_back({PartitionId{0}, static_cast<std::uint32_t>(step),
                                   builder.finish({FrameFormat::json, accepted_at, 0, name_, ""})});
    return std::optional(std::move(group));
  }

 private:
  Script& script_;
  std::string name_ = "scripted";
  int serial_ = 0;
};

struct World : DoorBench {
  explicit World(std::uint64_t ids_max = 1'000'000, bool waits = false) : DoorBench(1) {
    partition = system->spawn<Listener>([this](caf::event_based_actor*) {
      return caf::behavior{[this](const LiveBatch& batch) { live += batch.batch.count(); },
                           [](const IngestDurable&) {}};
    });
    supervisor = system->spawn<Listener>([this, ids_max, waits](caf::event_based_actor* self) {
      self->set_down_handler([](caf::down_msg&) {});
      DoorSetup setup;
      setup.log = log.get();
      setup.clock = &clock;
      setup.logbook = &logbook;
      setup.name = "scripted";
      setup.own_thread = false;
      setup.ids_max = ids_max;
      setup.waits = waits;
      setup.pressure = &pressure;
      setup.open = [this](const EventLog&) -> Result<std::unique_ptr<DoorFeed>> {
        return std::make_unique<ScriptedFeed>(script);
      };
      door = spawn_door(self, setup);
      return caf::behavior{[this](const DoorFinished& fact) { finished = fact; }};
    });
    run();
  }
  ~World() { end({door, supervisor, std::exchange(partition, nullptr)}); }

  void routes() {
    Routes known;
    known.partitions = {partition};
    known.quarantined = {false};
    caf::anon_send(door, known);
    run();
  }
  /// Time goes on in small steps, as it does for a door.
  void pass(std::chrono::milliseconds duration) {
    for (auto left = duration; left.count() > 0; left -= 10ms) {
      clock.advance(10ms);
      coordinator->clock().current_time += 10ms;
      coordinator->clock().trigger_timeouts();
      run();
    }
  }
  void progress(std::uint64_t committed, std::uint64_t ids) {
    PartitionProgress fact;
    fact.partition = PartitionId{0};
    fact.committed = Offset{committed};
    fact.ids = ids;
    caf::anon_send(door, fact);
    run();
  }

  DoorPressure pressure;
  Script script;
  std::uint64_t live = 0;
  std::optional<DoorFinished> finished;
  caf::actor partition;
};

}  // namespace

TEST_CASE("a door whose feed has nothing now asks again when it said, not before, and goes on", "[door]") {
  World world;
  world.script.steps = {2, 0, 3};
  world.routes();
  world.pass(100ms);  // its first look at the routes
  CHECK(world.live == 2);
  CHECK(world.script.asked == 2);
  world.progress(2, 2);  // what else happens to the door is no reason to ask the feed
  world.pass(800ms);
  world.progress(2, 2);
  CHECK(world.script.asked == 2);
  world.pass(200ms);
  CHECK(world.live == 5);
  CHECK(world.script.asked == 4);
  CHECK_FALSE(world.finished.has_value());
  world.script.steps = {1, -1};
  world.pass(1'100ms);
  CHECK(world.live == 6);
  REQUIRE(world.finished.has_value());
  CHECK(world.finished->events == 6);
  CHECK(world.finished->result.has_value());
}

TEST_CASE("a door that rests stops at once", "[door]") {
  World world;
  world.script.steps = {1};
  world.routes();
  world.pass(100ms);
  CHECK(world.live == 1);
  caf::anon_send(world.door, StopNode{});
  world.run();
  REQUIRE(world.finished.has_value());
  CHECK(world.finished->result.error().code == Errc::cancelled);
  CHECK(world.finished->events == 1);
}

TEST_CASE("where too many ids are remembered a door ends, or waits until there are fewer and says so once", "[door]") {
  World ends(4);
  ends.script.steps = {4, 4};
  ends.routes();
  ends.progress(0, 4);
  ends.pass(100ms);
  REQUIRE(ends.finished.has_value());
  CHECK(ends.finished->result.error().code == Errc::limit_reached);

  World waits(4, true);
  waits.script.steps = {4, 4};
  waits.routes();
  waits.progress(0, 4);
  waits.pass(5'000ms);
  CHECK_FALSE(waits.finished.has_value());
  CHECK(waits.live == 0);
  REQUIRE(waits.logbook.lines.size() == 1);
  CHECK(waits.logbook.lines[0].find("dedupe.ids_max is 4") != std::string::npos);
  waits.progress(0, 3);
  waits.pass(1'100ms);
  CHECK(waits.live == 4);  // which may be as many new ids: what becomes of them is awaited
  waits.progress(4, 3);    // none was
  waits.pass(100ms);
  CHECK(waits.live == 8);
}

TEST_CASE("at a limit of the node a door ends after a while, or waits for as long as it takes", "[door]") {
  World ends;
  ends.script.steps = {1, 1};
  ends.pressure.set(Pressure::full, "limits.memory_max", false);
  ends.routes();
  ends.pass(59'000ms);
  CHECK_FALSE(ends.finished.has_value());
  ends.pass(2'000ms);
  REQUIRE(ends.finished.has_value());
  CHECK(ends.finished->result.error().code == Errc::limit_reached);
  CHECK(ends.script.asked == 0);

  World waits(1'000'000, true);
  waits.script.steps = {1, 1, 1};
  waits.pressure.set(Pressure::full, "limits.memory_max", false);
  waits.routes();
  waits.pass(200'000ms);
  CHECK_FALSE(waits.finished.has_value());
  CHECK(waits.script.asked == 0);
  waits.pressure.set(Pressure::slow, "limits.memory_max", false);
  waits.pass(60ms);
  CHECK(waits.live == 1);
  waits.pressure.set(Pressure::none, "", false);
  waits.pass(100ms);
  CHECK(waits.live == 3);
}

TEST_CASE("a door whose appends are given up for good ends with the log's error; one that waits goes on trying", "[door]") {
  for (const bool waits : {false, true}) {
    World world(1'000'000, waits);
    world.script.steps = {2, -1};
    world.routes();
    for (int i = 0; i < 2'000 && !world.finished; ++i) {  // 20 s
      world.log->faults().fail_next_append();
      world.pass(10ms);
    }
    if (!waits) {
      REQUIRE(world.finished.has_value());
      CHECK(world.finished->result.error().code == Errc::io_failed);
      CHECK(world.finished->events == 0);
      CHECK(world.log->status(PartitionId{0}).ingest_durable == Offset{0});
      continue;
    }
    CHECK_FALSE(world.finished.has_value());
    world.pass(300ms);  // the log works again
    REQUIRE(world.finished.has_value());
    CHECK(world.finished->result.has_value());
    CHECK(world.log->status(PartitionId{0}).ingest_durable == Offset{2});
  }
}
