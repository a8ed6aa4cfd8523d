// A service of a plugin from its start to its end: what it is told, what it says, what it may ask.
#include <deque>

#include "actors/plugin/plugin_host.h"
#include "actors/plugin/service_actor.h"
#include "tests/component/services/services_world.h"
#include "tests/support/catch.h"

extern "C" const weir_plugin* weir_plugin_open(const weir_host* host, weir_message* why);

using namespace weir;
using namespace weir::test;
using namespace std::chrono_literals;

namespace {

std::shared_ptr<const PluginServiceKind> pulse_kind() {
  PluginMessage why;
  const weir_plugin* const plugin = weir_plugin_open(&plugin_host(), &why.raw);
  REQUIRE(plugin != nullptr);
  const auto kinds = read_kinds(*plugin, "services.cc", {});
  if (!kinds) FAIL(kinds.error().context);
  return *find_kind(kinds->services, "pulse");
}

/// Keys that are not the default.
ServiceConfig pulse(const std::map<std::string, std::string>& given) {
  ServiceConfig config{"pulse", "pulse", pulse_kind(), {}, {"node.yaml", 3, 5}};
  for (const PluginKey& key : config.kind->keys) config.values.push_back(given.contains(key.name) ? given.at(key.name) : key.fallback);
  return config;
}

class Desk final : public ServiceDesk {
 public:
  explicit Desk(Logbook& logbook) : logbook_(logbook) {}
  void log(LogLevel level, std::string_view who, std::string_view text) noexcept override { logbook_.write(level, who, text); }
  void rows(RowsQuestion question, ServiceAnswer answer) override {
    asked.push_back(question.service + " " + question.view + " " + question.parameters.at(0).first + "=" + question.parameters.at(0).second);
    if (hold) return held.push_back(std::move(answer));
    if (question.view == "none") return answer(404, "there is no view 'none'");
    answer(200, R"({"view":"total","rows":[{"a":[1],"next":2}],"next":null,"token":"t"})");
  }
  void put(PutQuestion question, ServiceAnswer answer) override {
    puts.push_back(question.events + " " + question.content_type);
    answer(202, R"({"accepted":1})");
  }
  bool hold = false;
  std::deque<ServiceAnswer> held;
  std::vector<std::string> asked, puts;

 private:
  Logbook& logbook_;
};

struct PulseWorld : ServicesWorld {
  std::shared_ptr<Desk> desk = std::make_shared<Desk>(lines);
  void start(const std::map<std::string, std::string>& given) {
    const ServicePlace place{"n1", "orders", desk, false};
    setup.services = {{"pulse", [config = pulse(given), place](caf::event_based_actor* supervisor, std::shared_ptr<ActorEntry> entry) {
                         return start_service(supervisor, config, place, std::move(entry));
                       }}};
    ServicesWorld::start();
  }
};

}  // namespace

TEST_CASE("a service knows where it is, and is seen in the tree and in the log", "[services]") {
  PulseWorld world;
  world.start({});
  CHECK(world.lines.lines == std::vector<std::string>{"info service/pulse: n1 orders pulse"});
  world.advance(60ms);
  const ActorReport report = world.report("services/pulse");
  CHECK(report.state == ActorState::running);
  CHECK(report.note == "tick 3");
  CHECK(report.queue == 3);
  CHECK(report.unit == "messages");
  world.stop();
  CHECK(world.ended == std::vector<std::vector<std::string>>{{}});
  CHECK(world.report("services/pulse").note == "");
}

TEST_CASE("what a service throws is its last error, and the next one begins from its configuration", "[services]") {
  PulseWorld world;
  world.start({{"crash_at", "2"}, {"every", "200000"}});
  world.advance(400ms);
  CHECK(world.report("services/pulse").last_error == "internal: thrown at tick 2");
  CHECK(world.report("services/pulse").note == "");
  CHECK(world.lines.count("warn service/pulse: internal: thrown at tick 2") == 1);
  world.advance(300ms);  // a pause of 50 to 100 ms, and one tick
  CHECK(world.report("services/pulse").restarts == 1);
  CHECK(world.report("services/pulse").note == "tick 1");
}

TEST_CASE("wherever it throws, and whatever it dies of, the supervisor hears of it", "[services]") {
  const std::vector<std::pair<std::string, std::string>> deaths = {{"not_made", "thrown while it is made"},
                                                                   {"no_behavior", "thrown before it begins"},
                                                                   {"strange", "a message it does not know"},
                                                                   {"linked", "an actor that it is linked with ended: "}};
  for (const auto& [what, text] : deaths) {
    INFO(what);
    PulseWorld world;
    world.start({{"do_what", what}});
    world.advance(30ms);
    CHECK(world.report("services/pulse").last_error.starts_with("internal: " + text));
    CHECK(world.report("services/pulse").state == ActorState::backing_off);
  }
}

TEST_CASE("a service reads rows and puts events without waiting, and hears what became of them", "[services]") {
  PulseWorld world;
  world.start({{"view", "total"}, {"put", "{}"}});
  world.advance(20ms);
  CHECK(world.desk->asked == std::vector<std::string>{"pulse total limit=10"});
  CHECK(world.desk->puts == std::vector<std::string>{"{} application/x-ndjson"});
  CHECK(world.lines.count("info service/pulse: 1 200 [{\"a\":[1],\"next\":2}]") == 1);
  CHECK(world.lines.count("info service/pulse: put 202 {\"accepted\":1}") == 1);
}

TEST_CASE("an answer that comes when whoever asked is dead is heard by nobody", "[services]") {
  PulseWorld world;
  world.start({{"view", "none"}, {"crash_at", "2"}, {"every", "200000"}});
  world.desk->hold = true;
  world.advance(200ms);
  REQUIRE(world.desk->held.size() == 1);
  world.advance(500ms);
  CHECK(world.report("services/pulse").restarts == 1);
  world.desk->held.front()(404, "there is no view 'none'");
  world.run();
  CHECK(world.lines.count("warn service/pulse: 1 404") == 0);
  REQUIRE(world.desk->held.size() == 2);
  world.desk->held.back()(404, "there is no view 'none'");
  world.run();
  CHECK(world.lines.count("warn service/pulse: 1 404 there is no view 'none'") == 1);
}

TEST_CASE("a service may finish what it has to when it is asked to end, and is killed if it does not", "[services]") {
  PulseWorld late;
  late.start({{"stop", "late"}});
  late.stop();
  CHECK(late.ended.empty());
  late.advance(20ms);
  CHECK(late.ended == std::vector<std::vector<std::string>>{{}});
  PulseWorld never;
  never.start({{"stop", "never"}});
  never.stop();
  never.advance(5s);
  CHECK(never.ended == std::vector<std::vector<std::string>>{{}});
  CHECK(never.lines.count("warn service/pulse: it did not end within 5 s") == 1);
}

TEST_CASE("a configuration that the kind refuses is refused with its place", "[services]") {
  CHECK(check_service(pulse({{"crash_at", "12"}})));
  CHECK(check_service(pulse({{"crash_at", "13"}})).error().context == "node.yaml:3:5: service \"pulse\": 13 brings bad luck; take 12 or 14");
}
