// An HTTP server: bytes of connections in, whole requests out; answers come back whenever they are ready.
//
// Rules of every implementation:
//  - A request is handed over whole, or not at all: what cannot be read, is too large, or comes too slowly is answered
//  by the
//    server itself, with application/problem+json.
//  - Memory is bounded whatever clients do: connections, header bytes, bytes of bodies that are held (together, not
//  only each),
//    bytes of answers that clients do not take.
//  - A client that is slow, silent or gone costs its own connection only.
//  - The requests of one connection are handed over one after another, and answered in that order: the next one is read
//  when
//    the answer of the one before is written. What a client sends ahead stays in its socket.
//  - After an answer of the server itself the connection is closed (what may follow such a request is not to be
//  trusted).
#pragma once
#include <chrono>
#include <cstdint>
#include <functional>
#include <memory>
#include <optional>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "runtime/base/bytes.h"
#include "runtime/base/result.h"
#include "runtime/ports/access.h"

namespace weir {

struct HttpRequest {
  std::string method;                 // "GET", as sent, known or not; HEAD is answered without a body
  std::string path;                   // as sent, without the query: "/v1/views/by%20day"
  std::vector<std::string> segments;  // of the path, percent-decoded: {"v1", "views", "by day"}
  std::vector<std::pair<std::string, std::string>> query;    // percent-decoded (`+` is a space), in order
  std::vector<std::pair<std::string, std::string>> headers;  // names in lower case, in order
  SharedBytes body;                                          // kBlockPadding bytes behind it may be read
  std::string peer;                                          // "127.0.0.1:41234", for messages
  Principal principal;                                       // who asks, as the gate found out
  /// The first of that name; nullopt: there is none.
  [[nodiscard]] std::optional<std::string_view> header(std::string_view lower_case_name) const noexcept;
  [[nodiscard]] std::optional<std::string_view> parameter(std::string_view name) const noexcept;
};

struct HttpResponse {
  int status = 200;
  std::string content_type = "application/json";
  std::vector<std::pair<std::string, std::string>> headers;  // beside Content-Type, Content-Length, Date, Connection
  std::string body;
};

/// Called exactly once, from any thread, also after the client has gone (then without effect). One that is destroyed
/// without having been called answers 500, so that no client waits for ever.
using HttpReply = std::function<void(HttpResponse)>;
/// Called on a thread of the server: must be short, must not block, and must not throw (an exception answers 500). The
/// memory of `body` counts against bodies_bytes_max until its last copy is gone, wherever that is. An answer counts
/// against answers_bytes_max when the client does not take it at once: at the limit connections that took nothing for a
/// second are reset; if that is not enough, the answer is replaced by 503 with Retry-After.
using HttpHandler = std::function<void(HttpRequest, HttpReply)>;

/// Called on a thread of the server when the header of a request has been read, and before anything of its body is: whoever may
/// not ask costs no memory for a body. It may change the request (its principal). An answer refuses the request, which is then
/// not handed over, and the connection is closed behind it. Must be short, must not block, and must not throw.
using HttpGate = std::function<std::optional<HttpResponse>(HttpRequest&)>;

/// Reads a request's target ("/v1/views/by%20day?limit=5", also with "http://example.org" before it) into path, segments and
/// query.
/// "/" has no segments; an empty one in between or at the end is kept ("/a/" has two); "%2F" stays inside its segment.
/// "*" and the target of CONNECT are a path without segments. Error invalid_argument: a `%` without two hex digits
/// behind it, a `#`, or no path at its beginning; the context says where.
[[nodiscard]] Result<void> read_target(std::string_view target, HttpRequest& request);

/// The usual words of a status ("Not Found"); "" where there are none.
[[nodiscard]] std::string_view status_title(int status) noexcept;
/// An answer of RFC 9457: {"type":"about:blank","title":"Not Found","status":404,"detail":"…"} as
/// application/problem+json. `detail` says what went wrong, what is allowed and what to do.
[[nodiscard]] HttpResponse problem(int status, std::string_view detail);

struct HttpServerConfig {
  std::string address = "127.0.0.1";             // an IPv4 or IPv6 address
  std::uint16_t port = 7070;                     // 0: a free one
  std::uint32_t threads = 1;                     // 1..16 I/O threads
  std::uint32_t connections_max = 1'000;         // 1..100'000; more are accepted, told 503 with Retry-After, and closed
  std::uint64_t body_max = 16ull * 1024 * 1024;  // 1 KiB..1 GiB: of one body; 413 names it
  std::uint64_t bodies_bytes_max = 64ull * 1024 * 1024;  // of all bodies held at once, at least body_max
  std::chrono::milliseconds bodies_wait{
      1'000};  // a body waits so long for its part of it, unread; then 429, Retry-After
  std::uint64_t answers_bytes_max =
      64ull * 1024 * 1024;                     // of answers not taken at once; see HttpHandler. At least 1 KiB
  std::uint32_t header_bytes_max = 16 * 1024;  // 1 KiB..1 MiB; 431, or 414 when the request's first line fills it
  std::uint32_t target_bytes_max = 8 * 1024;   // 414
  std::chrono::milliseconds header_timeout{
      10'000};  // from a request's first byte (or the connection) to its header's end; 408
  std::chrono::milliseconds greeting_timeout{10'000};    // for the handshake of TLS, where it is spoken; closed without a word
  std::chrono::milliseconds idle_timeout{60'000};        // between requests; closed without a word
  std::chrono::milliseconds body_stall_timeout{10'000};  // without a byte of the body; 408
  std::chrono::milliseconds body_timeout{120'000};       // for a whole body; 408
  std::chrono::milliseconds write_timeout{30'000};       // without progress of an answer; the connection is reset
  /// invalid_argument names the field, its value and what is allowed.
  [[nodiscard]] Result<void> validate() const;
};

struct HttpServerStatus {
  std::uint64_t connections = 0;          // open now
  std::uint64_t connections_refused = 0;  // so far, for connections_max
  std::uint64_t requests = 0;             // handed to the handler so far
  std::uint64_t requests_in_flight = 0;   // handed over and not answered
  std::uint64_t greetings_failed = 0;     // handshakes of TLS that came to nothing so far: no TLS, too slow, broken off
  std::uint64_t bodies_bytes = 0;         // held now
  std::uint64_t answers_bytes = 0;        // of answers not taken yet
  std::uint64_t refused = 0;              // not handed over so far: answered by the gate, or by the server itself for protocol and limits
};

class HttpServer {
 public:
  virtual ~HttpServer() = default;
  /// The port listened on.
  [[nodiscard]] virtual std::uint16_t port() const = 0;
  /// "127.0.0.1:7070", "[::1]:7070"
  [[nodiscard]] virtual std::string address() const = 0;
  [[nodiscard]] virtual HttpServerStatus status() const = 0;
  /// Stops accepting, lets requests that were handed over be answered for up to `patience`, closes. Blocks; idempotent;
  /// not from the handler. The handler is not called after it returns; the destructor closes without patience.
  virtual void close(std::chrono::milliseconds patience) = 0;
};

}  // namespace weir
