// Asking an HTTP server, one question at a time.
#pragma once
#include <chrono>
#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "runtime/base/result.h"

namespace weir {

struct HttpCall {
  std::string method = "GET";
  std::string url;                                           // "http://127.0.0.1:7070/v1/ledger"
  std::vector<std::pair<std::string, std::string>> headers;  // beside Host, Content-Length, User-Agent
  std::string body;                                          // sent when the method is not GET or HEAD
  std::chrono::milliseconds connect_timeout{5'000};
  std::chrono::milliseconds timeout{60'000};             // for all of it
  std::uint64_t answer_bytes_max = 64ull * 1024 * 1024;  // of the answer's body
};

struct HttpAnswer {
  int status = 0;
  std::vector<std::pair<std::string, std::string>> headers;  // names in lower case
  std::string body;
  /// The first of that name; nullopt: there is none.
  [[nodiscard]] std::optional<std::string_view> header(std::string_view lower_case_name) const noexcept;
};

/// Keeps connections open between calls. Not thread-safe; one per thread.
class HttpClient {
 public:
  virtual ~HttpClient() = default;
  /// Any status is an answer; redirects are not followed. Errors: invalid_argument (the URL), not_ready (nobody listens
  /// there, the name is not known, the connection broke or time was up: for all but the first two the request may have
  /// taken effect), limit_reached (the answer is larger than answer_bytes_max), internal. The context names the server
  /// and what to do.
  [[nodiscard]] virtual Result<HttpAnswer> call(const HttpCall& call) = 0;
};

/// `text` as one segment of a path or one value of a query: everything but A-Z a-z 0-9 - . _ ~ percent-encoded.
[[nodiscard]] std::string percent_encoded(std::string_view text);

/// "http://127.0.0.1:7070" of "http://127.0.0.1:7070/v1/x": for messages, and what connections are counted by.
[[nodiscard]] std::string_view server_of_url(std::string_view url) noexcept;

}  // namespace weir
