// A source as a door appends it: groups with positions, pauses, ends, and what becomes durable.
#include "actors/doors/source_feed.h"

#include <deque>
#include <stdexcept>

#include "tests/support/catch.h"
#include "tests/unit/doors/instant_log.h"

namespace weir {
namespace {

/// What the sources of one test do and were told.
struct Script {
  std::deque<PolledRecords> polls;
  std::vector<std::string> opened, durable;
};
class ScriptSource final : public RecordSource {
 public:
  explicit ScriptSource(Script& script) : script_(script) {}
  void open(const std::string& position) override { script_.opened.push_back(position); }
  [[nodiscard]] PolledRecords poll() override {
    if (script_.polls.empty()) throw std::runtime_error("asked too often");
    PolledRecords next = std::move(script_.polls.front());
    script_.polls.pop_front();
    return next;
  }
  void durable(const std::string& position) override { script_.durable.push_back(position); }

 private:
  Script& script_;
};
class Lines final : public Logbook {
 public:
  void write(LogLevel level, std::string_view who, std::string_view text) noexcept override {
    lines.push_back((level == LogLevel::warn ? "warn " : "info ") + std::string(who) + ": " + std::string(text));
  }
  std::vector<std::string> lines;
};

PolledRecords poll_of(int count, int first, std::chrono::milliseconds pause = {}) {
  PolledRecords polled;
  for (int i = first; i < first + count; ++i) polled.records.push_back({"{\"id\":" + std::to_string(i) + "}", std::to_string(i)});
  polled.pause = pause;
  return polled;
}
SourceFeedConfig config_of(Script& script, Logbook& logbook) {
  SourceFeedConfig config;
  config.source = source_of_input("orders", "tape");
  config.router.partitions = 1;
  config.router.door = "tape:orders";
  config.router.batch_events_max = 10;
  config.event_bytes_max = 100;
  config.make = [&script] { return std::make_unique<ScriptSource>(script); };
  config.logbook = &logbook;
  return config;
}

TEST_CASE("records leave in groups, each with the position of its last one, and a new feed goes on behind what is durable", "[source_feed]") {
  InstantLog log;
  Script script;
  Lines logbook;
  script.polls = {poll_of(25, 1)};
  const auto open = make_source_feed(config_of(script, logbook));
  auto feed = open(log.log()).value();
  CHECK(feed->name() == "tape:orders");
  std::vector<std::string> positions;
  for (int i = 0; i < 2; ++i) {
    auto group = feed->next(5).value();
    REQUIRE(group.has_value());
    CHECK(group->events == 10);
    REQUIRE(group->group.positions.size() == 1);
    CHECK(group->group.positions[0].source == "source:orders:tape");
    positions.push_back(group->group.positions[0].position);
    const AppendGroup copy = group->group;
    log.append(std::move(group->group));
    feed->durable(copy);
  }
  CHECK(positions == std::vector<std::string>{"10", "20"});
  CHECK(script.durable == positions);
  // The door dies with five records that nobody has.
  feed = open(log.log()).value();
  CHECK(script.opened == std::vector<std::string>{"", "20"});
}

TEST_CASE("a group says the last position that its records have, or none", "[source_feed]") {
  InstantLog log;
  Script script;
  Lines logbook;
  PolledRecords polled = poll_of(14, 1);
  for (std::size_t i = 7; i < 14; ++i) polled.records[i].position.reset();
  script.polls = {polled};
  auto feed = make_source_feed(config_of(script, logbook))(log.log()).value();
  CHECK(feed->next(5).value()->group.positions.at(0).position == "7");
  CHECK(feed->next(5).value()->group.positions.empty());
}

TEST_CASE("a source rests as long as it says, is never asked at once without end, and ends", "[source_feed]") {
  using std::chrono::milliseconds;
  InstantLog log;
  Script script;
  Lines logbook;
  PolledRecords ended;
  ended.ended = true;
  script.polls = {poll_of(1, 1, milliseconds(70)), poll_of(0, 0), poll_of(0, 0, std::chrono::hours(7)), poll_of(1, 2), ended};
  auto feed = make_source_feed(config_of(script, logbook))(log.log()).value();
  CHECK(feed->next(5).value()->events == 1);
  CHECK(feed->next(5).value()->ask_again == milliseconds(70));
  CHECK(feed->next(5).value()->ask_again == milliseconds(1));  // nothing, and asks for more
  CHECK(feed->next(5).value()->ask_again == std::chrono::hours(1));
  CHECK(feed->next(5).value()->events == 1);
  CHECK_FALSE(feed->next(5).value().has_value());
  CHECK_FALSE(feed->next(5).value().has_value());
}

TEST_CASE("that a source is unreachable is told once, and that it goes on", "[source_feed]") {
  InstantLog log;
  Script script;
  Lines logbook;
  PolledRecords failed;
  failed.failed = "nobody is there";
  script.polls = {failed, failed, poll_of(1, 1), failed};
  auto feed = make_source_feed(config_of(script, logbook))(log.log()).value();
  CHECK(feed->next(5).value()->ask_again == std::chrono::seconds(1));
  CHECK(feed->next(5).value()->ask_again == std::chrono::seconds(1));
  CHECK(feed->next(5).value()->events == 1);
  CHECK(logbook.lines == std::vector<std::string>{"warn door/tape:orders: it cannot be asked, and is asked again: nobody is there", "info door/tape:orders: it goes on"});
}

TEST_CASE("a record that is too long is marked, and what a source throws leaves the feed", "[source_feed]") {
  InstantLog log;
  Script script;
  Lines logbook;
  PolledRecords polled;
  polled.records.push_back({std::string(101, 'x'), "1"});
  script.polls = {polled};
  auto feed = make_source_feed(config_of(script, logbook))(log.log()).value();
  const auto group = feed->next(5).value();
  const auto batch = IngestBatch::decode(group->group.batches.at(0).bytes).value();
  CHECK((batch.event(0).flags & frame_flag::oversize) != 0);
  CHECK_THROWS_WITH(feed->next(5), "asked too often");
}

}  // namespace
}  // namespace weir
