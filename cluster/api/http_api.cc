#include "cluster/api/http_api.h"

#include <fmt/format.h>

#include <array>
#include <string_view>

#include "cluster/api/calls.h"

namespace weir {

namespace api {

HttpResponse error_response(const Error& error) {
  int status = 500;
  int retry_after = 0;
  switch (error.code) {
    case Errc::invalid_argument:
    case Errc::config_invalid:
    case Errc::format_newer:
    case Errc::malformed_event:
      status = 400;
      break;
    case Errc::not_found:
      status = 404;
      break;
    case Errc::data_foreign:
      status = 409;
      break;
    case Errc::limit_reached:
      status = 429;
      retry_after = 1;
      break;
    case Errc::disk_full:
      status = 507;
      retry_after = 5;
      break;
    case Errc::not_ready:
    case Errc::log_busy:
    case Errc::log_closed:
    case Errc::commit_refused:
    case Errc::outcome_unknown:
    case Errc::cancelled:
      status = 503;
      retry_after = 1;
      break;
    case Errc::input_unreadable:
    case Errc::data_locked:
    case Errc::io_failed:
    case Errc::log_damaged:
    case Errc::below_horizon:
    case Errc::state_damaged:
    case Errc::stage_failed:
    case Errc::internal:
    case Errc::unknown_remote:
      break;
  }
  HttpResponse response =
      problem(status, error.context.empty() ? to_string(error.code) : std::string_view(error.context));
  if (retry_after != 0) response.headers.emplace_back("Retry-After", std::to_string(retry_after));
  return response;
}

namespace {

void post_events(const Call& call) {
  call.node->ingest(*call.request, call.reply);
}

/// `*` stands for one segment, `**` at the end for any number, none too.
struct Route {
  std::string_view method;
  std::array<std::string_view, 4> segments;
  void (*answer)(const Call& call);
};

constexpr std::array<Route, 17> kRoutes{{
    {"POST", {"v1", "events"}, post_events},
    {"GET", {"v1", "events"}, get_events},
    {"GET", {"v1", "events", "*"}, get_event},
    {"GET", {"v1", "views"}, get_views},
    {"GET", {"v1", "views", "*", "**"}, get_view},
    {"GET", {"v1", "ledger"}, get_ledger},
    {"GET", {"v1", "partitions"}, get_partitions},
    {"POST", {"v1", "partitions", "*", "release"}, release_partition},
    {"GET", {"v1", "tree"}, get_tree},
    {"GET", {"v1", "pipeline"}, get_pipeline},
    {"GET", {"v1", "digest"}, get_digest},
    {"GET", {"v1", "dead-letters"}, get_dead_letters},
    {"GET", {"v1", "dead-letters", "*"}, get_dead_letter},
    {"GET", {"healthz"}, get_health},
    {"GET", {"readyz"}, get_readiness},
    {"GET", {"metrics"}, get_metrics},
    {"GET", {"openapi.json"}, get_openapi},
}};

bool matches(const Route& route, const std::vector<std::string>& segments) {
  std::size_t at = 0;
  for (const std::string_view wanted : route.segments) {
    if (wanted.empty()) break;
    if (wanted == "**") return true;
    if (at == segments.size() || (wanted != "*" && wanted != segments[at])) return false;
    ++at;
  }
  return at == segments.size();
}

}  // namespace
}  // namespace api

void HttpApi::operator()(HttpRequest request, HttpReply reply) const {
  auto shared = std::make_shared<const HttpRequest>(std::move(request));
  const std::string_view method = shared->method == "HEAD" ? std::string_view("GET") : std::string_view(shared->method);
  std::string allowed;
  for (const api::Route& route : api::kRoutes) {
    if (!api::matches(route, shared->segments)) continue;
    if (route.method == method) return route.answer({&node_, limits_, shared, std::move(reply)});
    if (allowed.find(route.method) == std::string::npos)
      allowed += (allowed.empty() ? "" : ", ") + std::string(route.method);
  }
  if (allowed.empty())
    return reply(
        problem(404, fmt::format("there is nothing at {}; the calls are described in /openapi.json", shared->path)));
  HttpResponse response =
      problem(405, fmt::format("{} is not allowed at {}; allowed: {}", shared->method, shared->path, allowed));
  const bool get = allowed == "GET" || allowed.ends_with(", GET");
  response.headers.emplace_back("Allow", get ? allowed + ", HEAD" : allowed);
  reply(std::move(response));
}

}  // namespace weir
