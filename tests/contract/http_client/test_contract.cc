// What every HTTP client promises, on libcurl against the real server and on the twin against the server in memory.
#include <fmt/format.h>

#include <atomic>
#include <functional>

#include "runtime/adapters/curl/curl_client.h"
#include "runtime/adapters/http/http_server.h"
#include "runtime/adapters/memory/memory_http_client.h"
#include "tests/support/catch.h"
#include "tests/support/http_socket.h"
#include "tests/support/script_server.h"

using namespace weir;
using namespace std::chrono_literals;

namespace {

class NoLogbook final : public Logbook {
 public:
  void write(LogLevel, std::string_view, std::string_view) noexcept override {}
};
NoLogbook no_logbook;
const std::atomic<MemoryNetwork> kWhole{MemoryNetwork::whole};

struct Subject {
  std::string name;
  std::unique_ptr<HttpServer> server;
  std::unique_ptr<HttpClient> client;
  std::string url;
};

Subject real(HttpHandler handler) {
  HttpServerConfig config;
  config.port = 0;
  auto server = start_http_server(config, std::move(handler), no_logbook);
  REQUIRE(server);
  auto client = make_curl_client();
  REQUIRE(client);
  std::string url = "http://" + (*server)->address();
  return {"curl", std::move(*server), std::move(*client), std::move(url)};
}

Subject in_memory(HttpHandler handler) {
  auto server = std::make_unique<MemoryHttpServer>(HttpServerConfig{}, std::move(handler));
  auto client = std::make_unique<MemoryHttpClient>(*server, kWhole);
  return {"memory", std::move(server), std::move(client), "http://127.0.0.1:7070"};
}

void on_both(const HttpHandler& handler, const std::function<void(Subject&)>& check) {
  for (auto* make : {&real, &in_memory}) {
    Subject subject = make(handler);
    INFO("client: " << subject.name);
    check(subject);
  }
}

void mirror(const HttpRequest& request, const HttpReply& reply) {
  HttpResponse response;
  response.status = request.parameter("status") ? std::stoi(std::string(*request.parameter("status"))) : 200;
  response.content_type = "text/plain";
  response.headers.emplace_back("X-Place", "here");
  response.headers.emplace_back("X-Place", "there");
  response.body = fmt::format("{} {} {} {}", request.method, fmt::join(request.segments, "|"),
                              request.header("x-a").value_or("-"), request.body.view());
  reply(std::move(response));
}

}  // namespace

TEST_CASE("a call arrives as it was made, and any status is an answer", "[http_client]") {
  on_both(mirror, [](Subject& subject) {
    HttpCall call;
    call.url = subject.url + "/v1/" + percent_encoded("a/b c%\xc3\xa9");
    call.headers = {{"X-A", "1"}};
    auto answer = subject.client->call(call);
    REQUIRE(answer);
    CHECK(answer->status == 200);
    CHECK(answer->body == "GET v1|a/b c%\xc3\xa9 1 ");
    CHECK(answer->header("content-type") == "text/plain");
    CHECK(answer->header("x-place") == "here");
    CHECK_FALSE(answer->header("x-none"));
    call.method = "POST";
    call.body = std::string("a\0b", 3);
    call.url = subject.url + "/x?status=429";
    answer = subject.client->call(call);
    REQUIRE(answer);
    CHECK(answer->status == 429);
    CHECK(answer->body == std::string("POST x 1 a\0b", 12));
    call.method = "PUT";
    CHECK(subject.client->call(call)->body == std::string("PUT x 1 a\0b", 11));
    call.method = "HEAD";
    CHECK(subject.client->call(call)->body.empty());
    call.method = "GET";  // nothing of the call before is left
    call.headers.clear();
    CHECK(subject.client->call(call)->body == "GET x - ");
  });
}

TEST_CASE("an answer that is too large is an error, one byte less is not", "[http_client]") {
  on_both(mirror, [](Subject& subject) {
    HttpCall call;
    call.url = subject.url + "/0123456789";
    call.answer_bytes_max = 17;
    REQUIRE(subject.client->call(call));
    call.answer_bytes_max = 16;
    const auto answer = subject.client->call(call);
    REQUIRE_FALSE(answer);
    CHECK(answer.error().code == Errc::limit_reached);
    CHECK(answer.error().context.find("16 bytes") != std::string::npos);
  });
}

TEST_CASE("an answer that does not come in time is not_ready", "[http_client]") {
  HttpReply kept;
  on_both([&kept](const HttpRequest&, HttpReply reply) { kept = std::move(reply); },
          [](Subject& subject) {
            HttpCall call;
            call.url = subject.url + "/";
            call.timeout = 50ms;
            const auto answer = subject.client->call(call);
            REQUIRE_FALSE(answer);
            CHECK(answer.error().code == Errc::not_ready);
            CHECK(answer.error().context.find(subject.url + " did not answer within 50 ms") != std::string::npos);
          });
}

TEST_CASE("a URL that is none is invalid_argument", "[http_client]") {
  on_both(mirror, [](Subject& subject) {
    for (const std::string url : {"ftp://127.0.0.1/", "localhost:7070", ""}) {
      HttpCall call;
      call.url = url;
      const auto answer = subject.client->call(call);
      REQUIRE_FALSE(answer);
      CHECK(answer.error().code == Errc::invalid_argument);
    }
  });
}

TEST_CASE("nobody there is not_ready and says how to start a node; connections are used again", "[http_client]") {
  HttpCall call;
  {
    Subject subject = real(mirror);
    call.url = subject.url + "/";
    for (int i = 0; i < 5; ++i) CHECK(subject.client->call(call)->status == 200);
    CHECK(subject.server->status().connections == 1);
  }
  const auto client = make_curl_client();
  const auto answer = (*client)->call(call);
  REQUIRE_FALSE(answer);
  CHECK(answer.error().code == Errc::not_ready);
  CHECK(answer.error().context.find("weir up PIPELINE.yaml") != std::string::npos);
  // A server that closes without an answer.
  Subject subject = real([](const HttpRequest&, const HttpReply&) {});
  call.url = subject.url + "/";
  CHECK((*client)->call(call)->status == 500);
  // In memory: the switch.
  std::atomic<MemoryNetwork> network{MemoryNetwork::unreachable};
  MemoryHttpServer server({}, mirror);
  MemoryHttpClient asking(server, network);
  CHECK(asking.call(call).error().code == Errc::not_ready);
  CHECK(server.status().requests == 0);
  network = MemoryNetwork::loses_reply;
  CHECK(asking.call(call).error().code == Errc::not_ready);
  CHECK(server.status().requests == 1);
}

TEST_CASE("an answer that breaks off anywhere is not_ready", "[http_client]") {
  const std::string whole = "HTTP/1.1 200 OK\r\nContent-Length: 4\r\n\r\nbody";
  std::atomic<std::size_t> length{0};
  test::ScriptServer server([&](const test::ScriptRequest&) {
    return test::ScriptReply{whole.substr(0, length), test::ScriptReply::Then::close};
  });
  const auto client = make_curl_client();
  HttpCall call;
  call.url = server.url() + "/";
  for (; length < whole.size(); ++length) {
    INFO(whole.substr(0, length));
    const auto answer = (*client)->call(call);
    REQUIRE_FALSE(answer);
    CHECK(answer.error().code == Errc::not_ready);
  }
  CHECK((*client)->call(call)->body == "body");
}
