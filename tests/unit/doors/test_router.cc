#include "actors/doors/router.h"

#include <map>
#include <random>
#include <string>
#include <vector>

#include "runtime/base/hash.h"
#include "tests/support/catch.h"
#include "tests/unit/event_id/padded.h"

namespace weir {
namespace {

using test::Padded;

Frame frame_of(const Padded& text, std::uint64_t line) {
  return {text.view(), line, 0, {}, {}};
}

TEST_CASE("every frame is in the batch of its id's partition, in order, with its line and bytes", "[router]") {
  constexpr std::uint64_t kSeed = 8;
  INFO("seed " << kSeed);
  std::mt19937_64 rng(kSeed);
  RouterConfig config;
  config.partitions = 5;
  config.id.fields = {{"id"}};
  config.door = "file:in.ndjson";
  config.batch_events_max = 16;
  Router router(config);
  std::vector<std::string> sent;
  std::map<std::uint32_t, std::vector<std::uint64_t>> lines_of;
  std::map<std::uint32_t, std::vector<std::uint64_t>> lines_in;
  int groups = 0;
  const auto take = [&] {
    const AppendGroup group = router.take(1'000 + groups);
    for (const PartitionBatch& part : group.batches) {
      const auto batch = IngestBatch::decode(part.bytes);
      REQUIRE(batch.has_value());
      REQUIRE(batch->count() == part.count);
      REQUIRE(part.count <= 16);
      CHECK(batch->header().door == "file:in.ndjson");
      CHECK(batch->header().accepted_at == 1'000 + groups);
      CHECK(batch->header().format == FrameFormat::json);
      for (std::uint32_t i = 0; i < batch->count(); ++i) {
        const RawEvent event = batch->event(i);
        REQUIRE(event.raw == sent.at(event.line - 10));
        REQUIRE(event.id == "o-" + std::to_string(event.line));
        REQUIRE(event.flags == 0);
        lines_in[part.partition.value].push_back(event.line);
      }
    }
    CHECK(router.empty());
    ++groups;
  };
  for (std::uint64_t line = 10; line < 1'010; ++line) {
    sent.push_back("{\"x\":\"" + std::string(rng() % 50, 'x') + "\",\"id\":\"o-" + std::to_string(line) + "\"}");
    lines_of[partition_of("o-" + std::to_string(line), 5).value].push_back(line);
    const Padded text(sent.back());
    if (router.add(frame_of(text, line))) take();
  }
  if (!router.empty()) take();
  CHECK(lines_in == lines_of);
  CHECK(lines_in.size() == 5);
  // A group ends with the first full batch of 16: not earlier, and not much later than 5 * 16 events.
  CHECK(groups > 1'000 / (5 * 16));
  CHECK(groups <= 1'000 / 16 + 1);
}

TEST_CASE("a group is ready at its limit of bytes, whatever the frame's size", "[router]") {
  RouterConfig config;
  config.group_bytes_max = 1'000;
  Router router(config);
  const Padded small(std::string(100, 's'));
  const Padded large(std::string(5'000, 'l'));
  for (int i = 0; i < 8; ++i) REQUIRE(router.add(frame_of(small, 1)) == (i == 8));
  CHECK(router.events() == 8);
  CHECK(router.bytes() == 8 * (100 + sizeof(FrameEntry)));
  CHECK(router.add(frame_of(small, 2)));
  CHECK_THROWS((void)router.add(frame_of(small, 3)));
  (void)router.take(0);
  CHECK(router.bytes() == 0);
  CHECK(router.add(frame_of(large, 3)));
  (void)router.take(0);
  CHECK_THROWS((void)router.take(0));
}

RawEvent only_event(Router& router, IngestBatch& batch) {
  const AppendGroup group = router.take(0);
  REQUIRE(group.batches.size() == 1);
  batch = IngestBatch::decode(group.batches[0].bytes).value();
  REQUIRE(batch.count() == 1);
  CHECK(group.batches[0].partition == partition_of(batch.event(0).id, 8));
  return batch.event(0);
}

TEST_CASE("flags and notes of the door travel with the frame", "[router]") {
  IngestBatch batch;
  Router by_digest{RouterConfig{}};
  const Padded text("{\"id\":\"o-1\"}");
  (void)by_digest.add(frame_of(text, 7));
  RawEvent event = only_event(by_digest, batch);
  CHECK(event.id == digest_id("{\"id\":\"o-1\"}"));
  CHECK(event.flags == frame_flag::id_digest);

  RouterConfig config;
  config.id.fields = {{"id"}};
  Router by_field(config);
  const Padded broken("{\"id\":");
  (void)by_field.add({broken.view(), 7, frame_flag::bad_frame, "why", {}});
  event = only_event(by_field, batch);
  CHECK(event.id == digest_id("{\"id\":"));
  CHECK(event.flags == (frame_flag::bad_frame | frame_flag::id_digest | frame_flag::id_missing));
  CHECK(event.note == "why");
  CHECK(event.line == 7);

  // A cut frame: its field where that was kept, else the digest of all its bytes.
  (void)by_field.add(
      {broken.view(), 7, frame_flag::oversize | frame_flag::cut, "note", "00112233445566778899aabbccddeeff"});
  event = only_event(by_field, batch);
  CHECK(event.id == "00112233445566778899aabbccddeeff");
  CHECK(event.flags == (frame_flag::oversize | frame_flag::cut | frame_flag::id_digest | frame_flag::id_missing));
  (void)by_field.add(
      {text.view(), 7, frame_flag::oversize | frame_flag::cut, "note", "00112233445566778899aabbccddeeff"});
  CHECK(only_event(by_field, batch).id == "o-1");
}

TEST_CASE("CSV batches carry their header line, which changes only between groups", "[router]") {
  RouterConfig config;
  config.format = FrameFormat::csv;
  config.id.fields = {{"b"}, {"z"}};
  Router both(config);
  CHECK(both.set_csv_header("a,b", {"a", "b"}) == std::vector<std::string>{"z"});
  config.id.fields = {{"b"}};
  Router router(config);
  CHECK(router.set_csv_header("a,b", {"a", "b"}).empty());
  IngestBatch batch;
  const Padded record("1,\"x\"\"y\"");
  (void)router.add(frame_of(record, 2));
  CHECK_THROWS((void)router.set_csv_header("b,a", {"b", "a"}));
  CHECK(only_event(router, batch).id == "x\"y");
  CHECK(batch.header().csv_header == "a,b");
  CHECK(batch.header().format == FrameFormat::csv);
  CHECK(router.set_csv_header("b,a", {"b", "a"}).empty());
  (void)router.add(frame_of(record, 2));
  CHECK(only_event(router, batch).id == "1");
  CHECK(batch.header().csv_header == "b,a");
}

TEST_CASE("the id of a CloudEvent is its envelope's unless the pipeline names fields", "[router]") {
  CHECK(event_id_rule(IdRule{}, FrameFormat::json).fields.empty());
  CHECK(event_id_rule(IdRule{}, FrameFormat::cloudevents).fields == std::vector<std::vector<std::string>>{{"id"}});
  IdRule named;
  named.digest = false;
  named.fields = {{{"source"}, "source"}, {{"a", "b"}, "a.b"}};
  const std::vector<std::vector<std::string>> paths = {{"source"}, {"a", "b"}};
  CHECK(event_id_rule(named, FrameFormat::cloudevents).fields == paths);
  CHECK(event_id_rule(named, FrameFormat::csv).fields == paths);
}

TEST_CASE("fields of an id are the envelope's where a CloudEvent has them, else its data's", "[router]") {
  const Padded frame(R"({"specversion":"1.0","source":"/a","id":"e-1","data":{"id":"o-1","no":7}})");
  const auto id_of = [&](std::vector<std::string> names, FrameFormat format) {
    IdRule rule;
    rule.digest = names.empty();
    for (const std::string& name : names) rule.fields.push_back({{name}, name});
    if (names == std::vector<std::string>{"data.id"}) rule.fields = {{{"data", "id"}, "data.id"}};
    RouterConfig config;
    config.partitions = 8;
    config.format = format;
    config.id = event_id_rule(rule, format);
    config.door = "file:a:b";
    Router router(config);
    IngestBatch batch;
    (void)router.add(frame_of(frame, 1));
    const RawEvent event = only_event(router, batch);
    return (event.flags & frame_flag::id_missing) != 0 ? "missing" : std::string(event.id);
  };
  const FrameFormat cloud = FrameFormat::cloudevents;
  CHECK(id_of({}, cloud) == "e-1");
  CHECK(id_of({"id"}, cloud) == "e-1");
  CHECK(id_of({"source", "id"}, cloud) == "/a:e-1");
  CHECK(id_of({"@source", "id"}, cloud) == "/a:e-1");
  CHECK(id_of({"no"}, cloud) == "7");
  CHECK(id_of({"source", "no"}, cloud) == "/a:7");
  CHECK(id_of({"data.id"}, cloud) == "o-1");
  CHECK(id_of({"nowhere"}, cloud) == "missing");
  CHECK(id_of({"no"}, FrameFormat::json) == "missing");
  CHECK(id_of({"@source", "id"}, FrameFormat::json) == R"(file\:a\:b:e-1)");
}

TEST_CASE("the door's name is part of the ids of CSV records where it is asked for", "[router]") {
  RouterConfig config;
  config.partitions = 8;
  config.format = FrameFormat::csv;
  config.id.fields = {{"@source"}, {"no"}};
  config.door = "file:a.csv";
  Router router(config);
  CHECK(router.set_csv_header("x,no", {"x", "no"}).empty());
  IngestBatch batch;
  const Padded record("1,17");
  (void)router.add(frame_of(record, 2));
  CHECK(only_event(router, batch).id == R"(file\:a.csv:17)");
}

}  // namespace
}  // namespace weir
