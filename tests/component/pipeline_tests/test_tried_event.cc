// `weir try`: what an event was in front of and behind every stage.
#include "cluster/node/tried_event.h"

#include "cluster/node/framed_input.h"
#include "tests/component/pipeline_tests/ground.h"
#include "tests/support/catch.h"

namespace weir {
namespace {

const std::string kPipeline = R"(pipeline: p
partitions: 4
record: {format: ndjson, id: id}
stages:
  - validate: {fields: {n: {type: decimal, above: 0}}}
  - enrich: {table: {file: lands.csv, key: land}, add: {region: region}}
  - transform: {set: {twice: {multiply: [n, 2]}}, drop: [land]}
    name: europeans
    when: {region: europe}
  - transform: {filter: {drop: {hidden: true}}}
views:
  sums: {group_by: [region], measures: {n: {sum: n}}}
  last: {latest: "@id", fields: [n], when: {region: europe}}
)";

std::vector<TriedEvent> tried(Ground& ground, const std::string& text, RecordFormat format = RecordFormat::any,
                              std::size_t events = 0) {
  FramedInputConfig config;
  config.name = "input";
  config.door = "try";
  config.format = format;
  config.accepted_at = kTestAcceptedAt;
  const auto groups = frame_text(ground.pipeline()->config(), text, config);
  if (!groups) FAIL(groups.error().context);
  auto done = try_events(*ground.pipeline(), *groups, events);
  if (!done) FAIL(done.error().context);
  return std::move(*done);
}
Lines changes(const TriedPart& part) {
  Lines lines;
  for (const FieldChange& change : part.changes)
    lines.push_back(change.field + " | " + change.before + " | " + change.after);
  return lines;
}

TEST_CASE("an event is shown behind every stage, with what the stage changed", "[try]") {
  Ground ground;
  ground.write("lands.csv", "land,region\nFrance,europe\nJapan,asia\n");
  ground.load(kPipeline);
  const auto events = tried(ground, R"({"id":"a","n":1.50,"land":"France"})"
                                    "\n"
                                    R"({"id":"b","n":2,"land":"Japan"})");
  REQUIRE(events.size() == 2);
  const TriedEvent& a = events[0];
  CHECK(a.outcome == "served");
  CHECK(a.id_from == "field id");
  REQUIRE(a.steps.size() == 5);
  CHECK(a.steps[0].parts.at(0).record == R"({"id":"a","n":1.50,"land":"France"})");
  CHECK(changes(a.steps[1].parts.at(0)).empty());
  CHECK(changes(a.steps[2].parts.at(0)) == Lines{R"(region |  | "europe")"});
  CHECK(changes(a.steps[3].parts.at(0)) == Lines{R"(land | "France" | )", "twice |  | 3.00"});
  CHECK(!a.steps[3].skipped);
  CHECK(a.records == Lines{R"({"id":"a","n":1.50,"region":"europe","twice":3.00})"});
  REQUIRE(a.views.size() == 2);
  CHECK(a.views[0].second == Lines{R"({"region":"europe","n":1.50})"});
  CHECK(a.views[1].first == "last");
  // Its condition does not hold: the stage is passed over, and so is the view with one.
  CHECK(events[1].steps[3].skipped);
  CHECK(events[1].steps[3].reached);
  REQUIRE(events[1].views.size() == 1);
  CHECK(events[1].views[0].first == "sums");
}

TEST_CASE("a refused event says where and why, and the stages behind were never reached", "[try]") {
  Ground ground;
  ground.write("lands.csv", "land,region\nFrance,europe\n");
  ground.load(kPipeline);
  const auto events = tried(ground,
                            "{\"id\":\"a\",\"n\":0}\n{\"id\":\"b\"\n{\"id\":\"c\",\"n\":1,\"hidden\":true}\n{\"id\":"
                            "\"c\",\"n\":2}\n{\"id\":\"c\",\"n\":1,\"hidden\":true}\n");
  REQUIRE(events.size() == 5);
  CHECK(events[0].outcome == "dead_lettered");
  CHECK(events[0].stage == "validate");
  CHECK(events[0].reason == "field_range");
  CHECK(events[0].details == Lines{"n: 0 is not above 0"});
  CHECK(events[0].steps[1].parts.at(0).verdict == Verdict::reject);
  CHECK(!events[0].steps[2].reached);
  CHECK(events[0].views.empty());
  CHECK(events[1].reason == "malformed");
  CHECK(events[1].id == "b");
  CHECK(!events[1].steps[1].reached);
  CHECK(events[2].outcome == "filtered");
  CHECK(events[2].steps[4].parts.at(0).verdict == Verdict::filter);
  CHECK(events[2].records.empty());
  CHECK(events[2].same_id == 0);
  // Each for itself; that one repeats another is said beside it.
  CHECK(events[3].outcome == "served");
  CHECK(events[3].same_id == 3);
  CHECK(!events[3].same_bytes);
  CHECK(events[4].same_id == 3);
  CHECK(events[4].same_bytes);
}

TEST_CASE("parts of a split are compared with the part they were made of", "[try]") {
  Ground ground;
  ground.load(R"(pipeline: p
record: {format: ndjson, id: id}
stages:
  - transform: {split: {field: orders, as: order}, set: {no: order.no}}
    name: orders
  - transform: {split: {field: order.lines, as: line}, filter: {drop: {line: 0}}}
    name: lines
)");
  const auto events = tried(ground, R"({"id":"a","orders":[{"no":1,"lines":[10,0]},{"no":2,"lines":[20]}]})");
  REQUIRE(events.size() == 1);
  REQUIRE(events[0].steps[2].parts.size() == 3);
  CHECK(changes(events[0].steps[2].parts[0]) == Lines{"line |  | 10"});
  CHECK(events[0].steps[2].parts[1].verdict == Verdict::filter);
  CHECK(changes(events[0].steps[2].parts[2]) == Lines{"line |  | 20"});
  CHECK(events[0].records.size() == 2);
}

TEST_CASE("frames of every format are events to try", "[try]") {
  Ground ground;
  ground.load("pipeline: p\nrecord: {id: id}\n");
  const auto format = [&](const std::string& text, RecordFormat is) {
    const auto events = tried(ground, text, is);
    REQUIRE(events.size() == 1);
    CHECK(events[0].id == "7");
    CHECK(events[0].outcome == "served");
    return events[0].format;
  };
  CHECK(format("{\"id\":7}", RecordFormat::ndjson) == "json");
  CHECK(format("[{\n\"id\":7}]", RecordFormat::json) == "json");
  CHECK(format("id,x\n7,y\n", RecordFormat::csv) == "csv");
  CHECK(format(R"({"type":"FeatureCollection","features":[{"type":"Feature","id":7}]})", RecordFormat::geojson) ==
        "json");
  CHECK(format(R"({"specversion":"1.0","id":"7","source":"s","type":"t","data":{"a":1}})", RecordFormat::cloudevents) ==
        "cloudevents");
}

TEST_CASE("of more events than one looks at only the wanted ones are, or all are refused", "[try]") {
  Ground ground;
  ground.load("pipeline: p\nrecord: {format: ndjson, id: id}\n");
  std::string text;
  for (std::size_t i = 0; i < kTriedEventsMax + 1; ++i) text += fmt::format("{{\"id\":{}}}\n", i);
  const auto events = tried(ground, text, RecordFormat::any, 2);
  REQUIRE(events.size() == 2);
  CHECK(events[0].id == "0");
  CHECK(events[1].id == "1");
  const auto groups = frame_text(ground.pipeline()->config(), text, {.name = "input", .accepted_at = kTestAcceptedAt});
  REQUIRE(groups);
  const auto refused = try_events(*ground.pipeline(), *groups);
  REQUIRE(!refused);
  CHECK(refused.error().code == Errc::limit_reached);
}

TEST_CASE("changes go into objects that stay objects, and keep the spelling of numbers", "[try]") {
  const auto value = [](std::string_view text) { return *parse_test_value(text); };
  const auto found = changes_between(value(R"({"a":{"b":1.0,"c":2},"d":[1],"e":{"x":1}})"),
                                     value(R"({"a":{"b":1.00,"c":2,"n":null},"d":[1],"e":3})"));
  TriedPart part;
  part.changes = found;
  CHECK(changes(part) == Lines{"a.b | 1.0 | 1.00", "a.n |  | null", R"(e | {"x":1} | 3)"});
}

}  // namespace
}  // namespace weir
