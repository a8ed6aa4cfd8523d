// How records become lines, rows, envelopes and folders.
#include "runtime/engine/letters_query.h"
#include "runtime/engine/sink_feed.h"
#include "tests/unit/sinks/sink_commits.h"

using namespace weir;
using namespace weir::test;

namespace {

/// Everything of one commit, as one batch.
std::shared_ptr<const SinkBatch> batch_of(SinkConfig sink, const std::vector<CommittedRecord>& records, PipelineConfig* pipeline = nullptr) {
  PipelineConfig one = pipeline_with(std::move(sink));
  if (pipeline != nullptr) one.stages = pipeline->stages;
  SinkFeed feed(one.sinks[0], one, PartitionId{3});
  feed.begin({}, {});
  REQUIRE(feed.add({commit_of(1, records)}));
  return feed.batch({}, {1'000, 1'000'000, {}}).batch;
}

SinkConfig files() {
  SinkConfig sink;
  sink.body = FilesSinkConfig{};
  return sink;
}
SinkText& text(SinkConfig& sink) { return std::get<FilesSinkConfig>(sink.body).text; }
FieldPath path(const std::string& name) { return {{name}, name}; }

}  // namespace

TEST_CASE("a line is the record as it stands in the log, and its id that of the event", "[sink]") {
  const auto batch = batch_of(files(), {{"a", R"({"n":1})"}, {"b", R"({"n":2,"x":{"y":null}})"}});
  REQUIRE(batch->items.size() == 2);
  CHECK(batch->items[1].text == R"({"n":2,"x":{"y":null}})");
  CHECK(batch->items[1].id == "b");
  CHECK(batch->items[1].folder.empty());
  CHECK(batch->bytes == 29);
}

TEST_CASE("a row has the columns that are named, empty where the record has none, and quotes where it needs them", "[sink]") {
  SinkConfig sink = files();
  text(sink).format = SinkFormat::csv;
  text(sink).columns = {{{"@id"}, "@id"}, path("a,b"), path("n"), {{"x", "y"}, "x.y"}};
  const auto batch = batch_of(sink, {{"i1", R"({"a,b":"say \"hi\", you","n":15.30,"more":1})"}, {"i2", R"({"n":null,"x":{"y":[1,2]}})"}, {"i3", R"({"a,b":"two\nlines"})"}});
  CHECK(batch->header == R"(@id,"a,b",n,x.y)");
  CHECK(batch->items[0].text == R"(i1,"say ""hi"", you",15.30,)");
  CHECK(batch->items[1].text == R"(i2,,,"[1,2]")");
  CHECK(batch->items[2].text == "i3,\"two\nlines\",,");
}

TEST_CASE("without columns the first record's fields are the header, for good", "[sink]") {
  SinkConfig sink = files();
  text(sink).format = SinkFormat::csv;
  const auto batch = batch_of(sink, {{"a", R"({"x":1,"y":"t"})"}, {"b", R"({"z":9,"y":"u"})"}, {"c", R"({"z":9})"}});
  CHECK(batch->header == "x,y");
  CHECK(batch->items[1].text == ",u");
  CHECK(batch->items[2].text == ",");
  SinkConfig one = files();
  text(one).format = SinkFormat::csv;
  // A row of one empty cell would be an empty line, which readers drop.
  CHECK(batch_of(one, {{"a", R"({"x":1})"}, {"b", R"({})"}})->items[1].text == R"("")");
}

TEST_CASE("folders are named after time and fields, and no value can lead out of the directory", "[sink]") {
  SinkConfig sink = files();
  auto& by = std::get<FilesSinkConfig>(sink.body).partition_by;
  by = {{SinkFolder::Kind::date, path("date")}, {SinkFolder::Kind::hour, path("hour")}, {SinkFolder::Kind::field, path("land")}};
  const auto batch = batch_of(sink, {{"a", R"({"land":"France"})"},
                                     {"b", R"({"land":"../../etc/passwd"})"},
                                     {"c", R"({"land":""})"},
                                     {"d", R"({"land":null})"},
                                     {"e", R"({})", "", kNoon - 1},
                                     {"f", R"({"land":"Côte d'Ivoire"})"},
                                     {"g", "{\"land\":\"" + std::string(400, 'x') + "\"}"},
                                     {"h", "{\"land\":\"" + std::string(401, 'x') + "\"}"},
                                     {"i", R"({"land":17850.10})"}});
  const auto land = [&](std::size_t i) { return std::string(batch->items[i].folder); };
  CHECK(land(0) == "date=2026-11-27/hour=12/land=France");
  CHECK(land(1) == "date=2026-11-27/hour=12/land=%2E.%2F..%2Fetc%2Fpasswd");
  CHECK(land(2) == "date=2026-11-27/hour=12/land=__HIVE_DEFAULT_PARTITION__");
  CHECK(land(3) == land(2));
  CHECK(land(4) == "date=2026-11-27/hour=11/land=__HIVE_DEFAULT_PARTITION__");
  CHECK(land(5) == "date=2026-11-27/hour=12/land=Côte%20d%27Ivoire");
  CHECK(land(6).size() <= 200);
  CHECK(land(6) != land(7));
  CHECK(land(8) == "date=2026-11-27/hour=12/land=17850.10");
}

TEST_CASE("an envelope of CloudEvents has an id, a source, a type and a time, whatever the record lacks", "[sink]") {
  SinkConfig sink;
  sink.body = HttpSinkConfig{};
  const auto batch = batch_of(sink, {{"a\"1", R"({"n":1})", "order"}, {"b", R"({})"}});
  CHECK(batch->items[0].text ==
        R"({"specversion":"1.0","id":"a\"1","source":"shop","type":"order","time":"2026-11-27T12:00:00Z","datacontenttype":"application/json","data":{"n":1}})");
  CHECK(batch->items[1].text.find(R"("type":"record")") != std::string::npos);
}

TEST_CASE("`when` chooses records by a field or their type", "[sink]") {
  SinkConfig sink = files();
  sink.when = WhenConfig{{{"@type"}, "@type"}, {Constant::Kind::string, "order"}};
  CHECK(batch_of(sink, {{"a", "{}", "order"}, {"b", "{}", "refund"}})->items.size() == 1);
  sink.when = WhenConfig{path("n"), {Constant::Kind::number, "2"}};
  const auto batch = batch_of(sink, {{"a", R"({"n":1})"}, {"b", R"({"n":2.0})"}, {"c", "{}"}});
  REQUIRE(batch->items.size() == 1);
  CHECK(batch->items[0].id == "b");
}

TEST_CASE("a dead letter is written as it is exported, and known by its place and its commit", "[sink]") {
  SinkConfig sink = files();
  sink.from = SinkFrom::dead_letter;
  const auto batch = batch_of(sink, {{"a", R"({"n":1})"}, {"b", "broken"}});
  REQUIRE(batch->items.size() == 1);
  CHECK(batch->items[0].text ==
        R"({"id":"b","partition":3,"offset":1,"door":"http","accepted_at":"2026-11-27T12:00:00Z","stage":"validate","reason":"field_range","details":[],"attempts":1,"original":"broken"})");
  CHECK(batch->items[0].id == "3/1/1");
  text(sink).envelope = SinkEnvelope::kafka_connect;
  CHECK(batch_of(sink, {{"b", "broken"}})->items[0].text.find("__connect.errors.topic") != std::string::npos);
  sink.when = WhenConfig{path("reason"), {Constant::Kind::string, "schema"}};
  CHECK(batch_of(sink, {{"b", "broken"}})->items.empty());
}

TEST_CASE("the key of a batch is that of its records alone, and the id of a single one", "[sink]") {
  const auto one = batch_of(files(), {{"order-1", "{}"}});
  CHECK(one->key == "order-1");
  CHECK(batch_of(files(), {{"with space", "{}"}})->key.size() == 32);
  const auto two = batch_of(files(), {{"a", "{}"}, {"b", "{}"}});
  CHECK(two->key == batch_of(files(), {{"a", R"({"n":1})"}, {"b", "{}"}})->key);
  CHECK(two->key != batch_of(files(), {{"a1:", "{}"}, {"b", "{}"}})->key);
}

TEST_CASE("batches are cut by count, bytes and a place, and together are everything once", "[sink]") {
  const PipelineConfig pipeline = pipeline_with(files());
  SinkFeed feed(pipeline.sinks[0], pipeline, PartitionId{0});
  feed.begin({}, {});
  REQUIRE(feed.add({commit_of(1, {{"a", R"({"n":1})"}, {"b", R"({"n":2})"}, {"c", R"({"n":3})"}}), commit_of(2, {}), commit_of(3, {{"d", R"({"n":4})"}})}));
  const auto ids = [](const SinkBatch& batch) {
    std::string all;
    for (const SinkItem& item : batch.items) all += item.id;
    return all;
  };
  const auto first = feed.batch({}, {2, 1'000, {}});
  CHECK(first.full);
  CHECK(ids(*first.batch) == "ab");
  CHECK(first.batch->to == SinkPosition{CommitSequence{0}, 2});
  const auto rest = feed.batch(first.batch->to, {100, 1'000, {}});
  CHECK(ids(*rest.batch) == "cd");
  CHECK_FALSE(rest.full);
  CHECK(rest.batch->to == SinkPosition{CommitSequence{3}, 0});
  CHECK(ids(*feed.batch({}, {100, 8, {}}).batch) == "a");  // one alone may be longer, two may not
  CHECK(ids(*feed.batch({}, {100, 1'000, SinkPosition{CommitSequence{0}, 1}}).batch) == "a");
  feed.forget({CommitSequence{1}, 0});
  CHECK(feed.log_records() == 3);
  CHECK(ids(*feed.batch({CommitSequence{1}, 0}, {100, 1'000, {}}).batch) == "d");
  CHECK_FALSE(feed.add({commit_of(5, {})}));
}
