// Asking HTTP servers without waiting for them: many calls under way at once, each answered exactly once.
#pragma once
#include <chrono>
#include <cstdint>
#include <functional>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "runtime/ports/http_client.h"

namespace weir {

struct HttpFetchConfig {
  /// Range 1..1'000 connections to one server (name and port) at once; further calls to it wait for one.
  std::uint32_t connections_per_host_max = 8;
  /// Range 1..10'000 connections at once, those kept open between calls included; further calls wait for one.
  std::uint32_t connections_max = 64;
  /// Range 1..100'000 calls that were started and not answered; further ones are refused.
  std::uint32_t calls_outstanding_max = 1'000;
  /// Range 1..3'600 s (whole seconds count). A connection unused for longer is not used again: servers close theirs.
  std::chrono::seconds idle_max{30};
  /// PEM file of the authorities that `https` servers are checked against; empty: the system's.
  std::string ca_file{};

  /// Error config_invalid: names key, value and range.
  [[nodiscard]] Result<void> validate() const;
};

struct HttpFetchRequest {
  std::string method = "GET";
  std::string url;                                           // "https://geo.example/v1/fruit/7?full=1"
  std::vector<std::pair<std::string, std::string>> headers;  // beside Host, Content-Length, User-Agent
  std::string body;                                          // sent when the method is not GET or HEAD
  std::chrono::milliseconds connect_timeout{2'000};          // 1 ms..10 min; name, connection and TLS
  std::chrono::milliseconds deadline{10'000};  // 1 ms..10 min from start() on, waiting for a connection included
  std::uint64_t answer_bytes_max = std::uint64_t{1} << 20;  // of the answer's body

  /// Error invalid_argument: the URL is not http or https with a host, has a user or characters that must be encoded;
  /// the method or a header has characters that it cannot have; a time is out of range. The context never has the
  /// headers' values.
  [[nodiscard]] Result<void> validate() const;
};

/// Headers of one answer together; more is limit_reached.
inline constexpr std::uint64_t kAnswerHeadBytesMax = 64 * 1024;

/// Any status is an answer; redirects are not followed, nothing is decompressed. Errors: not_ready (nobody listens, the
/// name is not known, the server's certificate is not trusted, the connection broke, what came is not HTTP, the
/// deadline passed: the request may have taken effect), limit_reached (the answer is larger than answer_bytes_max or
/// kAnswerHeadBytesMax), cancelled (close()), invalid_argument (the address, where start() could not tell), internal.
/// The context names the server and says what happened.
using HttpFetched = std::function<void(Result<HttpAnswer>)>;

struct HttpFetchStatus {
  std::uint64_t outstanding = 0;         // calls now
  std::uint64_t started = 0;             // so far
  std::uint64_t refused = 0;             // so far, for calls_outstanding_max
  std::uint64_t connections_opened = 0;  // so far, as known from the calls that have ended
};

/// Thread-safe. Keeps connections open between calls. Certificates and names of `https` servers are always checked.
class HttpFetch {
 public:
  /// close()s.
  virtual ~HttpFetch() = default;
  /// Returns at once. Where it returns an error, `fetched` is never called: invalid_argument (validate()),
  /// limit_reached (calls_outstanding_max), cancelled (closed). Else it is called exactly once, on a thread of the
  /// fetcher, never within start(); it may call start(), must not call close(), must not wait and must not throw. The
  /// call counts as outstanding until just before.
  [[nodiscard]] virtual Result<void> start(HttpFetchRequest request, HttpFetched fetched) = 0;
  /// Ends every call with `cancelled` and returns when all have been told. Further calls are refused. Again: nothing.
  virtual void close() = 0;
  [[nodiscard]] virtual HttpFetchStatus status() const = 0;
};

}  // namespace weir
