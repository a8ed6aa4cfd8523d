#include "runtime/adapters/http/request_head.h"

#include <fmt/format.h>

#include <algorithm>
#include <boost/beast/http/empty_body.hpp>
#include <boost/beast/http/parser.hpp>

namespace weir::http {

namespace beast_http = boost::beast::http;

namespace {

std::string_view view_of(boost::beast::string_view text) {
  return {text.data(), text.size()};
}

bool equal_ignoring_case(std::string_view text, std::string_view lower) {
  return text.size() == lower.size() && std::equal(text.begin(), text.end(), lower.begin(), [](char a, char b) {
           return (a >= 'A' && a <= 'Z' ? static_cast<char>(a | 0x20) : a) == b;
         });
}

std::string lower_case(std::string_view text) {
  std::string lower(text);
  for (char& c : lower)
    if (c >= 'A' && c <= 'Z') c = static_cast<char>(c | 0x20);
  return lower;
}

std::string_view trimmed(std::string_view text) {
  while (!text.empty() && (text.front() == ' ' || text.front() == '\t')) text.remove_prefix(1);
  while (!text.empty() && (text.back() == ' ' || text.back() == '\t')) text.remove_suffix(1);
  return text;
}

Refusal bad(std::string_view what) {
  return {400, fmt::format("this is no HTTP/1.1 request: {}", what)};
}

Refusal refusal_of(const boost::beast::error_code& code) {
  using Why = beast_http::error;
  if (code == Why::bad_version) return {505, "HTTP/1.1 and HTTP/1.0 are understood"};
  if (code == Why::bad_method) return bad("the method is no token");
  if (code == Why::bad_target) return bad("the target has a character that must be percent-encoded");
  if (code == Why::bad_field) return bad("a header's name is no token directly before its colon");
  if (code == Why::bad_value) return bad("a header's value has a character that is not allowed");
  if (code == Why::bad_content_length || code == Why::multiple_content_length)
    return bad("Content-Length is no number, given twice, or given beside Transfer-Encoding");
  if (code == Why::bad_transfer_encoding) return bad("Transfer-Encoding is given twice, or beside Content-Length");
  return bad("its header cannot be read");
}

/// How the body is sent. One way only, said once.
std::optional<Refusal> read_framing(const HttpRequest& request, RequestHead& head) {
  const auto count = [&](std::string_view name) {
    return std::count_if(request.headers.begin(), request.headers.end(),
                         [&](const auto& field) { return field.first == name; });
  };
  const auto lengths = count("content-length"), encodings = count("transfer-encoding");
  if (lengths + encodings > 1) return bad("Content-Length and Transfer-Encoding may be given once, and not both");
  if (lengths == 1) {
    const std::string_view text = *request.header("content-length");
    // 18 digits never overflow, and no limit is so large.
    if (text.empty() || text.size() > 18 || text.find_first_not_of("0123456789") != std::string_view::npos)
      return bad("Content-Length is not a plain number");
    for (const char c : text) head.content_length = head.content_length * 10 + static_cast<std::uint64_t>(c - '0');
  } else if (encodings == 1) {
    const std::string_view text = *request.header("transfer-encoding");
    if (head.old_client) return bad("HTTP/1.0 has no Transfer-Encoding");
    if (!equal_ignoring_case(text, "chunked")) {
      const std::size_t comma = text.rfind(',');
      const std::string_view last = trimmed(text.substr(comma == std::string_view::npos ? 0 : comma + 1));
      if (!equal_ignoring_case(last, "chunked")) return bad("the last Transfer-Encoding is not chunked");
      return Refusal{501, fmt::format("Transfer-Encoding '{}' is not understood; chunked alone is", text)};
    }
    head.chunked = true;
  }
  return std::nullopt;
}

std::optional<Refusal> read_wishes(const HttpRequest& request, RequestHead& head) {
  const auto hosts =
      std::count_if(request.headers.begin(), request.headers.end(), [](const auto& f) { return f.first == "host"; });
  if (hosts > 1 || (hosts == 0 && !head.old_client)) return bad("there must be one Host header");
  if (const auto encoding = request.header("content-encoding");
      encoding && !equal_ignoring_case(*encoding, "identity")) {
    return Refusal{
        415, fmt::format("Content-Encoding '{}' is not taken over HTTP; send the body as it is (`weir ingest` reads "
                         ".gz and .zst files and sends them so)",
                         *encoding)};
  }
  if (const auto expect = request.header("expect"); expect && !head.old_client) {
    if (!equal_ignoring_case(*expect, "100-continue"))
      return Refusal{417, fmt::format("Expect '{}' is not understood; 100-continue is", *expect)};
    head.expects_continue = true;
  }
  return std::nullopt;
}

}  // namespace

HeadScan::Found HeadScan::refuse(std::string_view what) {
  refusal_ = bad(what);
  return Found::bad;
}

HeadScan::Found HeadScan::scan(std::string_view text) {
  while (at_ < text.size()) {
    const auto c = static_cast<unsigned char>(text[at_]);
    if (c == '\r') {
      if (at_ + 1 == text.size()) return Found::more;
      if (text[at_ + 1] != '\n') return refuse("there is a CR without an LF behind it");
      const bool empty = at_ == line_begin_;
      at_ += 2;
      line_begin_ = at_;
      ++lines_;
      if (empty) return Found::end;
      continue;
    }
    if (c == '\n') return refuse("there is an LF without a CR before it");
    if (at_ == line_begin_ && lines_ != 0 && (c == ' ' || c == '\t'))
      return refuse("a header is folded over two lines");
    if ((c < 0x20 && c != '\t') || c == 0x7f)
      return refuse(fmt::format("there is a character 0x{:02x} at byte {}", c, at_ + 1));
    ++at_;
  }
  return Found::more;
}

std::optional<Refusal> read_head(std::string_view text, std::uint32_t target_bytes_max, HttpRequest& request,
                                 RequestHead& head) {
  beast_http::request_parser<beast_http::empty_body> parser;
  parser.header_limit(static_cast<std::uint32_t>(text.size() + 1));
  parser.body_limit(boost::none);
  parser.eager(false);
  boost::beast::error_code error;
  std::size_t used = 0;
  // It stops between the first line and the fields.
  while (!error && !parser.is_header_done() && used < text.size()) {
    const std::size_t step = parser.put(boost::asio::buffer(text.data() + used, text.size() - used), error);
    used += step;
    if (step == 0) break;
  }
  if (error) return refusal_of(error);
  if (!parser.is_header_done()) return bad("its header is cut off");
  const auto& message = parser.get();
  const std::string_view target = view_of(message.target());
  if (target.size() > target_bytes_max)
    return Refusal{414, fmt::format("the target has {} bytes; at most {} are read", target.size(), target_bytes_max)};
  request.method = view_of(message.method_string());
  for (const auto& field : message)
    request.headers.emplace_back(lower_case(view_of(field.name_string())), view_of(field.value()));
  head.old_client = message.version() == 10;
  head.keep_alive = message.keep_alive();
  if (auto refused = read_framing(request, head)) return refused;
  if (auto refused = read_wishes(request, head)) return refused;
  if (auto read = read_target(target, request); !read) return Refusal{400, read.error().context};
  return std::nullopt;
}

namespace {

/// A body of Beast that is somebody else's arena.
struct ArenaBody {
  using value_type = ByteArena*;
  class reader {
   public:
    template <bool request, class Fields>
    reader(beast_http::header<request, Fields>&, value_type& body) : body_(body) {}
    void init(const boost::optional<std::uint64_t>&, boost::beast::error_code& error) { error = {}; }
    template <class Buffers>
    std::size_t put(const Buffers& buffers, boost::beast::error_code& error) {
      std::size_t size = 0;
      for (auto at = boost::asio::buffer_sequence_begin(buffers); at != boost::asio::buffer_sequence_end(buffers);
           ++at) {
        const boost::asio::const_buffer part = *at;
        body_->append({static_cast<const char*>(part.data()), part.size()});
        size += part.size();
      }
      error = {};
      return size;
    }
    void finish(boost::beast::error_code& error) { error = {}; }

   private:
    value_type& body_;
  };
};

}  // namespace

struct ChunkReader::Parser {
  beast_http::request_parser<ArenaBody> beast;
};

ChunkReader::ChunkReader() : parser_(std::make_unique<Parser>()) {
  // The header of the message itself was read strictly (read_head); this one only tells Beast what follows.
  static constexpr std::string_view kHead = "POST / HTTP/1.1\r\nTransfer-Encoding: chunked\r\n\r\n";
  parser_->beast.body_limit(boost::none);
  parser_->beast.eager(false);
  boost::beast::error_code error;
  for (std::size_t used = 0; !parser_->beast.is_header_done();)
    used += parser_->beast.put(boost::asio::buffer(kHead.data() + used, kHead.size() - used), error);
  parser_->beast.eager(true);
}
ChunkReader::ChunkReader(ChunkReader&&) noexcept = default;
ChunkReader& ChunkReader::operator=(ChunkReader&&) noexcept = default;
ChunkReader::~ChunkReader() = default;

std::optional<std::size_t> ChunkReader::read(std::string_view input, ByteArena& body) {
  parser_->beast.get().body() = &body;
  boost::beast::error_code error;
  const std::size_t used = parser_->beast.put(boost::asio::buffer(input.data(), input.size()), error);
  if (error && error != beast_http::error::need_more) return std::nullopt;
  return used;
}

bool ChunkReader::done() const noexcept {
  return parser_->beast.is_done();
}

}  // namespace weir::http
