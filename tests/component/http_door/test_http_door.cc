// The HTTP door alone, on CAF's testing coordinator over the memory log: who is answered what, and when.
#include <caf/actor_system.hpp>
#include <caf/actor_system_config.hpp>
#include <caf/atom.hpp>
#include <caf/scheduler/test_coordinator.hpp>
#include <caf/send.hpp>

#include <array>
#include <nlohmann/json.hpp>
#include <optional>

#include "actors/doors/http_door_actor.h"
#include "runtime/adapters/memory/memory_event_log.h"
#include "runtime/engine/read_token.h"
#include "tests/support/catch.h"

using namespace weir;

namespace {

class HandClock final : public Clock {
 public:
  [[nodiscard]] TimePoint now() const override { return now_; }
  [[nodiscard]] UnixMicros wall() const override {
    return 1'700'000'000'000'000 + std::chrono::duration_cast<std::chrono::microseconds>(now_).count();
  }
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

class NoLogbook final : public Logbook {
 public:
  void write(LogLevel, std::string_view, std::string_view) noexcept override {}
};

class Listener : public caf::event_based_actor {
 public:
  using Begin = std::function<caf::behavior(caf::event_based_actor*)>;
  Listener(caf::actor_config& settings, Begin begin) : caf::event_based_actor(settings), begin_(std::move(begin)) {}
  caf::behavior make_behavior() override { return begin_(this); }

 private:
  Begin begin_;
};

/// What a client was told; none: not yet.
struct Answer {
  std::optional<HttpResponse> response;
  [[nodiscard]] int status() const { return response ? response->status : 0; }
  [[nodiscard]] nlohmann::json json() const { return nlohmann::json::parse(response.value().body); }
  [[nodiscard]] std::string detail() const { return json().at("detail"); }
};

constexpr std::uint32_t kPartitions = 2;

struct World {
  explicit World(std::uint64_t outstanding_bytes_max = std::uint64_t{256} << 20) {
    config.set("scheduler.policy", caf::atom("testing"));
    system.emplace(config);
    coordinator = dynamic_cast<caf::scheduler::test_coordinator*>(&system->scheduler());
    log = open_memory_log(disk, [this](std::function<void()> task) { tasks.push_back(std::move(task)); },
                          {outstanding_bytes_max});
    for (std::uint32_t p = 0; p < kPartitions; ++p) {
      partitions.push_back(system->spawn<Listener>([this, p](caf::event_based_actor*) {
        return caf::behavior{[this](const LiveBatch& batch) { live += batch.batch.count(); },
                             [this, p](const IngestDurable&) {
                               ++durable;
                               told[p] = log->status(PartitionId{p}).ingest_durable;
                             }};
      }));
    }
    supervisor = system->spawn<Listener>([this](caf::event_based_actor* self) {
      self->set_down_handler([this](caf::down_msg&) { ++deaths; });
      HttpDoorSetup setup;
      setup.log = log.get();
      setup.clock = &clock;
      setup.logbook = &logbook;
      setup.body.door.input = "the body";
      setup.body.door.router.partitions = kPartitions;
      setup.body.door.router.door = "http";
      setup.body.id.digest = false;
      setup.body.id.fields = {FieldPath{{"id"}, "id"}};
      setup.ids_max = 1'000;
      setup.live_events_max = 100;
      setup.pressure = &pressure;
      door = spawn_http_door(self, setup);
      return caf::behavior{[this](const DoorFinished& fact) { finished = fact.events; }, [](const ActorFailed&) {}};
    });
    run();
    Routes routes;
    routes.partitions = partitions;
    routes.views.resize(kPartitions);
    routes.quarantined.resize(kPartitions, false);
    routes.errors.resize(kPartitions);
    caf::anon_send(door, routes);
    run();
    durable = 0;
  }
  ~World() {
    for (const caf::actor& actor : partitions) caf::anon_send_exit(actor, caf::exit_reason::kill);
    for (const caf::actor& actor : {door, supervisor}) caf::anon_send_exit(actor, caf::exit_reason::kill);
    run();
    coordinator->clock().cancel_all();
    partitions.clear();
    door = supervisor = nullptr;
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
  /// One step of the log at a time, and what follows from it before the next one.
  void run_by_steps() {
    coordinator->run();
    while (!tasks.empty()) {
      const auto task = std::move(tasks.front());
      tasks.erase(tasks.begin());
      task();
      coordinator->run();
    }
  }
  /// Actors alone: the log does nothing.
  void run_actors() { coordinator->run(); }
  void pass(std::chrono::milliseconds time) {
    clock.advance(time);
    coordinator->advance_time(time);
    run();
  }

  std::shared_ptr<Answer> post(const std::string& lines, std::vector<std::pair<std::string, std::string>> query = {}) {
    auto answer = std::make_shared<Answer>();
    HttpRequest request;
    request.method = "POST";
    request.query = std::move(query);
    request.headers.emplace_back("content-type", "application/x-ndjson");
    request.body = SharedBytes::copy_of(lines);
    caf::anon_send(door, HttpIngest{std::move(request), sure_reply([answer](HttpResponse response) {
                                      CHECK_FALSE(answer->response.has_value());
                                      answer->response = std::move(response);
                                    })});
    return answer;
  }
  void commit_everything(Outcome outcome, bool tell = true) {
    for (std::uint32_t p = 0; p < kPartitions; ++p) {
      const PartitionId partition{p};
      log->fence({partition}, [](const Result<std::vector<PartitionPosition>>&) {});
      run();
      const PartitionStatus status = log->status(partition);
      const Offset from = status.position.committed;
      if (status.ingest_durable == from) continue;
      OutcomeBatchBuilder builder(from);
      for (Offset at = from; at < status.ingest_durable; at = at + 1) builder.add({"x", {}, 0}, outcome);
      CommitBody body;
      body.batches.push_back(builder.finish());
      CommitGroup group;
      group.parts.push_back({partition, status.position.epoch, next(status.position.sequence), from,
                             status.ingest_durable, body.encode()});
      log->commit(std::move(group),
                  [](const CommitOutcome& done) { CHECK(done.kind == CommitOutcome::Kind::committed); });
      run();
      if (!tell) continue;
      PartitionProgress progress;
      progress.partition = partition;
      progress.committed = log->status(partition).position.committed;
      progress.sequence = log->status(partition).position.sequence;
      caf::anon_send(door, progress);
      run();
    }
  }

  CountingRng rng;
  HandClock clock;
  NoLogbook logbook;
  DoorPressure pressure;
  std::uint64_t live = 0;
  int durable = 0;
  std::array<Offset, kPartitions> told{};  // what was durable when a partition was told last
  int deaths = 0;
  std::optional<std::uint64_t> finished;
  std::vector<std::function<void()>> tasks;
  std::shared_ptr<MemoryDisk> disk = std::make_shared<MemoryDisk>(kPartitions, rng);
  std::unique_ptr<MemoryEventLog> log;
  caf::actor_system_config config;
  std::optional<caf::actor_system> system;
  caf::scheduler::test_coordinator* coordinator = nullptr;
  std::vector<caf::actor> partitions;
  caf::actor supervisor;
  caf::actor door;
};

std::string lines(int from, int to) {
  std::string text;
  for (int i = from; i < to; ++i) text += "{\"id\":\"e" + std::to_string(i) + "\"}\n";
  return text;
}

}  // namespace

TEST_CASE("a request is answered when its events are durable, not before, with a token that names their ends",
          "[http_door]") {
  World world;
  world.log->faults().set_held(true);
  const auto answer = world.post(lines(0, 10));
  world.run();
  CHECK(answer->status() == 0);
  CHECK(world.live == 10);  // processed ahead all the same
  world.log->faults().set_held(false);
  world.run();
  REQUIRE(answer->status() == 202);
  CHECK(answer->json().at("accepted") == 10);
  CHECK(answer->json().at("durability") == "durable");
  const auto token = ReadToken::decode(answer->json().at("token").get<std::string>()).value();
  CHECK(token.log_id() == world.log->log_id());
  std::uint64_t events = 0;
  for (const ReadToken::Part& part : token.parts()) {
    CHECK(part.offset == world.log->status(part.partition).ingest_durable);
    events += part.offset.value;
  }
  CHECK(events == 10);
  CHECK(world.durable >= 1);
}

TEST_CASE("an append that is given up is answered 503, nothing of it is there, and the next one is taken",
          "[http_door]") {
  World world;
  world.log->faults().fail_next_append();
  const auto lost = world.post(lines(0, 10));
  world.run();
  CHECK(lost->status() == 503);
  CHECK(lost->detail().starts_with("nothing was accepted"));
  CHECK(world.log->status(PartitionId{0}).ingest_durable == Offset{0});
  CHECK(world.log->status(PartitionId{1}).ingest_durable == Offset{0});
  const auto next = world.post(lines(0, 10));
  world.run();
  CHECK(next->status() == 202);
}

TEST_CASE("a full disk is 507, and over when there is space again", "[http_door]") {
  World world;
  world.log->faults().set_disk_full(true);
  const auto refused = world.post(lines(0, 3));
  world.run();
  CHECK(refused->status() == 507);
  world.log->faults().set_disk_full(false);
  const auto taken = world.post(lines(0, 3));
  world.run();
  CHECK(taken->status() == 202);
}

TEST_CASE("what the log has no room for waits, in order, and is told 429 when it waited too long", "[http_door]") {
  World world(4'096);
  world.log->faults().set_held(true);
  std::vector<std::shared_ptr<Answer>> answers;
  for (int i = 0; i < 5; ++i) answers.push_back(world.post(lines(100 * i, 100 * i + 20)));
  world.run();
  for (const auto& answer : answers) CHECK(answer->status() == 0);
  world.log->faults().set_held(false);
  world.run();
  for (int i = 0; i < 10; ++i) world.pass(std::chrono::milliseconds(20));
  for (const auto& answer : answers) CHECK(answer->status() == 202);

  world.log->faults().set_held(true);
  answers.clear();
  for (int i = 0; i < 5; ++i) answers.push_back(world.post(lines(100 * i, 100 * i + 20)));
  world.run();
  world.pass(std::chrono::milliseconds(5'001));
  int busy = 0;
  for (const auto& answer : answers) {
    if (answer->status() == 0) continue;
    CHECK(answer->status() == 429);
    CHECK(answer->response->headers == std::vector<std::pair<std::string, std::string>>{{"Retry-After", "1"}});
    ++busy;
  }
  CHECK(busy >= 1);
  world.log->faults().set_held(false);
  world.run();
  for (int i = 0; i < 10; ++i) world.pass(std::chrono::milliseconds(20));
  for (const auto& answer : answers) CHECK(answer->status() != 0);
}

TEST_CASE("a partition that does not keep up gets no more live batches than its credit; what is accepted is in the log",
          "[http_door]") {
  World world;
  for (int i = 0; i < 30; ++i) {
    const auto answer = world.post(lines(100 * i, 100 * i + 20));
    world.run();
    CHECK(answer->status() == 202);
  }
  CHECK(world.live < 150);
  CHECK(world.log->status(PartitionId{0}).ingest_durable.value +
            world.log->status(PartitionId{1}).ingest_durable.value ==
        600);
  world.commit_everything(Outcome::served);
  const std::uint64_t before = world.live;
  const auto answer = world.post(lines(9'000, 9'010));
  world.run();
  CHECK(answer->status() == 202);
  CHECK(world.live == before + 10);
}

TEST_CASE("with wait the answer says what became of every event", "[http_door]") {
  World world;
  const auto earlier = world.post(lines(0, 7));
  world.run();
  const auto answer = world.post(lines(100, 110), {{"wait", "5s"}});
  world.run();
  CHECK(earlier->status() == 202);
  CHECK(answer->status() == 0);
  world.commit_everything(Outcome::filtered);
  REQUIRE(answer->status() == 202);
  CHECK(answer->json().at("outcomes") == nlohmann::json{{"filtered", 10}});
  const auto token = ReadToken::decode(answer->json().at("token").get<std::string>()).value();
  for (const ReadToken::Part& part : token.parts()) CHECK(part.sequence.value >= 1);
}

TEST_CASE("a wait that is over answers with what is known: the rest is in flight", "[http_door]") {
  World world;
  const auto answer = world.post(lines(0, 10), {{"wait", "2s"}});
  world.run();
  world.pass(std::chrono::milliseconds(1'999));
  CHECK(answer->status() == 0);
  world.pass(std::chrono::milliseconds(1));
  REQUIRE(answer->status() == 202);
  CHECK(answer->json().at("accepted") == 10);
  CHECK(answer->json().at("outcomes") == nlohmann::json{{"in_flight", 10}});
}

TEST_CASE("buffered durability is given when asked for, and said", "[http_door]") {
  World world;
  const auto answer = world.post(lines(0, 1), {{"durability", "buffered"}});
  world.run();
  CHECK(answer->json().at("durability") == "buffered");
}

TEST_CASE("partitions are told when what was answered as buffered has become durable", "[http_door]") {
  World world;
  const auto answer = world.post(lines(0, 10), {{"durability", "buffered"}});
  world.run_by_steps();
  CHECK(answer->status() == 202);
  std::uint64_t events = 0;
  for (std::uint32_t p = 0; p < kPartitions; ++p) {
    CHECK(world.told[p] == world.log->status(PartitionId{p}).ingest_durable);
    events += world.told[p].value;
  }
  CHECK(events == 10);
}

TEST_CASE("parameters are read strictly", "[http_door]") {
  World world;
  for (const auto& [name, value] : std::vector<std::pair<std::string, std::string>>{
           {"durability", "maybe"}, {"wait", "5"}, {"wait", "2h"}, {"weight", "1s"}}) {
    INFO(name << "=" << value);
    const auto answer = world.post(lines(0, 1), {{name, value}});
    world.run();
    CHECK(answer->status() == 400);
    CHECK(answer->detail().find(name) != std::string::npos);
  }
  const auto twice = world.post(lines(0, 1), {{"durability", "durable"}, {"durability", "buffered"}});
  world.run();
  CHECK(twice->status() == 400);
  CHECK(twice->detail() == "the parameter 'durability' comes twice");
  CHECK(world.log->status(PartitionId{0}).ingest_reserved.value +
            world.log->status(PartitionId{1}).ingest_reserved.value ==
        0);
}

TEST_CASE("at ids_max nothing more is taken, and the answer names the key", "[http_door]") {
  World world;
  PartitionProgress progress;
  progress.ids = 1'000;
  caf::anon_send(world.door, progress);
  const auto answer = world.post(lines(0, 1));
  world.run();
  CHECK(answer->status() == 429);
  CHECK(answer->detail().find("dedupe.ids_max is 1000") != std::string::npos);
}

TEST_CASE("what is decided and not told, and what waits for room, count against ids_max; what nobody decides does not",
          "[http_door]") {
  const auto take = [](World& world, int from, int to) {
    const auto answer = world.post(lines(from, to));
    world.run();
    return answer->status();
  };
  World world;
  for (std::uint32_t p = 0; p < kPartitions; ++p) {
    PartitionProgress progress;
    progress.partition = PartitionId{p};
    caf::anon_send(world.door, progress);
  }
  REQUIRE(take(world, 0, 1'000) == 202);
  world.commit_everything(Outcome::served, false);  // as many ids, of which the door has not heard
  CHECK(take(world, 1'000, 1'001) == 429);
  Routes routes;
  routes.partitions = world.partitions;
  routes.quarantined = {false, true};
  caf::anon_send(world.door, routes);
  CHECK(take(world, 1'000, 1'001) == 202);

  World full(20'000);
  full.log->faults().set_held(true);
  std::vector<std::shared_ptr<Answer>> answers;
  for (int i = 0; i < 5; ++i) answers.push_back(full.post(lines(300 * i, 300 * i + 300)));
  full.run();
  std::uint64_t reserved = 0;
  for (std::uint32_t p = 0; p < kPartitions; ++p) reserved += full.log->status(PartitionId{p}).ingest_reserved.value;
  CHECK(reserved < 1'000);  // the others wait for room
  for (std::size_t i = 0; i < answers.size(); ++i) CHECK(answers[i]->status() == (i < 4 ? 0 : 429));
}

TEST_CASE("near a limit every request waits a while, at the limit none is taken, and both are over when the node is away from it",
          "[http_door]") {
  World world;
  world.pressure.set(Pressure::slow, "memory is short", false);
  const auto waits = world.post(lines(0, 1));
  world.run();
  world.pass(std::chrono::milliseconds(80));
  CHECK(waits->status() == 0);
  world.pass(std::chrono::milliseconds(40));
  CHECK(waits->status() == 202);
  world.pressure.set(Pressure::full, "limits.memory_max", false);
  const auto memory = world.post(lines(1, 2));
  world.run();
  CHECK(memory->status() == 429);
  CHECK(memory->detail() == "limits.memory_max");
  CHECK(memory->response->headers == std::vector<std::pair<std::string, std::string>>{{"Retry-After", "2"}});
  world.pressure.set(Pressure::full, "limits.disk_max", true);
  const auto disk = world.post(lines(1, 2));
  world.run();
  CHECK(disk->status() == 507);
  world.pressure.set(Pressure::none, "", false);
  const auto taken = world.post(lines(1, 2));
  world.run();
  CHECK(taken->status() == 202);
  CHECK(world.log->status(PartitionId{0}).ingest_durable.value + world.log->status(PartitionId{1}).ingest_durable.value == 2);
}

TEST_CASE("a stop answers what is durable, refuses what is not appended, and says what was accepted", "[http_door]") {
  World world(4'096);
  world.log->faults().set_held(true);
  std::vector<std::shared_ptr<Answer>> answers;
  for (int i = 0; i < 5; ++i) answers.push_back(world.post(lines(100 * i, 100 * i + 20)));
  world.run();
  caf::anon_send(world.door, StopNode{});
  world.run();
  const auto late = world.post(lines(0, 1));
  world.run();
  CHECK(late->status() == 503);
  CHECK_FALSE(world.finished.has_value());
  world.log->faults().set_held(false);
  world.run();
  std::uint64_t accepted = 0;
  for (const auto& answer : answers) {
    REQUIRE((answer->status() == 202 || answer->status() == 503));
    if (answer->status() == 202) accepted += 20;
  }
  CHECK(accepted >= 20);
  CHECK(world.finished == accepted);
}

TEST_CASE("a door that dies answers everybody", "[http_door]") {
  World world;
  world.log->faults().set_held(true);
  const auto waiting = world.post(lines(0, 10));
  world.run();
  caf::anon_send_exit(world.door, caf::exit_reason::kill);
  world.run();
  CHECK(world.deaths == 1);
  world.door = nullptr;
  world.run();
  CHECK(waiting->status() == 503);
}
