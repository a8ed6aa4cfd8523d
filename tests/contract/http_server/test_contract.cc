// What every HTTP server promises to its handler and to its clients, on the real one, the same inside TLS, and its twin in memory.
#include <fmt/format.h>

#include <atomic>
#include <condition_variable>
#include <deque>
#include <functional>
#include <future>
#include <mutex>
#include <thread>

#include "runtime/adapters/http/http_server.h"
#include "runtime/adapters/memory/memory_http_server.h"
#include "runtime/base/json_text.h"
#include "tests/support/catch.h"
#include "tests/support/http_socket.h"
#include "tests/support/test_identity.h"

using namespace weir;
using namespace std::chrono_literals;

namespace {

class NoLogbook final : public Logbook {
 public:
  void write(LogLevel, std::string_view, std::string_view) noexcept override {}
};
NoLogbook no_logbook;

struct Answer {
  int status = 0;
  std::string content_type;
  std::string retry_after;
  std::string body;
};

/// A server under test and how to ask it, from any thread.
struct Subject {
  std::string name;
  std::unique_ptr<HttpServer> server;
  std::function<Answer(std::string_view method, std::string_view target, std::string_view body)> ask;
};

Subject started(const HttpServerConfig& config, HttpHandler handler, HttpGate gate, std::shared_ptr<const TlsIdentities> tls) {
  const bool secure = tls != nullptr;
  auto server = start_http_server(config, std::move(handler), no_logbook, std::move(gate), std::move(tls));
  REQUIRE(server);
  const std::uint16_t port = (*server)->port();
  test::HttpSocket::speak_tls(secure);
  return {secure ? "https" : "http", std::move(*server), [port](std::string_view method, std::string_view target, std::string_view body) {
            test::HttpSocket socket(port);
            const auto answer = socket.ask(method, target, "X-Colour: blue\r\n", body);
            if (!answer) return Answer{};
            return Answer{answer->status, answer->header("content-type"), answer->header("retry-after"), answer->body};
          }};
}

Subject real(const HttpServerConfig& config, HttpHandler handler, HttpGate gate) {
  return started(config, std::move(handler), std::move(gate), nullptr);
}

Subject real_tls(const HttpServerConfig& config, HttpHandler handler, HttpGate gate) {
  const test::TestIdentity made = test::TestAuthority().make();
  const auto now = std::chrono::duration_cast<std::chrono::microseconds>(std::chrono::system_clock::now().time_since_epoch());
  auto identity = TlsIdentity::make(made.certificate, Secret(made.key), now.count());
  REQUIRE(identity);
  return started(config, std::move(handler), std::move(gate), std::make_shared<TlsIdentities>(*identity));
}

Subject in_memory(const HttpServerConfig& config, HttpHandler handler, HttpGate gate) {
  auto server = std::make_unique<MemoryHttpServer>(config, std::move(handler), std::move(gate));
  MemoryHttpServer& asked = *server;
  return {"memory", std::move(server),
          [&asked](std::string_view method, std::string_view target, std::string_view body) {
            HttpResponse response = asked.ask(method, target, {{"x-colour", "blue"}}, body).get();
            std::string retry_after;
            for (const auto& [key, value] : response.headers)
              if (key == "Retry-After") retry_after = value;
            return Answer{response.status, response.content_type, retry_after, response.body};
          }};
}

HttpServerConfig small_config() {
  HttpServerConfig config;
  config.port = 0;
  config.body_max = 1024;
  config.bodies_bytes_max = 1024;
  config.bodies_wait = 0ms;
  return config;
}

void on_all(const HttpHandler& handler, const std::function<void(Subject&)>& check, const HttpGate& gate = {}) {
  for (auto* make : {&real, &real_tls, &in_memory}) {
    Subject subject = make(small_config(), handler, gate);
    INFO("server: " << subject.name);
    check(subject);
  }
}

/// Requests whose answers the test gives itself.
class Desk {
 public:
  struct Held {
    HttpRequest request;
    HttpReply reply;
  };
  void operator()(HttpRequest request, HttpReply reply) {
    const std::scoped_lock lock(mutex_);
    held_.push_back({std::move(request), std::move(reply)});
    came_.notify_all();
  }
  Held next() {
    std::unique_lock lock(mutex_);
    REQUIRE(came_.wait_for(lock, 20s, [this] { return !held_.empty(); }));
    Held held = std::move(held_.front());
    held_.pop_front();
    return held;
  }

 private:
  std::mutex mutex_;
  std::condition_variable came_;
  std::deque<Held> held_;
};

/// Asks from another thread; what came is checked on this one (Catch2 checks on one thread only).
std::future<Answer> aside(Subject& subject, std::string method, std::string body = {}) {
  return std::async(std::launch::async, [&subject, method = std::move(method), body = std::move(body)] {
    return subject.ask(method, "/", body);
  });
}

HttpHandler at(Desk& desk) {
  return [&desk](HttpRequest request, HttpReply reply) { desk(std::move(request), std::move(reply)); };
}

}  // namespace

TEST_CASE("a request comes as it was sent, taken apart", "[http_server]") {
  const HttpHandler describe = [](const HttpRequest& request, const HttpReply& reply) {
    HttpResponse response;
    response.content_type = "text/plain";
    response.body = fmt::format("{} {} {}\n", request.method, request.path, request.header("x-colour").value_or("-"));
    for (const std::string& segment : request.segments)
      response.body += fmt::format("segment {}\n", to_json_string(segment));
    for (const auto& [name, value] : request.query) response.body += fmt::format("{}={}\n", name, value);
    response.body +=
        fmt::format("none:{} a:{}\n", request.parameter("none").has_value(), request.parameter("a").value_or("-"));
    response.body += request.body.view();
    reply(std::move(response));
  };
  on_all(describe, [](Subject& subject) {
    const Answer answer = subject.ask("POST", "/v1/a%2Fb//by%20day/?a=1&a=2&b+c=%26+x&&d", "the body");
    CHECK(answer.status == 200);
    CHECK(answer.content_type == "text/plain");
    CHECK(answer.body ==
          "POST /v1/a%2Fb//by%20day/ blue\nsegment \"v1\"\nsegment \"a/b\"\nsegment \"\"\nsegment \"by day\"\nsegment "
          "\"\"\n"
          "a=1\na=2\nb c=& x\nd=\nnone:false a:1\nthe body");
    CHECK(subject.ask("HEAD", "/", "").body.empty());
    CHECK(subject.ask("HEAD", "/", "").status == 200);
    CHECK(subject.ask("BREW", "/?x", "").body == "BREW / blue\nx=\nnone:false a:-\n");
    CHECK(subject.server->status().requests == 4);
  });
}

TEST_CASE("a target that cannot be decoded is answered 400 and never handed over", "[http_server]") {
  std::atomic<int> calls{0};
  const HttpHandler count = [&calls](const HttpRequest&, const HttpReply& reply) {
    ++calls;
    reply({});
  };
  on_all(count, [](Subject& subject) {
    for (const std::string target : {"/a%", "/a%4", "/a%zz", "/a?b=%g0", "/%4"}) {
      const Answer answer = subject.ask("GET", target, "");
      CAPTURE(target, answer.body);
      CHECK(answer.status == 400);
      CHECK(answer.content_type == "application/problem+json");
      CHECK(answer.body.find("a '%' itself is %25") != std::string::npos);
    }
    CHECK(subject.server->status().refused == 5);
  });
  CHECK(calls == 0);
}

TEST_CASE("a body has padding behind it that may be read", "[http_server]") {
  const HttpHandler sum = [](const HttpRequest& request, const HttpReply& reply) {
    // Under the address sanitizer this fails where the padding is missing.
    int behind = 0;
    for (std::size_t i = 0; i < kBlockPadding; ++i) behind |= request.body.data()[request.body.size() + i];
    HttpResponse response;
    response.body = fmt::format("{}", behind);
    reply(std::move(response));
  };
  on_all(sum, [](Subject& subject) {
    for (const std::size_t size : {1, 63, 64, 1000, 1024})
      CHECK(subject.ask("POST", "/", std::string(size, 'x')).body == "0");
  });
}

TEST_CASE("a body over body_max is 413 with the limit named, one byte less is taken", "[http_server]") {
  on_all([](const HttpRequest&, const HttpReply& reply) { reply({}); },
          [](Subject& subject) {
            CHECK(subject.ask("POST", "/", std::string(1024, 'x')).status == 200);
            const Answer answer = subject.ask("POST", "/", std::string(1025, 'x'));
            CHECK(answer.status == 413);
            CHECK(answer.body.find("1024") != std::string::npos);
            CHECK(answer.body.find("http.body_max") != std::string::npos);
          });
}

TEST_CASE("bodies count until their last copy is gone, and what finds no room is 429", "[http_server]") {
  Desk desk;
  on_all(at(desk), [&desk](Subject& subject) {
    auto first = aside(subject, "POST", std::string(600, 'x'));
    auto held = desk.next();
    CHECK(subject.server->status().bodies_bytes >= 600);
    const Answer refused = subject.ask("POST", "/", std::string(600, 'x'));
    CHECK(refused.status == 429);
    CHECK(refused.retry_after == "1");
    SharedBytes kept = held.request.body;
    held.request = {};
    held.reply({});
    CHECK(first.get().status == 200);
    CHECK(subject.ask("POST", "/", std::string(600, 'x')).status == 429);
    kept = {};
    CHECK(subject.server->status().bodies_bytes == 0);
    auto second = aside(subject, "POST", std::string(600, 'x'));
    HttpResponse created;
    created.status = 201;
    desk.next().reply(created);
    CHECK(second.get().status == 201);
  });
}

TEST_CASE("the first answer counts, from whatever thread; a dropped reply and an exception are 500", "[http_server]") {
  Desk desk;
  on_all(at(desk), [&desk](Subject& subject) {
    auto client = aside(subject, "GET");
    auto held = desk.next();
    CHECK(subject.server->status().requests_in_flight == 1);
    std::thread([reply = held.reply] {
      HttpResponse response;
      response.body = "first";
      reply(response);
      response.body = "second";
      reply(response);
    }).join();
    CHECK(client.get().body == "first");
    CHECK(subject.server->status().requests_in_flight == 0);
    auto dropped = aside(subject, "GET");
    { const auto gone = desk.next(); }
    held = {};
    CHECK(dropped.get().status == 500);
  });
  on_all([](const HttpRequest&, const HttpReply&) { throw std::runtime_error("no"); },
          [](Subject& subject) { CHECK(subject.ask("GET", "/", "").status == 500); });
}

TEST_CASE("close waits for answers of what was handed over, and afterwards replies have no effect", "[http_server]") {
  Desk desk;
  HttpReply late;
  on_all(at(desk), [&](Subject& subject) {
    auto client = aside(subject, "GET");
    auto held = desk.next();
    std::thread closer([&] { subject.server->close(20s); });
    HttpResponse accepted;
    accepted.status = 202;
    held.reply(accepted);
    CHECK(client.get().status == 202);
    closer.join();
    subject.server->close(0ms);
    CHECK(subject.server->status().requests_in_flight == 0);
    late = held.reply;
  });
  late({});
  on_all(at(desk), [&](Subject& subject) {
    // Without patience the client gets no answer, or is told so; the reply comes to nobody.
    auto client = aside(subject, "GET");
    late = desk.next().reply;
    subject.server->close(0ms);
    const int status = client.get().status;
    CHECK((status == 0 || status == 503));
  });
  late({});
}

TEST_CASE("a gate refuses a request before its body is looked at, or says who asks", "[http_server]") {
  const HttpGate gate = [](HttpRequest& request) -> std::optional<HttpResponse> {
    CHECK(request.principal.name == "anonymous");
    CHECK_FALSE(request.principal.role);
    CHECK(request.body.size() == 0);
    CHECK(request.header("x-colour") == "blue");
    if (request.parameter("who") == "anna") {
      request.principal = {"anna", Role::operate};
      return std::nullopt;
    }
    HttpResponse refusal = problem(401, "who are you?");
    refusal.headers.emplace_back("Retry-After", "1");
    return refusal;
  };
  std::atomic<int> calls{0};
  const HttpHandler handler = [&calls](const HttpRequest& request, const HttpReply& reply) {
    ++calls;
    HttpResponse response;
    response.body = fmt::format("{} {} {}", request.principal.name, to_string(*request.principal.role), request.body.view());
    reply(std::move(response));
  };
  on_all(handler,
         [&calls](Subject& subject) {
           const int before = calls;
           CHECK(subject.ask("POST", "/?who=anna", "hello").body == "anna operate hello");
           const Answer refused = subject.ask("POST", "/?who=bert", "hello");
           CHECK(refused.status == 401);
           CHECK(refused.content_type == "application/problem+json");
           CHECK(refused.retry_after == "1");
           CHECK(refused.body.find("who are you?") != std::string::npos);
           CHECK(subject.ask("HEAD", "/", "").status == 401);
           CHECK(subject.ask("HEAD", "/", "").body.empty());
           // The body alone would be 413.
           CHECK(subject.ask("POST", "/", std::string(1025, 'x')).status == 401);
           CHECK(subject.server->status().bodies_bytes == 0);
           CHECK(subject.server->status().refused == 4);
           CHECK(subject.server->status().requests == 1);
           CHECK(calls == before + 1);
         },
         gate);
}
