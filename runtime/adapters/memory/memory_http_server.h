// An HTTP server without a network: requests are handed to it, answers come back as futures. For tests of what answers
// them.
#pragma once
#include <condition_variable>
#include <future>
#include <mutex>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "runtime/ports/http_server.h"

namespace weir {

/// Keeps the port's promises about whole requests, limits of bodies, replies and close(); there is nothing to wait for,
/// so a body that finds no room is answered 429 at once. Thread-safe.
class MemoryHttpServer final : public HttpServer {
 public:
  /// Handler and gate are called on the threads that call ask(). `config` is taken as it is.
  MemoryHttpServer(HttpServerConfig config, HttpHandler handler, HttpGate gate = {});
  MemoryHttpServer(const MemoryHttpServer&) = delete;
  MemoryHttpServer& operator=(const MemoryHttpServer&) = delete;
  ~MemoryHttpServer() override;

  using Headers = std::vector<std::pair<std::string, std::string>>;
  /// The answer as a client would get it (HEAD: without its body). 503 when the server is closed, or closes without an
  /// answer.
  [[nodiscard]] std::future<HttpResponse> ask(std::string_view method, std::string_view target, Headers headers = {},
                                              std::string_view body = {});

  [[nodiscard]] std::uint16_t port() const override { return config_.port; }
  [[nodiscard]] std::string address() const override;
  [[nodiscard]] HttpServerStatus status() const override;
  void close(std::chrono::milliseconds patience) override;

 private:
  struct State;
  class Slot;
  HttpServerConfig config_;
  HttpHandler handler_;
  HttpGate gate_;
  std::shared_ptr<State> state_;  // replies and bodies may outlive the server
};

}  // namespace weir
