// What only a real network can do wrong, against libcurl.
#include <fmt/format.h>
#include <netinet/in.h>
#include <sys/socket.h>
#include <unistd.h>

#include <array>
#include <atomic>
#include <cstdlib>

#include "runtime/adapters/curl/curl_fetcher.h"
#include "tests/contract/http_fetch/fetch_bench.h"
#include "tests/support/catch.h"
#include "tests/support/http_socket.h"

using namespace weir;
using namespace weir::test;
using namespace std::chrono_literals;

namespace {

using Then = ScriptReply::Then;

/// A fetcher in front of a server that says what `script` says; one call after the other.
class Asking {
 public:
  explicit Asking(ScriptServer::Script script, HttpFetchConfig config = {}) : server(std::move(script)) {
    auto made = make_curl_fetcher(std::move(config));
    REQUIRE(made);
    fetch = std::move(*made);
  }
  ~Asking() { fetch->close(); }
  const Result<HttpAnswer>& ask(std::uint64_t answer_bytes_max = 1'000) {
    HttpFetchRequest request;
    request.url = server.url() + "/";
    request.answer_bytes_max = answer_bytes_max;
    REQUIRE(fetch->start(std::move(request), answers.take(++asked)));
    REQUIRE(answers.wait(asked));
    return answers.of(asked);
  }

  ScriptServer server;
  Answers answers;
  std::unique_ptr<HttpFetch> fetch;
  std::size_t asked = 0;
};

}  // namespace

TEST_CASE("answers that break the protocol are not_ready, each on its own connection", "[http_fetch]") {
  const std::array<std::string, 8> wrong{
      "HTTP/1.1 200 OK\r\nContent-Length: many\r\n\r\nx",
      "HTTP/1.1 200 OK\r\nContent-Length: -5\r\n\r\nx",
      "HTTP/1.1 2x0 OK\r\nContent-Length: 1\r\n\r\nx",
      "HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\nzz\r\nx\r\n0\r\n\r\n",
      "HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n5\r\nhal",
      "HTTP/1.1 200 OK\r\nContent-Le",
      "\x16\x03\x01\x02",
      "",
  };
  std::atomic<std::size_t> next{0};
  Asking asking([&](const ScriptRequest&) { return ScriptReply{wrong[next++], Then::close}; });
  for (const std::string& one : wrong) {
    INFO(one);
    const auto& answer = asking.ask();
    REQUIRE_FALSE(answer);
    CHECK(answer.error().code == Errc::not_ready);
  }
  CHECK(asking.server.counts().requests == wrong.size());
  CHECK(asking.server.counts().connections == wrong.size());
}

TEST_CASE("more than the announced length is cut off, and its connection is not trusted again", "[http_fetch]") {
  Asking asking([](const ScriptRequest&) {
    return ScriptReply{
        "HTTP/1.1 200 OK\r\nContent-Length: 4\r\n\r\nfourHTTP/1.1 200 OK\r\nContent-Length: 4\r\n\r\nevil", Then::keep};
  });
  for (int i = 0; i < 3; ++i) CHECK(asking.ask()->body == "four");
  CHECK(asking.server.counts().connections == 3);
}

TEST_CASE("bodies without a length and headers are held to their limits", "[http_fetch]") {
  std::string many_headers = "HTTP/1.1 200 OK\r\n";
  for (int i = 0; i < 70; ++i) many_headers += fmt::format("X-{}: {}\r\n", i, std::string(1'000, 'x'));
  many_headers += "Content-Length: 0\r\n\r\n";
  const std::string x(1'000, 'x');
  const std::string chunked = "HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n3e8\r\n" + x + "\r\n0\r\n\r\n";
  const std::string to_the_end = "HTTP/1.0 200 OK\r\n\r\n" + x;
  const std::array<std::string, 5> replies{to_the_end, to_the_end, chunked, chunked, many_headers};
  std::atomic<std::size_t> next{0};
  Asking asking([&](const ScriptRequest&) { return ScriptReply{replies[next++], Then::close}; });
  for (int i = 0; i < 2; ++i) {
    CHECK(asking.ask(1'000)->body.size() == 1'000);
    CHECK(asking.ask(999).error().code == Errc::limit_reached);
  }
  CHECK(asking.ask().error().code == Errc::limit_reached);
}

TEST_CASE("a connection that the server closed between calls costs nobody an answer", "[http_fetch]") {
  Asking asking([](const ScriptRequest&) { return ScriptReply{http_bytes(200, "x"), Then::close}; });
  for (int i = 0; i < 20; ++i) CHECK(asking.ask()->body == "x");
  CHECK(asking.server.counts().connections == 20);
  CHECK(asking.server.counts().requests == 20);
}

TEST_CASE("an interim answer is not the answer; what is compressed stays so; no cookie comes back", "[http_fetch]") {
  std::string cookies;
  Asking asking([&](const ScriptRequest& request) {
    if (request.head.find("Cookie") != std::string::npos) cookies += request.head;
    if (request.head.find("Accept-Encoding") != std::string::npos) cookies += request.head;
    return ScriptReply{"HTTP/1.1 103 Early Hints\r\nX-Early: 1\r\n\r\n" +
                           http_bytes(200, "not gzip", "Content-Encoding: gzip\r\nSet-Cookie: a=b\r\n"),
                       Then::keep};
  });
  for (int i = 0; i < 2; ++i) {
    const auto& answer = asking.ask();
    REQUIRE(answer);
    CHECK(answer->status == 200);
    CHECK(answer->body == "not gzip");
    CHECK_FALSE(answer->header("x-early"));
  }
  CHECK(cookies.empty());
}

TEST_CASE("a server that recovers is asked again over new connections, without a restart", "[http_fetch]") {
  auto server = std::make_unique<ScriptServer>(say);
  const std::uint16_t port = server->port();
  auto fetch = make_curl_fetcher({});
  REQUIRE(fetch);
  Answers answers;
  std::size_t asked = 0;
  const auto ask = [&] {
    HttpFetchRequest request;
    request.url = fmt::format("http://127.0.0.1:{}/echo", port);
    REQUIRE((*fetch)->start(std::move(request), answers.take(++asked)));
    REQUIRE(answers.wait(asked));
    return answers.of(asked).has_value();
  };
  CHECK(ask());
  server.reset();
  CHECK_FALSE(ask());
  CHECK_FALSE(ask());
  server = std::make_unique<ScriptServer>(say, port);
  CHECK(ask());
  CHECK(ask());
  CHECK(server->counts().connections == 1);
  (*fetch)->close();
}

TEST_CASE("a server that takes no connection costs connect_timeout, not the deadline", "[http_fetch]") {
  // Method: a socket that listens and never accepts, its queue of one filled; Linux leaves further ones without an
  // answer.
  const int listening = ::socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
  sockaddr_in address{};
  address.sin_family = AF_INET;
  address.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
  socklen_t size = sizeof address;
  REQUIRE(::bind(listening, reinterpret_cast<sockaddr*>(&address), size) == 0);
  REQUIRE(::listen(listening, 0) == 0);
  REQUIRE(::getsockname(listening, reinterpret_cast<sockaddr*>(&address), &size) == 0);
  const HttpSocket first(ntohs(address.sin_port));
  REQUIRE(first.connected());
  auto fetch = make_curl_fetcher({});
  REQUIRE(fetch);
  Answers answers;
  HttpFetchRequest request;
  request.url = fmt::format("http://127.0.0.1:{}/", ntohs(address.sin_port));
  request.connect_timeout = 50ms;
  request.deadline = 600s;
  REQUIRE((*fetch)->start(std::move(request), answers.take(0)));
  REQUIRE(answers.wait(1));
  REQUIRE_FALSE(answers.of(0));
  CHECK(answers.of(0).error().code == Errc::not_ready);
  CHECK(answers.of(0).error().context.find("took no connection within 50 ms") != std::string::npos);
  (*fetch)->close();
  ::close(listening);
}

TEST_CASE("a proxy of the environment is not asked", "[http_fetch]") {
  ScriptServer proxy([](const ScriptRequest&) { return ScriptReply{http_bytes(200, "proxy"), Then::keep}; });
  REQUIRE(::setenv("http_proxy", proxy.url().c_str(), 1) == 0);
  Asking asking([](const ScriptRequest&) { return ScriptReply{http_bytes(200, "server"), Then::keep}; });
  CHECK(asking.ask()->body == "server");
  CHECK(proxy.counts().connections == 0);
  REQUIRE(::unsetenv("http_proxy") == 0);
}
