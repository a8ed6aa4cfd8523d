// What is sent to a server, and what its answers mean.
#include "actors/sinks/http_target.h"
#include "tests/support/catch.h"

using namespace weir;
using namespace std::chrono_literals;
using Kind = SinkAnswer::Kind;

namespace {

SinkBatch batch() {
  SinkBatch batch;
  batch.key = "k1";
  batch.items = {{R"({"n":1})", "a", {}}, {R"({"n":2})", "b", {}}};
  return batch;
}
Kind judged(int status, std::vector<int> temporary = {}) {
  HttpSinkConfig config;
  config.url = "http://hooks.example/x";
  config.temporary_statuses = std::move(temporary);
  return judge_answer(config, HttpAnswer{status, {}, {}}, 0).kind;
}

}  // namespace

TEST_CASE("each status means one thing: taken, tried again, refused, or a sink that cannot go on", "[sink]") {
  for (const int status : {200, 201, 202, 204}) CHECK(judged(status) == Kind::taken);
  for (const int status : {408, 409, 425, 429, 500, 502, 503, 504, 599}) CHECK(judged(status) == Kind::failed);
  for (const int status : {400, 413, 422}) CHECK(judged(status) == Kind::refused);
  for (const int status : {100, 301, 308, 401, 403, 404, 405, 410, 415}) CHECK(judged(status) == Kind::unusable);
  CHECK(judged(401, {401}) == Kind::failed);
  CHECK(judged(422, {422}) == Kind::failed);
}

TEST_CASE("silence and a broken connection are tried again, an address that is none is not", "[sink]") {
  const HttpSinkConfig config;
  CHECK(judge_answer(config, fail(Errc::not_ready, "nobody listens"), 0).kind == Kind::failed);
  CHECK(judge_answer(config, fail(Errc::limit_reached, "it says too much"), 0).kind == Kind::failed);
  CHECK(judge_answer(config, fail(Errc::invalid_argument, "a port"), 0).kind == Kind::unusable);
}

TEST_CASE("Retry-After is kept to, up to retry_after_max, and messages say who said what", "[sink]") {
  HttpSinkConfig config;
  config.url = "http://hooks.example/x";
  const auto answer = judge_answer(config, HttpAnswer{503, {{"retry-after", "7"}}, "over\nloaded\n"}, 0);
  CHECK(answer.pause == 7s);
  CHECK(answer.reason == "http://hooks.example answered 503: over loaded");
  CHECK(judge_answer(config, HttpAnswer{429, {{"retry-after", "7200"}}, {}}, 0).pause == 300s);
}

TEST_CASE("a request has the records as lines or as an array, its key, and headers from files", "[sink]") {
  HttpSinkConfig config;
  config.url = "http://hooks.example/x";
  config.headers = {{"X-Shop", "7", {}}, {"Authorization", {}, "token.txt"}};
  const auto read = [](const std::string& file) -> Result<std::string> { return file == "token.txt" ? Result<std::string>("Bearer t\n") : fail(Errc::not_found, "no"); };
  const HttpFetchRequest array = request_of(config, batch(), read).value();
  CHECK(array.method == "POST");
  CHECK(array.body == R"([{"n":1},{"n":2}])");
  using Headers = std::vector<std::pair<std::string, std::string>>;
  CHECK(array.headers == Headers{{"Content-Type", "application/cloudevents-batch+json"}, {"Idempotency-Key", "\"k1\""}, {"X-Shop", "7"}, {"Authorization", "Bearer t"}});
  config.text = {SinkFormat::ndjson, SinkEnvelope::none, {}};
  config.headers.clear();
  const HttpFetchRequest lines = request_of(config, batch(), read).value();
  CHECK(lines.body == "{\"n\":1}\n{\"n\":2}\n");
  CHECK(lines.headers[0].second == "application/x-ndjson");
  config.text = {SinkFormat::json, SinkEnvelope::none, {}};
  CHECK(request_of(config, batch(), read)->headers[0].second == "application/json");
  config.headers = {{"Authorization", {}, "gone.txt"}};
  CHECK(request_of(config, batch(), read).error().context == "the header Authorization: no");
}
