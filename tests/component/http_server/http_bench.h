// A server with its handler, for tests that speak to it over raw sockets.
#pragma once
#include <fmt/format.h>

#include <algorithm>
#include <condition_variable>
#include <cstdlib>
#include <deque>
#include <memory>
#include <mutex>
#include <string>
#include <thread>
#include <vector>

#include "runtime/adapters/http/http_server.h"
#include "tests/support/catch.h"
#include "tests/support/http_socket.h"
#include "tests/support/test_identity.h"

namespace weir::test {

using namespace std::chrono_literals;

class RecordingLogbook final : public Logbook {
 public:
  void write(LogLevel level, std::string_view, std::string_view text) noexcept override {
    const std::scoped_lock lock(mutex_);
    lines_.emplace_back(level, std::string(text));
  }
  [[nodiscard]] std::size_t count(LogLevel level) const {
    const std::scoped_lock lock(mutex_);
    return static_cast<std::size_t>(
        std::count_if(lines_.begin(), lines_.end(), [level](const auto& line) { return line.first == level; }));
  }

 private:
  mutable std::mutex mutex_;
  std::vector<std::pair<LogLevel, std::string>> lines_;
};

/// Waits until the server's threads have brought it about; false after 20 s.
template <class Condition>
bool comes_true(Condition condition) {
  const auto until = std::chrono::steady_clock::now() + 20s;
  while (!condition()) {
    if (std::chrono::steady_clock::now() > until) return false;
    std::this_thread::yield();
  }
  return true;
}

inline std::shared_ptr<const TlsIdentity> sound(const TestIdentity& made) {
  const auto identity = TlsIdentity::make(made.certificate, Secret(made.key), std::chrono::duration_cast<std::chrono::microseconds>(std::chrono::system_clock::now().time_since_epoch()).count());
  if (!identity) FAIL(identity.error().what);
  return *identity;
}

/// Whether the whole program speaks TLS: every test of the server holds inside it, too.
inline bool over_tls() {
  return std::getenv("WEIR_TEST_TLS") != nullptr;
}

/// "/echo": the body. "/size": its size. "/big?N": N bytes. "/hold": waits for next_held(). Others: the path.
class Bench {
 public:
  explicit Bench(HttpServerConfig config = {}) {
    config.port = 0;
    HttpSocket::speak_tls(over_tls());
    std::shared_ptr<TlsIdentities> tls;
    if (over_tls()) tls = std::make_shared<TlsIdentities>(sound(TestAuthority().make()));
    auto started = start_http_server(
        config, [this](HttpRequest request, HttpReply reply) { handle(std::move(request), std::move(reply)); },
        logbook, {}, std::move(tls));
    if (!started) FAIL(started.error().context);
    server = std::move(*started);
    port = server->port();
  }
  struct Held {
    HttpRequest request;
    HttpReply reply;
  };
  Held next_held() {
    std::unique_lock lock(mutex_);
    REQUIRE(came_.wait_for(lock, 20s, [this] { return !held_.empty(); }));
    Held held = std::move(held_.front());
    held_.pop_front();
    return held;
  }
  /// Soon: a client may see the end of its answer before the server has booked it.
  void expect_idle() const {
    CHECK(comes_true([this] {
      const HttpServerStatus status = server->status();
      return status.bodies_bytes == 0 && status.answers_bytes == 0 && status.requests_in_flight == 0;
    }));
  }

  RecordingLogbook logbook;
  std::unique_ptr<HttpServer> server;
  std::uint16_t port = 0;

 private:
  void handle(HttpRequest request, HttpReply reply) {
    HttpResponse response;
    response.content_type = "text/plain";
    if (request.path == "/hold") {
      const std::scoped_lock lock(mutex_);
      held_.push_back({std::move(request), std::move(reply)});
      return came_.notify_all();
    }
    if (request.path == "/echo")
      response.body = request.body.view();
    else if (request.path == "/size")
      response.body = fmt::format("{}", request.body.size());
    else if (request.path == "/big")
      response.body.assign(std::stoul(request.query.front().first), 'b');
    else if (request.path == "/split")
      response.headers.emplace_back("X-Bad", "a\r\nX-Worse: b");
    else
      response.body = request.path;
    reply(std::move(response));
  }

  std::mutex mutex_;
  std::condition_variable came_;
  std::deque<Held> held_;
};

}  // namespace weir::test
