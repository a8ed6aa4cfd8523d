// The header of a request: where it ends, and what it says. Strict: what two programs could read in two ways is
// refused, so that nothing hides behind a proxy. No sockets here; fuzzed as it is.
#pragma once
#include <cstddef>
#include <cstdint>
#include <optional>
#include <string>
#include <string_view>

#include "runtime/ports/http_server.h"

namespace weir::http {

/// Why the server answers itself.
struct Refusal {
  int status = 400;
  std::string detail;
};

/// Finds the end of a header in bytes that come in parts. A line ends with CR LF and nothing else.
class HeadScan {
 public:
  enum class Found { more, end, bad };
  /// `text`: everything since the request's beginning, longer from call to call. `end`: end() is behind the empty line.
  /// `bad`: a line ends otherwise, or a character is below 0x20 (or 0x7f) that is no tab, or a line begins with a space
  /// (folded); refusal() says which.
  [[nodiscard]] Found scan(std::string_view text);
  [[nodiscard]] std::size_t end() const noexcept { return at_; }
  /// Whether the first line is there.
  [[nodiscard]] bool line_seen() const noexcept { return lines_ != 0; }
  [[nodiscard]] const Refusal& refusal() const noexcept { return refusal_; }

 private:
  Found refuse(std::string_view what);
  std::size_t at_ = 0;          // scanned so far
  std::size_t line_begin_ = 0;  // of the line that is read
  std::size_t lines_ = 0;
  Refusal refusal_;
};

struct RequestHead {
  bool keep_alive = true;
  bool expects_continue = false;
  bool chunked = false;
  std::uint64_t content_length = 0;
  bool old_client = false;  // HTTP/1.0
};

/// `text`: a whole header, as HeadScan found it. Fills method, target and headers of `request`. Refused with 400: both
/// Content-Length and Transfer-Encoding, two of one, lengths that are no plain number, chunked not last, no or several
/// Host (HTTP/1.1), what RFC 9112 does not allow; 414 a target over target_bytes_max; 415 a Content-Encoding; 417, 501,
/// 505.
[[nodiscard]] std::optional<Refusal> read_head(std::string_view text, std::uint32_t target_bytes_max,
                                               HttpRequest& request, RequestHead& head);

/// Takes a body in chunks apart. Trailers are read and dropped.
class ChunkReader {
 public:
  ChunkReader();
  ChunkReader(ChunkReader&&) noexcept;
  ChunkReader& operator=(ChunkReader&&) noexcept;
  ~ChunkReader();
  /// Appends to `body` (at most input.size() bytes) and says how many bytes of `input` were used; what was not used
  /// comes again, with more behind it. nullopt: no chunks as RFC 9112 has them.
  [[nodiscard]] std::optional<std::size_t> read(std::string_view input, ByteArena& body);
  [[nodiscard]] bool done() const noexcept;

 private:
  struct Parser;
  std::unique_ptr<Parser> parser_;
};

}  // namespace weir::http
