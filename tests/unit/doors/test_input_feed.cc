#include "actors/doors/input_feed.h"

#include <algorithm>
#include <cstring>
#include <deque>
#include <functional>
#include <memory>
#include <string>
#include <vector>

#include "runtime/adapters/memory/memory_event_log.h"
#include "tests/support/catch.h"
#include "tests/unit/doors/instant_log.h"

namespace weir {
namespace {

/// Bytes in memory; may break off at their end.
class MemoryStream final : public InputStream {
 public:
  MemoryStream(std::string bytes, bool breaks) : bytes_(std::move(bytes)), breaks_(breaks) {}
  [[nodiscard]] Result<std::size_t> read(char* to, std::size_t size) override {
    const std::size_t count = std::min({size, bytes_.size() - at_, std::size_t{100}});
    if (count == 0 && breaks_) return fail(Errc::input_unreadable, "it broke off");
    std::memcpy(to, bytes_.data() + at_, count);
    at_ += count;
    return count;
  }
  [[nodiscard]] Result<void> skip_to(std::uint64_t place) override {
    if (place > bytes_.size()) return fail(Errc::input_unreadable, "it ends before {}", place);
    at_ = static_cast<std::size_t>(place);
    return {};
  }
  [[nodiscard]] std::uint64_t place() const override { return at_; }

 private:
  std::string bytes_;
  bool breaks_;
  std::size_t at_ = 0;
};

InputFeedConfig config_of(const std::string& bytes, bool breaks, std::optional<InputIdentity> identity) {
  InputFeedConfig config;
  config.door.input = "in.ndjson";
  config.door.router.door = "file:in.ndjson";
  config.door.router.partitions = 1;
  config.door.router.batch_events_max = 10;
  config.open = [=]() -> Result<OpenedInput> {
    return OpenedInput{std::make_unique<MemoryStream>(bytes, breaks), identity};
  };
  return config;
}
std::string lines(int count) {
  std::string text;
  for (int i = 0; i < count; ++i) text += "{\"id\":" + std::to_string(i) + "}\n";
  return text;
}

TEST_CASE("a feed gives all groups of its input with positions, then nothing", "[input_feed]") {
  InstantLog log;
  const InputIdentity identity{1, {2, 3}};
  const auto open = make_input_feed(config_of(lines(25), false, identity));
  auto feed = open(log.log()).value();
  CHECK(feed->name() == "file:in.ndjson");
  std::vector<std::uint64_t> events;
  while (auto group = feed->next(5).value()) {
    events.push_back(group->events);
    REQUIRE(group->group.positions.size() == 1);
    CHECK(group->group.positions[0].source == source_name(identity, 1));
    log.append(std::move(group->group));
    if (events.size() == 2) break;
  }
  CHECK(events == std::vector<std::uint64_t>{10, 10});
  // The door dies; the next feed goes on behind what is durable.
  feed = open(log.log()).value();
  auto group = feed->next(6).value();
  REQUIRE(group.has_value());
  CHECK(group->events == 5);
  CHECK(IngestBatch::decode(group->group.batches.at(0).bytes).value().event(0).line == 21);
  CHECK_FALSE(feed->next(6).value().has_value());
  CHECK_FALSE(feed->next(6).value().has_value());
}

TEST_CASE("a feed over a broken input gives what was whole, then the error", "[input_feed]") {
  InstantLog log;
  auto feed = make_input_feed(config_of(lines(12) + "{\"id\":", true, InputIdentity{1, {}}))(log.log()).value();
  CHECK(feed->next(0).value()->events == 10);
  CHECK(feed->next(0).value()->events == 2);
  CHECK(feed->next(0).error().context == "it broke off");
  CHECK(feed->next(0).error().context == "it broke off");
}

TEST_CASE("an input that is shorter than its position is refused", "[input_feed]") {
  InstantLog log;
  const InputIdentity identity{1, {}};
  log.append_position(source_name(identity, 1), "1 lines 5000 10 0");
  auto feed = make_input_feed(config_of(lines(12), false, identity))(log.log()).value();
  CHECK(feed->next(0).error().context == "it ends before 5000");
}

TEST_CASE("the second input of a run with the same content has a position of its own", "[input_feed]") {
  InstantLog log;
  const InputIdentity identity{1, {}};
  log.append(finished_mark(source_name(identity, 1)));
  InputFeedConfig config = config_of(lines(3), false, identity);
  config.occurrence = 2;
  auto feed = make_input_feed(config)(log.log()).value();
  const auto group = feed->next(0).value();
  REQUIRE(group.has_value());
  CHECK(group->group.positions.at(0).source == source_name(identity, 2));
}

TEST_CASE("stdin is opened once", "[input_feed]") {
  InstantLog log;
  const auto open = make_input_feed(config_of(lines(3), false, std::nullopt));
  auto feed = open(log.log()).value();
  CHECK(feed->next(0).value()->group.positions.empty());
  const auto again = open(log.log());
  REQUIRE_FALSE(again.has_value());
  CHECK(again.error().code == Errc::input_unreadable);
}

}  // namespace
}  // namespace weir
