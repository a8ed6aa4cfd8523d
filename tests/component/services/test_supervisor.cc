// Who starts, ends and replaces services: nothing of what becomes of them goes further than their supervisor.
#include "tests/component/services/services_world.h"
#include "tests/support/catch.h"

using namespace weir;
using namespace weir::test;
using namespace std::chrono_literals;

namespace {

/// How a service of these tests takes being asked to end.
enum class AtStop { quits, ignores };

/// A service that does what it is told; the last actor of each is in `lives`.
struct Fakes {
  std::vector<caf::actor> lives;
  std::uint64_t started = 0;
  bool dies_at_once = false;

  NodeService service(std::string name, AtStop at_stop = AtStop::quits) {
    return {name, [this, name, at_stop](caf::event_based_actor* supervisor, const std::shared_ptr<ActorEntry>& entry) -> Result<caf::actor> {
              ++started;
              entry->note("life " + std::to_string(started));
              lives.push_back(supervisor->spawn<Listener, caf::monitored>(Listener::Begin([this, name, at_stop](caf::event_based_actor* self) {
                self->set_exit_handler([at_stop, self](caf::scheduled_actor*, caf::exit_msg& message) {
                  if (at_stop == AtStop::quits) self->quit(message.reason);
                });
                if (dies_at_once) self->quit(caf::sec::runtime_error);
                return caf::behavior{[self](bool crash) { crash ? self->quit(caf::sec::runtime_error) : self->quit(); }};
              })));
              return lives.back();
            }};
  }
  void crash() const { caf::anon_send(lives.back(), true); }
};

}  // namespace

TEST_CASE("a service that crashes is started again after pauses that grow", "[services]") {
  Fakes fakes;
  ServicesWorld world;
  world.setup.services = {fakes.service("alarm")};
  world.start();
  CHECK(world.report("services").state == ActorState::running);
  CHECK(world.report("services/alarm").state == ActorState::running);
  std::uint64_t restarts = 0;
  for (const auto backoff : {100ms, 200ms, 400ms}) {
    fakes.crash();
    world.run();
    CHECK(world.report("services/alarm").state == ActorState::backing_off);
    CHECK(world.report("services/alarm").last_error == "internal: it was killed");
    CHECK(world.report("services/alarm").note == "");
    world.advance(backoff / 2 - 1ms);  // chance takes half of the pause off at most
    CHECK(world.report("services/alarm").restarts == restarts);
    world.advance(backoff / 2 + 2ms);
    CHECK(world.report("services/alarm").restarts == ++restarts);
    CHECK(world.report("services/alarm").state == ActorState::running);
  }
  CHECK(fakes.started == 4);
  CHECK(world.ended.empty());
}

TEST_CASE("a service that crashes too often is named, and tried again every window", "[services]") {
  Fakes fakes;
  fakes.dies_at_once = true;
  ServicesWorld world;
  world.setup.services = {fakes.service("alarm")};
  world.start();
  world.advance(1s);
  CHECK(fakes.started == 4);
  CHECK(world.report("services/alarm").state == ActorState::failing);
  CHECK(world.report("services").state == ActorState::running);
  CHECK(world.lines.count("error service/alarm: it keeps dying and is tried again every 10 s, the last time of: internal: it was killed; the node goes on") == 1);
  world.advance(8s);
  CHECK(fakes.started == 4);
  fakes.dies_at_once = false;
  world.advance(2s);
  CHECK(fakes.started == 5);
  CHECK(world.report("services/alarm").state == ActorState::running);
  CHECK(world.report("services/alarm").restarts == 4);
}

TEST_CASE("a service that lives for a window between its crashes is never given up", "[services]") {
  Fakes fakes;
  ServicesWorld world;
  world.setup.services = {fakes.service("alarm")};
  world.start();
  for (int i = 0; i < 20; ++i) {
    world.advance(11s);
    fakes.crash();
    world.run();
    CHECK(world.report("services/alarm").state == ActorState::backing_off);
  }
  CHECK(world.lines.count("error") == 0);
}

TEST_CASE("the others go on while one is dead", "[services]") {
  Fakes good, bad;
  bad.dies_at_once = true;
  ServicesWorld world;
  world.setup.services = {good.service("good"), bad.service("bad")};
  world.start();
  world.advance(60s);
  CHECK(world.report("services/good").state == ActorState::running);
  CHECK(good.started == 1);
  CHECK(world.report("services/bad").state == ActorState::failing);
}

TEST_CASE("a service that cannot be made counts as one that crashed, with what was thrown", "[services]") {
  ServicesWorld world;
  int asked = 0;
  world.setup.services = {{"alarm", [&asked](caf::event_based_actor*, const std::shared_ptr<ActorEntry>&) -> Result<caf::actor> {
                             ++asked;
                             return fail(Errc::internal, "no such view");
                           }}};
  world.start();
  CHECK(world.report("services/alarm").last_error == "internal: no such view");
  world.advance(1s);
  CHECK(asked == 4);
  CHECK(world.lines.count("warn service/alarm: internal: no such view") == 4);
  CHECK(world.report("services/alarm").state == ActorState::failing);
}

TEST_CASE("a service that ends by itself has come to its end", "[services]") {
  Fakes fakes;
  ServicesWorld world;
  world.setup.services = {fakes.service("alarm")};
  world.start();
  caf::anon_send(fakes.lives.back(), false);
  world.advance(60s);
  CHECK(fakes.started == 1);
  CHECK(world.report("services/alarm").state == ActorState::stopped);
  world.stop();
  CHECK(world.ended == std::vector<std::vector<std::string>>{{}});
}

TEST_CASE("a stop asks all services to end, and is over when the last one has", "[services]") {
  Fakes fakes;
  ServicesWorld world;
  world.setup.services = {fakes.service("a"), fakes.service("b")};
  world.start();
  world.stop();
  CHECK(world.ended == std::vector<std::vector<std::string>>{{}});
  CHECK(world.report("services/a").state == ActorState::stopped);
  CHECK(world.report("services").state == ActorState::stopped);
  CHECK(world.report("services/b").restarts == 0);
}

TEST_CASE("a service that does not end is killed when its time is over", "[services]") {
  Fakes fakes;
  ServicesWorld world;
  world.setup.services = {fakes.service("good"), fakes.service("deaf", AtStop::ignores)};
  world.start();
  world.stop();
  world.advance(4'999ms);
  CHECK(world.ended.empty());
  world.advance(1ms);
  CHECK(world.ended == std::vector<std::vector<std::string>>{{}});
  CHECK(world.lines.count("warn service/deaf: it did not end within 5 s, and is killed") == 1);
  CHECK(world.lines.count("warn service/good") == 0);
}

TEST_CASE("a service that cannot even be killed is given up by its name", "[services]") {
  // Goal: an endless loop does not hold the node. Method: one that nobody monitors, so that nobody hears of its end.
  ServicesWorld world;
  world.setup.services = {{"stuck", [](caf::event_based_actor* supervisor, const std::shared_ptr<ActorEntry>&) -> Result<caf::actor> {
                             return supervisor->spawn<Listener>(Listener::Begin([](caf::event_based_actor*) { return caf::behavior{[](bool) {}}; }));
                           }}};
  world.start();
  world.stop();
  world.advance(5'999ms);
  CHECK(world.ended.empty());
  world.advance(1ms);
  CHECK(world.ended == std::vector<std::vector<std::string>>{{"service/stuck"}});
  CHECK(world.lines.count("error service/stuck: it is inside a call that does not return; the node ends without it") == 1);
}

TEST_CASE("nothing is started again behind a stop", "[services]") {
  Fakes fakes;
  ServicesWorld world;
  world.setup.services = {fakes.service("alarm"), fakes.service("deaf", AtStop::ignores)};
  world.start();
  caf::anon_send(fakes.lives.front(), true);
  world.run();
  CHECK(world.report("services/alarm").state == ActorState::backing_off);
  world.stop();
  world.advance(60s);
  CHECK(fakes.started == 2);
  CHECK(world.report("services/alarm").state == ActorState::stopped);
  CHECK(world.ended.size() == 1);
}
