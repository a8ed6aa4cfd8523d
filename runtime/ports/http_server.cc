#include "runtime/ports/http_server.h"

#include <algorithm>

#include "runtime/base/json_text.h"

namespace weir {

namespace {

std::optional<std::string_view> first_of(const std::vector<std::pair<std::string, std::string>>& pairs,
                                         std::string_view name) noexcept {
  for (const auto& [key, value] : pairs)
    if (key == name) return value;
  return std::nullopt;
}

int hex_digit(char c) noexcept {
  if (c >= '0' && c <= '9') return c - '0';
  const char lower = static_cast<char>(c | 0x20);
  return lower >= 'a' && lower <= 'f' ? lower - 'a' + 10 : -1;
}

/// `where` is the place of `text` in the target, for the message.
Result<std::string> decode(std::string_view text, std::size_t where, bool plus_is_space) {
  std::string plain;
  plain.reserve(text.size());
  for (std::size_t at = 0; at < text.size(); ++at) {
    const char c = text[at];
    if (c == '#') return fail(Errc::invalid_argument, "the target has a '#' at byte {}; write %23", where + at + 1);
    if (c == '%') {
      const int high = at + 2 < text.size() ? hex_digit(text[at + 1]) : -1;
      const int low = at + 2 < text.size() ? hex_digit(text[at + 2]) : -1;
      if (high < 0 || low < 0) {
        return fail(Errc::invalid_argument,
                    "the target has a '%' at byte {} without two hex digits behind it; a '%' itself is %25",
                    where + at + 1);
      }
      plain.push_back(static_cast<char>(high * 16 + low));
      at += 2;
    } else {
      plain.push_back(plus_is_space && c == '+' ? ' ' : c);
    }
  }
  return plain;
}

Result<void> read_query(std::string_view text, std::size_t where, HttpRequest& request) {
  while (!text.empty()) {
    const std::size_t end = std::min(text.find('&'), text.size());
    const std::string_view part = text.substr(0, end);
    if (!part.empty()) {
      const std::size_t equals = std::min(part.find('='), part.size());
      WEIR_ASSIGN(std::string name, decode(part.substr(0, equals), where, true));
      WEIR_ASSIGN(std::string value, decode(part.substr(std::min(equals + 1, part.size())), where + equals + 1, true));
      request.query.emplace_back(std::move(name), std::move(value));
    }
    const std::size_t used = std::min(end + 1, text.size());
    text.remove_prefix(used);
    where += used;
  }
  return {};
}

Result<void> in_range(std::string_view name, std::uint64_t value, std::uint64_t least, std::uint64_t most) {
  if (value >= least && value <= most) return {};
  return fail(Errc::invalid_argument, "HTTP server: {} is {}; allowed is {} to {}", name, value, least, most);
}

}  // namespace

std::optional<std::string_view> HttpRequest::header(std::string_view lower_case_name) const noexcept {
  return first_of(headers, lower_case_name);
}

std::optional<std::string_view> HttpRequest::parameter(std::string_view name) const noexcept {
  return first_of(query, name);
}

Result<void> read_target(std::string_view target, HttpRequest& request) {
  request.segments.clear();
  request.query.clear();
  std::size_t where = 0;
  // What clients send to proxies: the scheme and the host are nobody's business here.
  if (const std::size_t scheme = target.find("://"); scheme != std::string_view::npos && !target.starts_with('/')) {
    where = std::min(target.find_first_of("/?", scheme + 3), target.size());
  } else if (!target.starts_with('/')) {
    if (target != "*" && request.method != "CONNECT")
      return fail(Errc::invalid_argument, "the target does not begin with '/'");
    request.path = target;
    return {};
  }
  const std::size_t question = std::min(target.find('?', where), target.size());
  std::string_view path = target.substr(where, question - where);
  request.path = path.empty() ? std::string_view("/") : path;
  if (path.size() > 1) {
    for (std::size_t begin = 1; begin <= path.size();) {
      const std::size_t end = std::min(path.find('/', begin), path.size());
      WEIR_ASSIGN(std::string segment, decode(path.substr(begin, end - begin), where + begin, false));
      request.segments.push_back(std::move(segment));
      begin = end + 1;
    }
  }
  if (question == target.size()) return {};
  return read_query(target.substr(question + 1), question + 1, request);
}

std::string_view status_title(int status) noexcept {
  struct Title {
    int status;
    std::string_view words;
  };
  static constexpr Title kTitles[] = {
      {100, "Continue"},
      {200, "OK"},
      {201, "Created"},
      {202, "Accepted"},
      {204, "No Content"},
      {301, "Moved Permanently"},
      {302, "Found"},
      {303, "See Other"},
      {304, "Not Modified"},
      {307, "Temporary Redirect"},
      {308, "Permanent Redirect"},
      {400, "Bad Request"},
      {401, "Unauthorized"},
      {403, "Forbidden"},
      {404, "Not Found"},
      {405, "Method Not Allowed"},
      {406, "Not Acceptable"},
      {408, "Request Timeout"},
      {409, "Conflict"},
      {410, "Gone"},
      {411, "Length Required"},
      {412, "Precondition Failed"},
      {413, "Content Too Large"},
      {414, "URI Too Long"},
      {415, "Unsupported Media Type"},
      {417, "Expectation Failed"},
      {421, "Misdirected Request"},
      {422, "Unprocessable Content"},
      {429, "Too Many Requests"},
      {431, "Request Header Fields Too Large"},
      {500, "Internal Server Error"},
      {501, "Not Implemented"},
      {502, "Bad Gateway"},
      {503, "Service Unavailable"},
      {504, "Gateway Timeout"},
      {505, "HTTP Version Not Supported"},
      {507, "Insufficient Storage"},
  };
  for (const Title& title : kTitles)
    if (title.status == status) return title.words;
  return "";
}

HttpResponse problem(int status, std::string_view detail) {
  HttpResponse response;
  response.status = status;
  response.content_type = "application/problem+json";
  response.body = fmt::format(R"({{"type":"about:blank","title":{},"status":{},"detail":)",
                              to_json_string(status_title(status)), status);
  append_json_string(response.body, detail);
  response.body += "}\n";
  return response;
}

Result<void> HttpServerConfig::validate() const {
  constexpr std::uint64_t kKiB = 1024, kGiB = kKiB * kKiB * kKiB, kDay = 86'400'000, kAny = ~std::uint64_t{0};
  WEIR_TRY(in_range("threads", threads, 1, 16));
  WEIR_TRY(in_range("connections_max", connections_max, 1, 100'000));
  WEIR_TRY(in_range("body_max", body_max, kKiB, kGiB));
  WEIR_TRY(in_range("bodies_bytes_max", bodies_bytes_max, body_max, kAny));
  WEIR_TRY(in_range("answers_bytes_max", answers_bytes_max, kKiB, kAny));
  WEIR_TRY(in_range("header_bytes_max", header_bytes_max, kKiB, kKiB * kKiB));
  WEIR_TRY(in_range("target_bytes_max", target_bytes_max, 64, header_bytes_max));
  const auto time = [](std::string_view name, std::chrono::milliseconds value, std::uint64_t least) {
    return in_range(name, value.count() < 0 ? 0 : static_cast<std::uint64_t>(value.count()), least, kDay);
  };
  WEIR_TRY(time("bodies_wait (ms)", bodies_wait, 0));
  WEIR_TRY(time("header_timeout (ms)", header_timeout, 1));
  WEIR_TRY(time("greeting_timeout (ms)", greeting_timeout, 1));
  WEIR_TRY(time("idle_timeout (ms)", idle_timeout, 1));
  WEIR_TRY(time("body_stall_timeout (ms)", body_stall_timeout, 1));
  WEIR_TRY(time("body_timeout (ms)", body_timeout, 1));
  return time("write_timeout (ms)", write_timeout, 1);
}

}  // namespace weir
