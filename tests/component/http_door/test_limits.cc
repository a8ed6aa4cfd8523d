// The HTTP door at its limits: what waits, what is refused, and what it holds meanwhile.
#include "tests/component/http_door/door_world.h"

using namespace weir;
using namespace weir::test;

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

TEST_CASE("a request that waits for room keeps its body, which is what the server's limit counts, until the log has it",
          "[http_door]") {
  World world(20'000);
  world.log->faults().set_held(true);
  std::vector<std::weak_ptr<const void>> bodies;
  std::vector<std::shared_ptr<Answer>> answers;
  for (int i = 0; i < 4; ++i) {
    answers.push_back(std::make_shared<Answer>());
    HttpRequest request;
    request.method = "POST";
    request.headers.emplace_back("content-type", "application/x-ndjson");
    const auto text = std::make_shared<std::string>(lines(200 * i, 200 * i + 200) + std::string(kBlockPadding, '\n'));
    request.body = SharedBytes{*text, text};
    bodies.push_back(text);
    caf::anon_send(world.door, HttpIngest{std::move(request), sure_reply([answer = answers.back()](HttpResponse response) {
                                            answer->response = std::move(response);
                                          })});
  }
  world.run();
  std::uint64_t reserved = 0;
  for (std::uint32_t p = 0; p < kPartitions; ++p) reserved += world.log->status(PartitionId{p}).ingest_reserved.value;
  REQUIRE(reserved < 800);
  for (std::size_t i = 0; i < bodies.size(); ++i) {
    INFO(i);
    CHECK(bodies[i].expired() == (200 * (i + 1) <= reserved));
  }
  world.log->faults().set_held(false);
  for (int i = 0; i < 10; ++i) world.pass(std::chrono::milliseconds(20));
  for (const auto& answer : answers) CHECK(answer->status() == 202);
  for (const auto& body : bodies) CHECK(body.expired());
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
