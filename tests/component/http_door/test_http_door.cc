// The HTTP door: who is answered what, and when.
#include "tests/component/http_door/door_world.h"

using namespace weir;
using namespace weir::test;

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
