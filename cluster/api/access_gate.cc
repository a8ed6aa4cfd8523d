#include "cluster/api/access_gate.h"

#include <fmt/format.h>

#include <algorithm>

#include "runtime/base/json_text.h"

namespace weir {

namespace {

constexpr std::string_view kHow =
    "send the header `Authorization: Bearer TOKEN`, never in the address; weir's commands read the token from the "
    "file that --token-file or WEIR_TOKEN_FILE names";

bool equal_ignoring_case(std::string_view text, std::string_view lower) {
  return text.size() == lower.size() && std::equal(text.begin(), text.end(), lower.begin(), [](char a, char b) {
           return (a >= 'A' && a <= 'Z' ? static_cast<char>(a | 0x20) : a) == b;
         });
}

/// "127.0.0.1" of "127.0.0.1:7070", "[::1]" of "[::1]:7070".
std::string_view without_port(std::string_view host) {
  const std::size_t bracket = host.rfind(']');
  const std::size_t colon = host.rfind(':');
  return colon == std::string_view::npos || (bracket != std::string_view::npos && colon < bracket)
             ? host
             : host.substr(0, colon);
}

/// Whether a name, with or without a port, can only mean this machine. No name of the DNS is made of numbers alone.
bool is_this_machine(std::string_view host) {
  host = without_port(host);
  const bool v4 = host.starts_with("127.") && host.find_first_not_of("0123456789.") == std::string_view::npos;
  return v4 || host == "[::1]" || equal_ignoring_case(host, "localhost");
}

/// What stands behind `Bearer`; nullopt: no such header, two of them, or another scheme.
std::optional<std::string_view> bearer_of(const HttpRequest& request) {
  const auto named = [](const auto& field) { return field.first == "authorization"; };
  if (std::count_if(request.headers.begin(), request.headers.end(), named) != 1) return std::nullopt;
  std::string_view text = *request.header("authorization");
  constexpr std::string_view kScheme = "bearer ";
  if (text.size() <= kScheme.size() || !equal_ignoring_case(text.substr(0, kScheme.size()), kScheme))
    return std::nullopt;
  text.remove_prefix(std::min(text.find_first_not_of(' ', kScheme.size()), text.size()));
  if (!is_token_text(text)) return std::nullopt;
  return text;
}

/// A stranger's text for a log and an answer: its beginning is enough.
std::string quoted(std::string_view text) {
  constexpr std::size_t kShown = 100;
  return to_json_string(text.substr(0, kShown)) + (text.size() > kShown ? "…" : "");
}

HttpResponse unauthorized(HttpResponse response, std::string_view challenge) {
  response.headers.emplace_back("WWW-Authenticate", challenge);
  return response;
}

}  // namespace

void AccessGate::use(std::shared_ptr<const AccessTokens> tokens) {
  const std::scoped_lock lock(mutex_);
  tokens_ = std::move(tokens);
}

std::optional<HttpResponse> AccessGate::check(HttpRequest& request, Need need) {
  request.principal = {};
  if (need == Need::nothing) return std::nullopt;
  std::shared_ptr<const AccessTokens> tokens;
  {
    const std::scoped_lock lock(mutex_);
    tokens = tokens_;
  }
  if (tokens) return check_token(*tokens, request, need);
  if (auto refused = check_place(request)) return refused;
  request.principal.role = Role::admin;
  return std::nullopt;
}

std::optional<HttpResponse> AccessGate::check_token(const AccessTokens& tokens, HttpRequest& request, Need need) {
  const auto token = bearer_of(request);
  if (!token)
    return unauthorized(refuse(counters_.no_token, request, 401,
                               fmt::format("this node answers those who have a token: {}", kHow), "no token"),
                        "Bearer");
  auto principal = tokens.find(*token);
  if (!principal)
    return unauthorized(
        refuse(counters_.unknown_token, request, 401,
               fmt::format(
                   "this token is none of this node's (http.tokens_file of its node file): ask who keeps them for a "
                   "new one, and {}",
                   kHow),
               "an unknown token"),
        R"(Bearer error="invalid_token")");
  request.principal = std::move(*principal);
  if (request.principal.may(need)) return std::nullopt;
  const std::string_view role = to_string(*request.principal.role);
  return refuse(counters_.role, request, 403,
                fmt::format("this call needs the role {}, and the token of '{}' has the role {}; use a token that may",
                            to_string(need), request.principal.name, role),
                fmt::format("'{}' has the role {} and needs {}", request.principal.name, role, to_string(need)));
}

std::optional<HttpResponse> AccessGate::check_place(const HttpRequest& request) {
  const std::string advice =
      "ask it as 127.0.0.1 or localhost, or configure tokens (http.tokens_file), then any name will do";
  // HTTP/1.0 may be without one; a browser never is.
  if (const auto host = request.header("host"); host && !is_this_machine(*host))
    return refuse(
        counters_.host, request, 421,
        fmt::format(
            "this node has no tokens, so it answers under the names of this machine only, and was asked as {}: {}",
            quoted(*host), advice),
        fmt::format("asked as {}", quoted(*host)));
  if (const auto origin = request.header("origin")) {
    const std::size_t scheme = origin->find("://");
    if (scheme == std::string_view::npos || !is_this_machine(origin->substr(scheme + 3)))
      return refuse(counters_.host, request, 403,
                    fmt::format("this node has no tokens, so scripts of other sites ({}) may not ask it: {}",
                                quoted(*origin), advice),
                    fmt::format("asked by a script of {}", quoted(*origin)));
  }
  return std::nullopt;
}

HttpResponse AccessGate::refuse(std::atomic<std::uint64_t>& counter, const HttpRequest& request, int status,
                                const std::string& detail, const std::string& log) {
  counter.fetch_add(1);
  const TimePoint now = clock_.now();
  std::uint64_t silent = 0;
  {
    const std::scoped_lock lock(mutex_);
    if (logged_ && now - *logged_ < kLogEvery) {
      ++silent_;
      return problem(status, detail);
    }
    logged_ = now;
    silent = std::exchange(silent_, 0);
  }
  logbook_.write(LogLevel::warn, "http",
                 fmt::format("a request from {} was refused with {}: {}{}", request.peer, status, log,
                             silent == 0 ? std::string() : fmt::format("; {} more since the last such line", silent)));
  return problem(status, detail);
}

}  // namespace weir
