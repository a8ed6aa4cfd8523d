#include "tests/support/catch.h"
#include "tests/unit/stages/chain_fixture.h"

namespace weir {
namespace {

using namespace test;

std::string event(const std::string& attributes, const std::string& data) {
  return R"({"specversion":"1.0",)" + attributes + (data.empty() ? "" : R"(,"data":)" + data) + "}";
}
const std::string kGood = R"("id":"e-1","source":"/shop/1","type":"order","time":"2026-03-01T10:00:00.5+01:00")";

TEST_CASE("the record of a CloudEvent is its data, the envelope its attributes", "[cloud_events]") {
  Chain chain;
  chain.cloud_events = true;
  TransformConfig set;
  set.set = {{"type_of_it", copy("@type")}, {"from", copy("@source")}, {"at", copy("@time")}};
  chain.config.stages.push_back(stage("transform", set));
  const Fate fate = chain.one(event(kGood, R"( { "amount": 2.50, "id": 7 } )"));
  CHECK(fate.record == R"({"amount":2.50,"id":7,"type_of_it":"order","from":"/shop/1","at":"2026-03-01T09:00:00.500Z"})");
  CHECK(fate.time == 1'772'355'600'500'000);
  CHECK(fate.type == "order");
  CHECK(fate.source == "/shop/1");
}

TEST_CASE("events of one batch have types and sources of their own", "[cloud_events]") {
  Chain chain;
  chain.cloud_events = true;
  ValidateConfig wants;
  wants.fields.push_back(rule("amount", FieldType::decimal));
  StageConfig only_orders = stage("validate", wants);
  only_orders.when = WhenConfig{path("@type"), string("order")};
  chain.config.stages.push_back(only_orders);
  const auto fates = chain.run({event(R"("id":"1","source":"/a","type":"order")", R"({"amount":1})"),
                                event(R"("id":"2","source":"/b","type":"order")", R"({"note":"x"})"),
                                event(R"("id":"3","source":"/b\u002fc","type":"note")", R"({"note":"x"})")});
  CHECK(fates[0].record == R"({"amount":1})");
  CHECK(fates[0].source == "/a");
  CHECK(fates[1].reason == "field_missing");
  CHECK(fates[1].stage == "validate");
  CHECK(fates[2].type == "note");
  CHECK(fates[2].source == "/b/c");
}

TEST_CASE("what the pipeline names wins over the envelope", "[cloud_events]") {
  Chain chain;
  chain.cloud_events = true;
  chain.config.record.type = "sale";
  chain.config.record.time = {TimeFormat::unix_ms, path("ts"), "", "UTC"};
  const Fate fate = chain.one(event(kGood, R"({"ts":1000})"));
  CHECK(fate.type == "sale");
  CHECK(fate.time == 1'000'000);
  CHECK(chain.one(event(kGood, R"({"t":1000})")).reason == "time");
  // An attribute of that name comes first, as it does for ids.
  CHECK(chain.one(event(kGood + R"(,"ts":2000)", R"({"ts":1000})")).time == 2'000'000);
  Chain inside;
  inside.cloud_events = true;
  inside.config.record.time = {TimeFormat::rfc3339, path("data.time"), "", "UTC"};
  CHECK(inside.one(event(kGood, R"({"time":"1970-01-01T00:00:02Z"})")).time == 2'000'000);
}

TEST_CASE("without a time a CloudEvent happened when it was accepted, with a broken one it is a dead letter",
          "[cloud_events]") {
  Chain chain;
  chain.cloud_events = true;
  const std::string timeless = R"("id":"1","source":"/a","type":"t")";
  CHECK(chain.one(event(timeless, "{}")).time == 1'000'000);
  CHECK(chain.one(event(timeless + R"(,"time":null)", "{}")).time == 1'000'000);
  const Fate broken = chain.one(event(timeless + R"(,"time":"yesterday")", "{}"));
  CHECK(broken.stage == "parse");
  CHECK(broken.reason == "time");
  CHECK(broken.details == R"(["time: \"yesterday\" is no time of the years 1900 to 2200 as RFC 3339"])");
}

TEST_CASE("an event without data has an empty record", "[cloud_events]") {
  Chain chain;
  chain.cloud_events = true;
  CHECK(chain.one(event(kGood, "")).record == "{}");
  CHECK(chain.one(event(kGood, "null")).record == "{}");
}

TEST_CASE("a frame that is no CloudEvent is a dead letter that says what it lacks", "[cloud_events]") {
  Chain chain;
  chain.cloud_events = true;
  const std::string long_text(1025, 'x');
  struct Case {
    std::string frame, reason, detail;
  };
  const std::vector<Case> cases = {
      {R"({"id":"1","source":"/a","type":"t","data":{}})", "field_missing", "specversion: a CloudEvent has one"},
      {R"({"specversion":"0.3","id":"1","source":"/a","type":"t"})", "field_range", "specversion: only 1.0 is known"},
      {R"({"specversion":1.0,"id":"1","source":"/a","type":"t"})", "field_type", "specversion: must be a text"},
      {event(R"("source":"/a","type":"t")", "{}"), "field_missing", "id: a CloudEvent has one"},
      {event(R"("id":"","source":"/a","type":"t")", "{}"), "field_missing", "id: a CloudEvent has one"},
      {event(R"("id":7,"source":"/a","type":"t")", "{}"), "field_type", "id: must be a text"},
      {event(R"("id":"1","type":"t")", "{}"), "field_missing", "source: a CloudEvent has one"},
      {event(R"("id":"1","source":"/a","type":null)", "{}"), "field_missing", "type: a CloudEvent has one"},
      {event(R"("id":"1","source":")" + long_text + R"(","type":"t")", "{}"), "field_range",
       "source: longer than 1024 bytes"},
      {event(R"("id":"1","source":"/a","type":")" + long_text + '"', "{}"), "field_range",
       "type: longer than 1024 bytes"},
      {event(R"("id":"1","source":"/a","type":"t","time":7)", "{}"), "field_type", "time: must be a text"},
      {event(kGood, "[1]"), "field_type", "data: must be a JSON object, it is the record"},
      {event(kGood, R"("text")"), "field_type", "data: must be a JSON object, it is the record"},
      {event(kGood + R"(,"data_base64":"e30=")", ""), "field_type",
       "data_base64: binary data is no record; send data, a JSON object"},
      {event(kGood, R"({"a":1,"a":2})"), "malformed", "at byte 117: duplicate key"},
      {event(kGood, R"({"a":1)"), "malformed", "at byte 117: the event ends too early"},
      {event(kGood + R"(,"id":"2")", "{}"), "malformed", "at byte 103: duplicate key"},
      {event(kGood + ",\"x\":\"\xff\"", "{}"), "encoding", "not UTF-8"},
  };
  for (const Case& c : cases) {
    INFO(c.frame.substr(0, 120));
    const Fate fate = chain.one(c.frame);
    CHECK(fate.stage == "parse");
    CHECK(fate.reason == c.reason);
    CHECK(fate.details == "[\"" + c.detail + "\"]");
  }
  CHECK(chain.one(event(R"("id":"1","source":")" + long_text.substr(1) + R"(","type":"t")", "{}")).record == "{}");
}

TEST_CASE("attributes that came beside a body make the same event", "[cloud_events]") {
  Chain chain;
  chain.cloud_events = true;
  const std::string frame = structured_cloud_event({{"specversion", "1.0"},
                                                    {"id", "e-1"},
                                                    {"source", "/shop/\"1\""},
                                                    {"type", "order"},
                                                    {"time", "1970-01-01T00:00:03Z"}},
                                                   R"({"amount":2.50})");
  CHECK(frame == R"({"specversion":"1.0","id":"e-1","source":"/shop/\"1\"","type":"order",)"
                 R"("time":"1970-01-01T00:00:03Z","data":{"amount":2.50}})");
  const Fate fate = chain.one(frame);
  CHECK(fate.record == R"({"amount":2.50})");
  CHECK(fate.source == "/shop/\"1\"");
  CHECK(fate.time == 3'000'000);
  CHECK(structured_cloud_event({{"id", "1"}}, "") == R"({"id":"1"})");
}

}  // namespace
}  // namespace weir
