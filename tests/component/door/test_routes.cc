// The door actor alone, on CAF's testing coordinator: what it does while it does not know where the partitions are.
#include <optional>

#include "actors/doors/door_actor.h"
#include "tests/support/catch.h"
#include "tests/support/door_bench.h"

using namespace weir;
using namespace weir::test;

namespace {

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

struct World : DoorBench {
  World() : DoorBench(1) {
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
  ~World() { end({door, supervisor, std::exchange(partition, nullptr)}); }

  Heard heard;
  caf::actor partition;
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
