#include "runtime/ports/http_fetch.h"

#include <algorithm>
#include <charconv>

namespace weir {

namespace {

/// RFC 9110, token.
bool is_token(std::string_view text) noexcept {
  constexpr std::string_view kMarks = "!#$%&'*+-.^_`|~";
  return !text.empty() && std::ranges::all_of(text, [&](char c) {
    return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9') ||
           kMarks.find(c) != std::string_view::npos;
  });
}

bool is_field_value(std::string_view text) noexcept {
  return std::ranges::all_of(text, [](char c) {
    const auto byte = static_cast<unsigned char>(c);
    return (byte >= 0x20 && byte != 0x7f) || c == '\t';
  });
}

bool is_host_character(char c) noexcept {
  return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9') || c == '.' || c == '-' || c == '_';
}

/// `host`, `host:port`, `[address]`, `[address]:port`.
bool is_authority(std::string_view text) noexcept {
  std::size_t end = 0;
  if (text.starts_with('[')) {
    end = text.find(']');
    if (end == std::string_view::npos || end == 1) return false;
    const std::string_view address = text.substr(1, end - 1);
    if (address.find_first_not_of("0123456789abcdefABCDEF:.") != std::string_view::npos) return false;
    ++end;
  } else {
    while (end < text.size() && is_host_character(text[end])) ++end;
    if (end == 0) return false;
  }
  if (end == text.size()) return true;
  const std::string_view port = text.substr(end + 1);
  std::uint32_t number = 0;
  const auto [stop, error] = std::from_chars(port.data(), port.data() + port.size(), number);
  return text[end] == ':' && error == std::errc() && stop == port.data() + port.size() && number >= 1 &&
         number <= 65'535;
}

Result<void> check_url(const std::string& url) {
  const std::string_view server = server_of_url(url);
  const bool known = server.starts_with("http://") || server.starts_with("https://");
  if (!known || !is_authority(server.substr(server.find("://") + 3)))
    return fail(Errc::invalid_argument, "'{}' is not a server; write the address like https://geo.example:8443/path",
                server.substr(server.rfind('@') + 1));  // what stands before it is nobody's business
  const auto bad = std::ranges::find_if(url, [](char c) { return c <= 0x20 || c > 0x7e; });
  if (bad != url.end())
    return fail(Errc::invalid_argument, "the address at {} has the byte 0x{:02x}, which must be percent-encoded",
                server, static_cast<unsigned char>(*bad));
  return {};
}

Result<void> in_range(std::string_view key, std::int64_t value, std::int64_t least, std::int64_t most) {
  if (value >= least && value <= most) return {};
  return fail(Errc::config_invalid, "{}: {} is not between {} and {}", key, value, least, most);
}

}  // namespace

Result<void> HttpFetchConfig::validate() const {
  WEIR_TRY(in_range("connections_per_host_max", connections_per_host_max, 1, 1'000));
  WEIR_TRY(in_range("connections_max", connections_max, 1, 10'000));
  WEIR_TRY(in_range("calls_outstanding_max", calls_outstanding_max, 1, 100'000));
  return in_range("idle_max (s)", idle_max.count(), 1, 3'600);
}

Result<void> HttpFetchRequest::validate() const {
  using std::chrono::milliseconds;
  WEIR_TRY(check_url(url));
  const std::string_view server = server_of_url(url);
  if (!is_token(method)) return fail(Errc::invalid_argument, "asking {}: '{}' is not a method", server, method);
  for (const auto& [name, value] : headers) {
    if (!is_token(name)) return fail(Errc::invalid_argument, "asking {}: '{}' is not a header's name", server, name);
    if (!is_field_value(value))
      return fail(Errc::invalid_argument, "asking {}: the value of the header {} has control characters", server, name);
  }
  const auto in_time = [](milliseconds time) { return time >= milliseconds(1) && time <= milliseconds(600'000); };
  if (!in_time(connect_timeout) || !in_time(deadline))
    return fail(Errc::invalid_argument, "asking {}: connect_timeout {} ms and deadline {} ms must be 1 ms to 10 min",
                server, connect_timeout.count(), deadline.count());
  return {};
}

}  // namespace weir
