// `weir ingest` without a node: the requests it makes of frames, and how it gets them through to a server that is away,
// overloaded, loses answers, or refuses.
#include <fmt/format.h>

#include <cstring>
#include <map>
#include <nlohmann/json.hpp>
#include <random>
#include <set>

#include "actors/doors/file_door.h"
#include "cluster/cli/ingest_sender.h"
#include "cluster/cli/node_client.h"
#include "runtime/adapters/memory/memory_http_client.h"
#include "runtime/adapters/system/system_clock.h"
#include "tests/support/catch.h"

using namespace weir;
using namespace weir::cli;
using namespace std::chrono_literals;

namespace {

struct Seen {
  std::string raw, id;
  std::uint32_t partition = 0;
  friend bool operator==(const Seen&, const Seen&) = default;
};

FileDoorConfig door_config(const InputFormat& format) {
  FileDoorConfig config;
  config.input = "test";
  config.framing.framing = format.framing;
  config.router.partitions = 8;
  config.router.format = format.frames;
  IdRule rule;
  rule.digest = false;
  rule.fields = {FieldPath{{"id"}, "id"}};
  config.router.id = event_id_rule(rule, format.frames);
  config.router.door = "http";
  return config;
}

/// Every frame of `bytes`, with what the door found; `batches` gets what it took.
Result<std::vector<Seen>> frame_all(const InputFormat& format, std::string_view bytes,
                                    const std::function<void(PartitionId, const IngestBatch&)>& batches = {}) {
  WEIR_ASSIGN(FileDoor door, FileDoor::open(door_config(format), std::nullopt));
  std::vector<Seen> seen;
  for (;;) {
    switch (door.step()) {
      case FileDoorStep::more: {
        const auto space = door.space();
        const std::size_t count = std::min(space.size(), bytes.size());
        if (count == 0) {
          door.ended();
          break;
        }
        std::memcpy(space.data(), bytes.data(), count);
        door.filled(count);
        bytes.remove_prefix(count);
        break;
      }
      case FileDoorStep::group:
        for (const PartitionBatch& batch : door.take(0).batches) {
          const auto decoded = IngestBatch::decode(batch.bytes);
          if (batches) batches(batch.partition, *decoded);
          for (std::uint32_t i = 0; i < decoded->count(); ++i) {
            const RawEvent event = decoded->event(i);
            seen.push_back({std::string(event.raw), std::string(event.id), batch.partition.value});
          }
        }
        break;
      case FileDoorStep::refused:
        return fail(door.error());
      case FileDoorStep::jump:
      case FileDoorStep::finished:
        return seen;
    }
  }
}

/// As the node understands a body.
InputFormat body_format(std::string_view content_type) {
  if (content_type == "text/csv") return {Framing::csv, FrameFormat::csv};
  if (content_type == "application/x-ndjson") return {Framing::lines, FrameFormat::json};
  if (content_type == "application/cloudevents-batch+json") return {Framing::json, FrameFormat::cloudevents};
  REQUIRE(content_type == "application/json");
  return {Framing::json, FrameFormat::json};
}

using Sent = std::pair<std::uint32_t, IngestRequest>;
std::vector<Sent> requests_of(const InputFormat& format, std::string_view bytes, const IngestRequestLimits& limits) {
  std::vector<Sent> sent;
  RequestMaker maker(limits,
                     [&](std::uint32_t lane, IngestRequest request) { sent.emplace_back(lane, std::move(request)); });
  maker.begin(format);
  const auto framed = frame_all(
      format, bytes, [&](PartitionId partition, const IngestBatch& batch) { REQUIRE(maker.add(partition, batch)); });
  REQUIRE(framed);
  maker.flush();
  return sent;
}

/// Frames the requests as a node would: the same frames and ids, those of a partition in the same order.
void check_same_frames(const InputFormat& format, std::string_view bytes, const IngestRequestLimits& limits) {
  const auto before = frame_all(format, bytes);
  REQUIRE(before);
  std::map<std::uint32_t, std::vector<Seen>> expected, got;
  for (const Seen& one : *before) expected[one.partition].push_back(one);
  for (const auto& [lane, request] : requests_of(format, bytes, limits)) {
    const std::string body = request.body();
    CAPTURE(request.content_type, body);
    CHECK(request.events.size() <= limits.events_max);
    const auto framed = frame_all(body_format(request.content_type), body);
    REQUIRE(framed);
    REQUIRE(framed->size() == request.events.size());
    std::multiset<std::string> ids, found;
    for (const auto& event : request.events) ids.insert(event.id);
    for (const Seen& one : *framed) {
      CHECK(one.partition % limits.lanes == lane);
      found.insert(one.id);
      got[one.partition].push_back(one);
    }
    CHECK(ids == found);
  }
  CHECK(got == expected);
}

constexpr InputFormat kLines{Framing::lines, FrameFormat::json}, kCsv{Framing::csv, FrameFormat::csv},
    kJson{Framing::json, FrameFormat::json}, kCloudLines{Framing::lines, FrameFormat::cloudevents};

}  // namespace

TEST_CASE("requests hold the frames of the input, byte for byte, whatever the format", "[ingest]") {
  const IngestRequestLimits small{.lanes = 3, .events_max = 4, .bytes_max = 200};
  std::string lines, csv = "id,text\n", array = "[", cloud;
  for (int i = 0; i < 60; ++i) {
    lines += i % 7 == 0 ? fmt::format("not json, {}\n", i)
                        : fmt::format("{{\"id\":\"{}\",\"n\":1}}{}", i % 20, i % 2 == 0 ? "\n" : "\r\n");
    csv += i % 11 == 0 ? fmt::format("{},\"open {}\n", i, i) : fmt::format("{},\"a \"\"{}\"\"\nb\"\n", i, i);
    array += fmt::format("{}{{\"id\":{}{}}}", i == 0 ? "" : ", ", i, i % 5 == 0 ? ",\n\"a\": 1" : "");
    cloud += i % 9 == 0 ? fmt::format("{{\"id\":\"{}\",[]\n", i)
                        : fmt::format("{{\"id\":\"{}\",\"specversion\":\"1.0\"}}\n", i);
  }
  check_same_frames(kLines, lines, small);
  check_same_frames(kCsv, csv, small);
  check_same_frames(kJson, array + "]", small);
  check_same_frames(kCloudLines, cloud, small);
  check_same_frames(kLines, lines, {.lanes = 1});
  check_same_frames(kCsv, csv, {.lanes = 1});
  check_same_frames(kJson, "{\n\"id\": 1\n}", small);
  check_same_frames(kLines, "", small);
}

TEST_CASE("an id is looked for where the node will look for it, whatever format the command line names", "[ingest]") {
  CHECK(format_at_node(kLines, RecordFormat::cloudevents) == kCloudLines);
  CHECK(format_at_node(kJson, RecordFormat::cloudevents) == InputFormat{Framing::json, FrameFormat::cloudevents});
  CHECK(format_at_node(kCsv, RecordFormat::cloudevents) == kCsv);
  CHECK(format_at_node(kLines, RecordFormat::any) == kLines);
}

TEST_CASE("frames that end or begin like something else are sent so that they stay what they are", "[ingest]") {
  const IngestRequestLimits single{.lanes = 2, .events_max = 1};
  for (const IngestRequestLimits& limits : {single, IngestRequestLimits{.lanes = 2}}) {
    check_same_frames(kLines, "{\"id\":1}\r\r\n{\"id\":2}\r\n{\"id\":3}\r", limits);
    check_same_frames(kLines, "{\"id\":1}\n\xef\xbb\xbf{\"id\":2}\n\xef\xbb\xbf{\"id\":3}\n", limits);
    check_same_frames(kCsv, "id,a\r\r\n1,x\r\n2,y\n", limits);
    check_same_frames(kCsv, "\xef\xbb\xbfid,a\n1,x\r\r\n2,y\r\n3,z\r", limits);
    check_same_frames(kCloudLines, "{\"id\":\"1\"\r\r\n\xef\xbb\xbf{\"id\":\"2\"}\r\r\n", limits);
  }
}

TEST_CASE("CSV as good and bad as chance makes it reaches the node as the same records", "[ingest]") {
  // Goal: a stray quote never swallows other lines because they are divided anew. Method: random records, seed printed.
  const auto seed = Catch::rngSeed() == 0 ? 4711u : Catch::rngSeed();
  CAPTURE(seed);
  std::mt19937 random(seed);
  for (int round = 0; round < 200; ++round) {
    std::string csv = "id,a,b\n";
    for (int i = 0; i < 30; ++i) {
      csv += std::to_string(random() % 15);
      for (int k = 0; k < 6; ++k) csv += std::string_view(",x\"\n ")[random() % 5];
      csv += '\n';
    }
    CAPTURE(csv);
    check_same_frames(kCsv, csv,
                      {.lanes = 1 + static_cast<std::uint32_t>(random() % 4), .events_max = 5, .bytes_max = 100});
  }
}

TEST_CASE("answers mean what they say", "[ingest]") {
  using Kind = IngestVerdict::Kind;
  const auto judged = [](int status, const std::string& body,
                         std::vector<std::pair<std::string, std::string>> headers = {}) {
    return judge_answer(HttpAnswer{status, std::move(headers), body}, 5);
  };
  CHECK(judged(202, R"({"accepted":5,"durability":"durable","token":"x"})").kind == Kind::acknowledged);
  CHECK(judged(202, R"({"accepted":4})").error.code == Errc::internal);
  CHECK(judged(202, "hello").kind == Kind::refused);
  CHECK(judged(413, R"({"detail":"at most 7"})").kind == Kind::split);
  for (const int status : {408, 429, 500, 503, 507}) CHECK(judged(status, "{}").kind == Kind::again);
  CHECK(judged(429, "{}", {{"retry-after", "3"}}).retry_after == 3s);
  CHECK(judged(429, "{}", {{"retry-after", "999999"}}).retry_after == 60s);
  CHECK(judged(429, "{}", {{"retry-after", "soon"}}).retry_after == 0s);
  const auto bad = judged(400, R"({"title":"Bad Request","detail":"line 3 is no JSON"})");
  CHECK(bad.kind == Kind::refused);
  CHECK(bad.error.code == Errc::input_unreadable);
  CHECK(judged(415, "{}").error.code == Errc::invalid_argument);
  CHECK(bad.error.context == "the node refused a batch: line 3 is no JSON");
  CHECK(judged(403, "{}").error.code == Errc::limit_reached);
  CHECK(judge_answer(fail(Errc::not_ready, "away"), 1).kind == Kind::again);
  CHECK(judge_answer(fail(Errc::invalid_argument, "no URL"), 1).kind == Kind::refused);
}

TEST_CASE("waits double up to their limit, half by chance, and heed the node", "[ingest]") {
  for (const std::uint64_t chance : {0ull, 1ull, 12'345ull, ~0ull}) {
    std::chrono::milliseconds most = 100ms;
    for (std::uint32_t attempt = 1; attempt < 60; ++attempt) {
      const auto wait = retry_wait(attempt, 100ms, 5s, 0ms, chance);
      CHECK(wait >= most / 2);
      CHECK(wait <= most);
      most = std::min<std::chrono::milliseconds>(most * 2, 5s);
    }
  }
  CHECK(retry_wait(1, 100ms, 5s, 7s, 0) == 7s);
}

TEST_CASE("no wait and no try goes beyond the time after which a request is given up", "[ingest]") {
  CHECK(wait_within(60s, 0s, 5s) == 5s);  // whatever the node asks for
  CHECK(wait_within(60s, 4s, 5s) == 1s);
  CHECK(wait_within(200ms, 4s, 5s) == 200ms);
  CHECK(wait_within(60s, 4'999ms, 5s) == 1ms);
  CHECK_FALSE(wait_within(60s, 5s, 5s).has_value());
  CHECK_FALSE(wait_within(1ms, 9s, 5s).has_value());
  CHECK(try_timeout(0s, 10min) == 60s);
  CHECK(try_timeout(9min + 50s, 10min) == 10s);
  CHECK(try_timeout(10min, 10min) == 1s);  // the last try
  CHECK(try_timeout(0s, 20ms) == 1s);
}

TEST_CASE("a node's pipeline is read, and what is none is named", "[ingest]") {
  const auto pipeline = parse_node_pipeline(
      R"({"name":"p","partitions":4,"record":{"format":"csv","id":["a\\.b.c","@source"],"csv":{"separator":";","record_lines_max":9}},"limits":{"event_bytes_max":1000}})");
  REQUIRE(pipeline);
  CHECK(pipeline->partitions == 4);
  CHECK(pipeline->record.format == RecordFormat::csv);
  CHECK_FALSE(pipeline->record.id.digest);
  CHECK(pipeline->record.id.fields[0].parts == std::vector<std::string>{"a.b", "c"});
  CHECK(pipeline->record.id.fields[1].envelope());
  CHECK(pipeline->record.csv.separator == ';');
  CHECK(pipeline->record.csv.record_lines_max == 9);
  CHECK(pipeline->event_bytes_max == 1000);
  for (const std::string bad : {"", "[]", "{}", R"({"name":"p","partitions":0})", R"({"name":1})"})
    CHECK_FALSE(parse_node_pipeline(bad));
}

namespace {

/// A node of the test: remembers what it was sent, answers what the script says.
struct Node {
  std::mutex mutex;
  std::function<std::optional<HttpResponse>(const HttpRequest&, std::size_t number)> script;
  std::vector<Seen> accepted;  // also what was sent twice
  std::size_t requests = 0;
  std::atomic<MemoryNetwork> network{MemoryNetwork::whole};
  MemoryHttpServer server{
      HttpServerConfig{}, [this](const HttpRequest& request, const HttpReply& reply) {
        const std::scoped_lock lock(mutex);
        if (script) {
          if (auto answer = script(request, ++requests)) return reply(std::move(*answer));
        }
        const auto framed = frame_all(body_format(*request.header("content-type")), request.body.view());
        if (!framed) return reply(problem(400, framed.error().context));
        accepted.insert(accepted.end(), framed->begin(), framed->end());
        HttpResponse response;
        response.status = 202;
        response.body = fmt::format(R"({{"accepted":{},"durability":"durable","token":"t"}})", framed->size());
        reply(std::move(response));
      }};
};

struct Outcome {
  Result<void> result;
  IngestTotals totals;
  std::multiset<std::string> acked;
  std::vector<std::string> notes;
};

class FixedRng final : public Rng {
 public:
  [[nodiscard]] std::uint64_t next() override { return 7; }
};

Outcome send_lines(Node& node, int events, std::chrono::microseconds give_up_after = 20s,
                   const std::atomic<int>* stop = nullptr) {
  static const std::atomic<int> never{0};
  const SystemClock clock;
  FixedRng rng;
  Outcome outcome;
  IngestSenderConfig config;
  config.url = "http://127.0.0.1:7070";
  config.backoff_min = 1ms;
  config.backoff_max = 5ms;
  config.give_up_after = give_up_after;
  config.client = [&node]() -> Result<std::unique_ptr<HttpClient>> {
    return std::make_unique<MemoryHttpClient>(node.server, node.network);
  };
  config.acknowledged = [&outcome](const IngestRequest& request) -> Result<void> {
    for (const auto& event : request.events) outcome.acked.insert(event.id);
    return {};
  };
  config.note = [&outcome](const std::string& text) { outcome.notes.push_back(text); };
  IngestSender sender(std::move(config), clock, rng, stop != nullptr ? *stop : never);
  RequestMaker maker({.lanes = 4, .events_max = 10},
                     [&](std::uint32_t lane, IngestRequest request) { sender.give(lane, std::move(request)); });
  std::string lines;
  for (int i = 0; i < events; ++i) lines += fmt::format("{{\"id\":\"e{}\",\"version\":{}}}\n", i % 50, i);
  maker.begin(kLines, "sales.ndjson");
  REQUIRE(frame_all(kLines, lines,
                    [&](PartitionId partition, const IngestBatch& batch) { REQUIRE(maker.add(partition, batch)); }));
  maker.flush();
  outcome.result = sender.finish();
  outcome.totals = sender.totals();
  return outcome;
}

/// Versions of one id only ever grow: their order was kept. A repeated request repeats a run of them.
void check_order(const Node& node) {
  std::map<std::string, std::vector<std::string>> first_seen;
  std::set<std::string> known;
  std::map<std::string, int> last;
  for (const Seen& one : node.accepted) {
    if (!known.insert(one.raw).second) continue;
    const int version = nlohmann::json::parse(one.raw)["version"];
    const auto before = last.find(one.id);
    if (before != last.end()) CHECK(before->second < version);
    last[one.id] = version;
  }
}

}  // namespace

TEST_CASE("everything is acknowledged once to us, in the order of each id, through every trouble", "[ingest]") {
  const auto seed = Catch::rngSeed() == 0 ? 99u : Catch::rngSeed();
  CAPTURE(seed);
  std::mt19937 random(seed);
  Node node;
  node.script = [&](const HttpRequest&, std::size_t) -> std::optional<HttpResponse> {
    node.network = random() % 5 == 0   ? MemoryNetwork::unreachable
                   : random() % 5 == 0 ? MemoryNetwork::loses_reply
                                       : MemoryNetwork::whole;
    if (random() % 4 == 0) return problem(random() % 2 == 0 ? 503 : 429, "later");
    return std::nullopt;
  };
  // A network that is away for good would never call the script again.
  std::atomic<bool> done{false};
  std::thread healer([&] {
    while (!done) {
      std::this_thread::yield();
      node.network = MemoryNetwork::whole;
    }
  });
  const Outcome outcome = send_lines(node, 2'000);
  done = true;
  healer.join();
  REQUIRE(outcome.result);
  CHECK(outcome.totals.events == 2'000);
  CHECK(outcome.acked.size() == 2'000);
  CHECK(outcome.totals.retries > 0);
  CHECK_FALSE(outcome.notes.empty());
  std::set<std::string> distinct;
  for (const Seen& one : node.accepted) distinct.insert(one.raw);
  CHECK(distinct.size() == 2'000);
  check_order(node);
}

TEST_CASE("a batch that is too large is sent in halves, one event that is too large ends it", "[ingest]") {
  Node node;
  node.script = [](const HttpRequest& request, std::size_t) -> std::optional<HttpResponse> {
    if (request.body.size() > 100) return problem(413, "at most 100 bytes are taken");
    return std::nullopt;
  };
  const Outcome outcome = send_lines(node, 500);
  REQUIRE(outcome.result);
  CHECK(outcome.acked.size() == 500);
  CHECK(node.accepted.size() == 500);
  check_order(node);
  node.script = [](const HttpRequest&, std::size_t) -> std::optional<HttpResponse> {
    return problem(413, "at most 1 byte is taken");
  };
  const Outcome refused = send_lines(node, 50);
  REQUIRE_FALSE(refused.result);
  CHECK(refused.result.error().code == Errc::limit_reached);
  CHECK(refused.result.error().context == "the node refused a batch: at most 1 byte is taken");
  CHECK(refused.acked.empty());
}

TEST_CASE("what the node refuses ends it, with what was acknowledged before", "[ingest]") {
  Node node;
  node.script = [](const HttpRequest&, std::size_t number) -> std::optional<HttpResponse> {
    if (number > 3) return problem(400, "no");
    return std::nullopt;
  };
  const Outcome outcome = send_lines(node, 1'000);
  REQUIRE_FALSE(outcome.result);
  CHECK(outcome.result.error().code == Errc::input_unreadable);
  CHECK(outcome.result.error().context == "input sales.ndjson: the node refused a batch: no");
  CHECK(outcome.totals.requests == 3);
  CHECK(outcome.acked.size() == node.accepted.size());
}

TEST_CASE("a node that asks for more patience than there is is asked once more when it is over, then given up", "[ingest]") {
  Node node;
  node.script = [](const HttpRequest&, std::size_t) -> std::optional<HttpResponse> {
    HttpResponse busy = problem(503, "busy");
    busy.headers.emplace_back("Retry-After", "60");
    return busy;
  };
  const Outcome outcome = send_lines(node, 1, 20ms);
  REQUIRE_FALSE(outcome.result);
  CHECK(outcome.result.error().code == Errc::not_ready);
  CHECK(node.requests == 2);
}

TEST_CASE("a node that stays away is given up after the time, and a signal ends it at once", "[ingest]") {
  Node node;
  node.network = MemoryNetwork::unreachable;
  const Outcome gave_up = send_lines(node, 100, 20ms);
  REQUIRE_FALSE(gave_up.result);
  CHECK(gave_up.result.error().code == Errc::not_ready);
  CHECK(gave_up.result.error().context.find("given up after") != std::string::npos);
  CHECK(gave_up.totals.retries > 0);
  CHECK(gave_up.notes.size() == 1);
  const std::atomic<int> stop{15};
  const Outcome stopped = send_lines(node, 100, 20s, &stop);
  REQUIRE_FALSE(stopped.result);
  CHECK(stopped.result.error().code == Errc::cancelled);
}
