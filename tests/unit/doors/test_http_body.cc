// Bodies of requests: which are framed, which are refused whole, and what becomes of what is wrong inside.
#include "actors/doors/http_body.h"

#include <algorithm>

#include "runtime/base/hash.h"
#include "tests/support/catch.h"

namespace weir {
namespace {

HttpBodyConfig config_of(std::vector<std::string> id = {"id"}) {
  HttpBodyConfig config;
  config.door.input = "the body";
  config.door.router.partitions = 4;
  config.door.router.door = "http";
  config.id.digest = id.empty();
  if (!id.empty()) config.id.fields = {FieldPath{id, id.front()}};
  return config;
}

HttpRequest request_of(const std::string& type, const std::string& body) {
  HttpRequest request;
  request.method = "POST";
  if (!type.empty()) request.headers.emplace_back("content-type", type);
  request.body = SharedBytes::copy_of(body);
  return request;
}

/// "id raw" of every event, sorted: partitions have an order of their own.
std::vector<std::string> events_of(const HttpBody& body) {
  std::vector<std::string> events;
  for (const PartitionBatch& part : body.group.batches) {
    const auto batch = IngestBatch::decode(part.bytes).value();
    CHECK(batch.count() == part.count);
    for (std::uint32_t i = 0; i < batch.count(); ++i) {
      CHECK(partition_of(std::string(batch.event(i).id), 4) == part.partition);
      events.push_back(std::string(batch.event(i).id) + " " + std::string(batch.event(i).raw));
    }
  }
  std::sort(events.begin(), events.end());
  CHECK(events.size() == body.events);
  return events;
}

using Events = std::vector<std::string>;

TEST_CASE("a JSON body is one object or an array of them", "[http_body]") {
  CHECK(events_of(read_http_body(config_of(), request_of("application/json", R"({"id":"a","n":1})"), 5).value()) ==
        Events{R"(a {"id":"a","n":1})"});
  CHECK(events_of(read_http_body(config_of(),
                                 request_of("Application/JSON; charset=utf-8", R"( [ {"id":"a"} , {"id":"b"} ] )"), 5)
                      .value()) == Events{R"(a {"id":"a"})", R"(b {"id":"b"})"});
  CHECK(read_http_body(config_of(), request_of("application/json", "[]"), 5).value().events == 0);
}

TEST_CASE("a body that cannot be framed is refused whole", "[http_body]") {
  for (const char* bad :
       {"", "42", "hello", R"({"id":"a")", R"([{"id":"a"},)", R"([{"id":"a"}] x)", R"([{"id":"a"} {"id":"b"}])"}) {
    INFO(bad);
    const auto body = read_http_body(config_of(), request_of("application/json", bad), 5);
    REQUIRE_FALSE(body);
    CHECK(body.error().code == Errc::input_unreadable);
    CHECK(body.error().context.starts_with("the body: "));
  }
}

TEST_CASE("a bad line of NDJSON is an event like any other: its dead letter is the chain's business", "[http_body]") {
  CHECK(events_of(read_http_body(config_of(),
                                 request_of("application/x-ndjson", "{\"id\":\"a\"}\nbroken\n\n{\"id\":\"b\"}"), 5)
                      .value())
            .size() == 3);
}

TEST_CASE("CSV comes with its header line; one that lacks a required column is refused", "[http_body]") {
  HttpBodyConfig config = config_of();
  config.door.required_columns = {"price"};
  CHECK(events_of(read_http_body(config, request_of("text/csv", "id,price\n1,2.50\n2,3\n"), 5).value()) ==
        Events{"1 1,2.50", "2 2,3"});
  const auto missing = read_http_body(config, request_of("text/csv", "id,prize\n1,2.50\n"), 5);
  REQUIRE_FALSE(missing);
  CHECK(missing.error().code == Errc::input_unreadable);
  CHECK(missing.error().context.find("'price' (there is 'prize')") != std::string::npos);
}

TEST_CASE("without a Content-Type the pipeline's format counts; an unknown one is another error than a bad body",
          "[http_body]") {
  HttpBodyConfig config = config_of();
  CHECK(read_http_body(config, request_of("", "{}"), 5).error().code == Errc::invalid_argument);
  CHECK(read_http_body(config, request_of("application/xml", "<a/>"), 5).error().code == Errc::invalid_argument);
  config.format = RecordFormat::ndjson;
  CHECK(read_http_body(config, request_of("", "{\"id\":\"a\"}\n{\"id\":\"b\"}\n"), 5).value().events == 2);
  CHECK(read_http_body(config, request_of("application/xml", "<a/>"), 5).error().code == Errc::invalid_argument);
}

TEST_CASE("who names no format is told what to type, by the pipeline's format where it has one", "[http_body]") {
  HttpBodyConfig config = config_of();
  const auto told = [&config](const std::string& type) {
    return read_http_body(config, request_of(type, "a,b\n1,2\n"), 5).error().context;
  };
  CHECK(told("").starts_with("the request has no Content-Type, and the pipeline no record.format; for lines of JSON say, "
                             "with curl, -H 'Content-Type: application/x-ndjson'; allowed: application/json,"));
  config.format = RecordFormat::csv;
  CHECK(told("application/x-www-form-urlencoded")
            .starts_with("Content-Type 'application/x-www-form-urlencoded', which curl sends unless told otherwise, does "
                         "not say what the body is; for csv say, with curl, -H 'Content-Type: text/csv'; allowed: "));
  CHECK(told("text/plain").starts_with("Content-Type 'text/plain' does not say what the body is; for csv say"));
  config.format = RecordFormat::geojson;
  CHECK(told("text/plain").find("-H 'Content-Type: application/geo+json'") != std::string::npos);
}

TEST_CASE("JSON of a pipeline of CloudEvents is CloudEvents, as in a file: a broken one has the id of its envelope",
          "[http_body]") {
  HttpBodyConfig config = config_of({});
  config.format = RecordFormat::cloudevents;
  const auto batch_of = [&config](const std::string& type, const std::string& text) {
    return IngestBatch::decode(read_http_body(config, request_of(type, text), 5).value().group.batches.at(0).bytes).value();
  };
  const auto broken = batch_of("application/x-ndjson", R"({"specversion":"1.0","id":"e1","source":)");
  CHECK(broken.event(0).id == "e1");
  CHECK(broken.header().format == FrameFormat::cloudevents);
  CHECK(batch_of("application/json", R"({"specversion":"1.0","id":"e2"})").event(0).id == "e2");
}

TEST_CASE("CloudEvents come structured, in batches, and in binary mode, which says the same", "[http_body]") {
  HttpBodyConfig config = config_of({});
  const std::string event = R"({"specversion":"1.0","id":"e1","source":"/shop","type":"sale","data":{"n":1}})";
  CHECK(events_of(read_http_body(config, request_of("application/cloudevents+json", event), 5).value()) ==
        Events{"e1 " + event});
  CHECK(events_of(
            read_http_body(config, request_of("application/cloudevents-batch+json", "[" + event + "]"), 5).value()) ==
        Events{"e1 " + event});

  HttpRequest binary = request_of("application/json", "{\"n\":1}\n");
  binary.headers.insert(binary.headers.end(), {{"ce-specversion", "1.0"},
                                               {"ce-id", "e%20\"1"},
                                               {"ce-source", "/shop"},
                                               {"ce-type", "sale"},
                                               {"ce-tenant", "x"}});
  CHECK(
      events_of(read_http_body(config, binary, 5).value()) ==
      Events{
          R"(e "1 {"specversion":"1.0","id":"e \"1","source":"/shop","type":"sale","tenant":"x","datacontenttype":"application/json","data":{"n":1}})"});

  binary.headers.front().second = "text/plain";
  CHECK(events_of(read_http_body(config, binary, 5).value())
            .front()
            .ends_with(R"("datacontenttype":"text/plain","data":"{\"n\":1}\n"})"));
  binary.headers.front().second = "image/png";
  binary.body = SharedBytes::copy_of("\xff\xfe");
  CHECK(events_of(read_http_body(config, binary, 5).value()).front().ends_with(R"("data_base64":"//4="})"));

  binary.headers.front().second = "application/json";
  for (const char* data : {"1,\"time\":\"2020-01-01T00:00:00Z\"", "{\"n\":1", "{}}", "1 2"}) {
    INFO(data);
    binary.body = SharedBytes::copy_of(data);
    const auto no_value = read_http_body(config, binary, 5);
    REQUIRE_FALSE(no_value);
    CHECK(no_value.error().code == Errc::input_unreadable);
    CHECK(no_value.error().context == "the body: its Content-Type is application/json, and it is not one value of JSON");
  }

  for (const char* data : {" {\"n\":1}\r\n", "\n5", "null", "\"}\"", "", " \n"}) {
    INFO(data);
    binary.body = SharedBytes::copy_of(data);
    CHECK(read_http_body(config, binary, 5).value().events == 1);
  }

  std::erase_if(binary.headers, [](const auto& header) { return header.first == "ce-type"; });
  const auto refused = read_http_body(config, binary, 5);
  REQUIRE_FALSE(refused);
  CHECK(refused.error().context.find("ce-type") != std::string::npos);
}

TEST_CASE("a large body is one append, in the order of its events within each partition", "[http_body]") {
  std::string lines;
  for (int i = 0; i < 5'000; ++i) lines += "{\"id\":\"e" + std::to_string(i) + "\"}\n";
  const HttpBody body = read_http_body(config_of(), request_of("application/x-ndjson", lines), 7).value();
  CHECK(body.events == 5'000);
  std::uint64_t line[4] = {};
  std::uint64_t events = 0;
  for (const PartitionBatch& part : body.group.batches) {
    const auto batch = IngestBatch::decode(part.bytes).value();
    CHECK(batch.header().accepted_at == 7);
    for (std::uint32_t i = 0; i < batch.count(); ++i, ++events) {
      CHECK(batch.event(i).line > line[part.partition.value]);
      line[part.partition.value] = batch.event(i).line;
    }
  }
  CHECK(events == 5'000);
}

}  // namespace
}  // namespace weir
