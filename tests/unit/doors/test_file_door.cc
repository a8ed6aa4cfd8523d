#include "actors/doors/file_door.h"

#include <cstring>
#include <random>
#include <string>
#include <vector>

#include "tests/support/catch.h"

namespace weir {
namespace {

/// What a log keeps of a door: events as "line raw", and the newest position. A group is durable whole or not at all.
struct Log {
  std::vector<std::string> events;
  std::optional<std::string> position;
  std::uint64_t groups = 0;
  void append(const AppendGroup& group) {
    ++groups;
    for (const auto& part : group.batches) {
      const auto batch = IngestBatch::decode(part.bytes).value();
      for (std::uint32_t i = 0; i < batch.count(); ++i)
        events.push_back(std::to_string(batch.event(i).line) + " " + std::string(batch.event(i).raw));
    }
    for (const auto& position_of : group.positions) position = position_of.position;
  }
};

FileDoorConfig config_of(Framing framing) {
  FileDoorConfig config;
  config.input = "in.txt";
  config.source = "file:17:00";
  config.framing.framing = framing;
  config.router.partitions = 1;  // one batch per group: order is the input's
  config.router.batch_events_max = 7;
  config.router.format = framing == Framing::csv ? FrameFormat::csv : FrameFormat::json;
  config.router.door = "file:in.txt";
  return config;
}

/// Runs a door over `input` until it is done, the log has taken `groups_max` groups, or `broken` bytes were read.
FileDoorStep run(FileDoor& door, std::string_view input, std::size_t read_size, Log& log,
                 std::uint64_t groups_max = ~std::uint64_t{0}) {
  std::size_t at = 0;
  for (;;) {
    const FileDoorStep step = door.step();
    switch (step) {
      case FileDoorStep::more: {
        if (at >= input.size()) {
          door.ended();
          break;
        }
        const auto space = door.space();
        const std::size_t count = std::min({space.size(), read_size, input.size() - at});
        std::memcpy(space.data(), input.data() + at, count);
        door.filled(count);
        at += count;
        break;
      }
      case FileDoorStep::jump:
        at = static_cast<std::size_t>(door.jump_to());
        break;
      case FileDoorStep::group: {
        const AppendGroup group = door.take(17);
        if (log.groups == groups_max) return step;  // killed before it was durable
        log.append(group);
        break;
      }
      case FileDoorStep::finished:
      case FileDoorStep::refused:
        return step;
    }
  }
}

struct Input {
  Framing framing;
  std::string bytes;
};
std::vector<Input> inputs() {
  std::string lines;
  std::string csv = "id,text\r\n";
  std::string json = "[";
  std::string geojson = "{\"type\":\"FeatureCollection\",\"features\":[";
  for (int i = 0; i < 60; ++i) {
    const std::string n = std::to_string(i);
    lines += "{\"id\":" + n + "}\n" + (i % 9 == 0 ? "\n" : "");
    csv += n + (i % 5 == 0 ? ",\"two\nlines\"\n" : ",plain\r\n");
    json += (i == 0 ? "" : " , ") + std::string("{\"id\":") + n + "}";
    geojson += (i == 0 ? "" : ",") + std::string("{\"id\":") + n + "}";
  }
  return {
      {Framing::lines, lines}, {Framing::csv, csv}, {Framing::json, json + "]"}, {Framing::geojson, geojson + "]}"}};
}

TEST_CASE("a door killed before any append goes on without losing or repeating an event", "[file_door]") {
  int kills = 0;
  for (const Input& input : inputs()) {
    Log whole;
    auto first = FileDoor::open(config_of(input.framing), std::nullopt).value();
    REQUIRE(run(first, input.bytes, 1'000, whole) == FileDoorStep::finished);
    REQUIRE(whole.events.size() == 60);
    CHECK(first.events() == 60);
    CHECK_FALSE(first.resumed());
    for (std::uint64_t killed_after = 0; killed_after < whole.groups; ++killed_after) {
      for (const std::size_t read_size : {std::size_t{13}, std::size_t{100'000}}) {
        Log log;
        auto door = FileDoor::open(config_of(input.framing), log.position).value();
        REQUIRE(run(door, input.bytes, read_size, log, killed_after) == FileDoorStep::group);
        REQUIRE(log.events.size() == killed_after * 7);
        auto again = FileDoor::open(config_of(input.framing), log.position).value();
        CHECK(again.resumed() == (killed_after != 0));
        REQUIRE(run(again, input.bytes, read_size, log) == FileDoorStep::finished);
        REQUIRE(log.events == whole.events);
        CHECK(again.events() == 60 - killed_after * 7);
        ++kills;
      }
    }
  }
  CHECK(kills == 4 * 9 * 2);
}

TEST_CASE("a finished input is read again from the start, one at its end but not finished is not", "[file_door]") {
  const Input input = inputs()[1];
  Log log;
  auto door = FileDoor::open(config_of(input.framing), std::nullopt).value();
  REQUIRE(run(door, input.bytes, 50, log) == FileDoorStep::finished);
  auto again = FileDoor::open(config_of(input.framing), log.position).value();
  REQUIRE(run(again, input.bytes, 50, log) == FileDoorStep::finished);
  CHECK(log.events.size() == 60);
  const AppendGroup mark = finished_mark("file:17:00");
  CHECK(mark.batches.empty());
  REQUIRE(mark.positions.size() == 1);
  CHECK(mark.positions[0].source == "file:17:00");
  log.append(mark);
  CHECK(log.position == "1 finished");
  auto anew = FileDoor::open(config_of(input.framing), log.position).value();
  CHECK_FALSE(anew.resumed());
  REQUIRE(run(anew, input.bytes, 50, log) == FileDoorStep::finished);
  CHECK(log.events.size() == 120);
}

TEST_CASE("an input that broke off keeps its whole frames", "[file_door]") {
  auto door = FileDoor::open(config_of(Framing::lines), std::nullopt).value();
  REQUIRE(door.step() == FileDoorStep::more);
  const std::string_view bytes = "{\"id\":1}\n{\"id\":2}\n{\"id\":3";
  std::memcpy(door.space().data(), bytes.data(), bytes.size());
  door.filled(bytes.size());
  REQUIRE(door.step() == FileDoorStep::more);
  REQUIRE(door.has_group());
  Log log;
  log.append(door.take(0));
  CHECK(log.events == std::vector<std::string>{"1 {\"id\":1}", "2 {\"id\":2}"});
  CHECK(log.position == "1 lines 18 3 0");
}

TEST_CASE("an input without an identity has no position", "[file_door]") {
  FileDoorConfig config = config_of(Framing::lines);
  config.source.reset();
  auto door = FileDoor::open(config, std::string("1 lines 18 3 0")).value();
  Log log;
  REQUIRE(run(door, "{}\n{}\n", 10, log) == FileDoorStep::finished);
  CHECK(log.events.size() == 2);
  CHECK_FALSE(log.position.has_value());
}

TEST_CASE("a header without a required column is refused before any event, with what is near", "[file_door]") {
  FileDoorConfig config = config_of(Framing::csv);
  config.required_columns = {"id", "kind", "at"};
  Log log;
  auto door = FileDoor::open(config, std::nullopt).value();
  REQUIRE(run(door, "id,kinds,x\n1,2,3\n", 10, log) == FileDoorStep::refused);
  CHECK(door.error().code == Errc::input_unreadable);
  CHECK(
      door.error().context ==
      "in.txt: the header line lacks 'kind' (there is 'kinds'), 'at', which the pipeline requires; it has id,kinds,x");
  CHECK(log.groups == 0);
  auto good = FileDoor::open(config, std::nullopt).value();
  CHECK(run(good, "at,kind,id\n1,2,3\n", 10, log) == FileDoorStep::finished);
  CHECK(log.events == std::vector<std::string>{"2 1,2,3"});
}

TEST_CASE("what was framed before an input is refused is given first", "[file_door]") {
  Log log;
  auto door = FileDoor::open(config_of(Framing::json), std::nullopt).value();
  REQUIRE(run(door, "[{\"id\":1},{\"id\":2};", 100, log) == FileDoorStep::refused);
  CHECK(log.events.size() == 2);
  CHECK(door.error().context == "in.txt: byte 18 (behind 2 elements): a comma or ] is expected, not ';'");
  CHECK(door.step() == FileDoorStep::refused);
}

TEST_CASE("a header without a column of the id rule is refused", "[file_door]") {
  FileDoorConfig config = config_of(Framing::csv);
  config.router.id.fields = {{"id"}, {"nr"}};
  config.required_columns = {"nr"};
  Log log;
  auto door = FileDoor::open(config, std::nullopt).value();
  REQUIRE(run(door, "id,x\n1,2\n", 100, log) == FileDoorStep::refused);
  CHECK(door.error().context == "in.txt: the header line lacks 'nr', which the pipeline requires; it has id,x");
}

TEST_CASE("a position is read back, and a foreign or damaged one is refused", "[file_door]") {
  const SourceProgress progress{Framing::geojson, {123'456'789'012, 42, 3}, false};
  CHECK(write_progress(progress) == "1 geojson 123456789012 42 3");
  const auto back = parse_progress(write_progress(progress)).value();
  CHECK(back.place == progress.place);
  CHECK(back.framing == Framing::geojson);
  CHECK_FALSE(back.finished);
  CHECK(parse_progress("1 finished").value().finished);
  CHECK(parse_progress("2 anything").error().code == Errc::format_newer);
  for (const char* text :
       {"", "x", "1", "1 ", "1 lines", "1 lines 1 2", "1 lines 1 2 3 4", "1 lines 1 2 3 ", "1 lines 1 0 0",
        "1 lines -1 2 3", "1 xml 1 2 3", "1 linesx 1 2 3", "1 finished ", "1lines 1 2 3"}) {
    INFO(text);
    REQUIRE_FALSE(parse_progress(text).has_value());
    CHECK(parse_progress(text).error().code == Errc::state_damaged);
  }
  CHECK(FileDoor::open(config_of(Framing::csv), std::string("1 lines 18 3 0")).error().code == Errc::invalid_argument);
  CHECK(FileDoor::open(config_of(Framing::csv), std::string("nonsense")).error().code == Errc::state_damaged);
}

TEST_CASE("a source is named by content and by the time it is named", "[file_door]") {
  const InputIdentity identity{17, {1, 2}};
  CHECK(source_name(identity, 1) == "file:17:00000000000000020000000000000001");
  CHECK(source_name(identity, 2) == "file:17:00000000000000020000000000000001#2");
}

}  // namespace
}  // namespace weir
