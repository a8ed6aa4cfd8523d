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
    case Errc::below_horizon:
      status = 410;
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

/// `*` stands for one segment, `**` at the end for any number, none too. A row without its need does not compile.
struct Route {
  std::string_view method;
  std::array<std::string_view, 4> segments;
  Need need;
  void (*answer)(const Call& call);
};

/// Whoever sends has to know how events are framed and what their id is: of the pipeline every token may ask.
constexpr std::array<Route, 28> kRoutes{{
    {"POST", {"v1", "events"}, Need::ingest, post_events},
    {"GET", {"v1", "events"}, Need::read, get_events},
    {"GET", {"v1", "events", "*"}, Need::read, get_event},
    {"GET", {"v1", "views"}, Need::read, get_views},
    {"GET", {"v1", "views", "*", "**"}, Need::read, get_view},
    {"GET", {"v1", "ledger"}, Need::read, get_ledger},
    {"GET", {"v1", "partitions"}, Need::read, get_partitions},
    {"POST", {"v1", "partitions", "*", "release"}, Need::operate, release_partition},
    {"GET", {"v1", "why-stuck"}, Need::read, get_why_stuck},
    {"GET", {"v1", "sinks"}, Need::read, get_sinks},
    {"POST", {"v1", "sinks", "*", "release"}, Need::operate, release_sink},
    {"GET", {"v1", "tap"}, Need::read, get_tap},
    {"GET", {"v1", "tree"}, Need::read, get_tree},
    {"GET", {"v1", "pipeline"}, Need::any_role, get_pipeline},
    {"GET", {"v1", "digest"}, Need::read, get_digest},
    {"GET", {"v1", "dead-letters"}, Need::read, get_dead_letters},
    {"GET", {"v1", "dead-letters", "*"}, Need::read, get_dead_letter},
    {"PUT", {"v1", "dead-letters", "*"}, Need::operate, edit_dead_letter},
    {"POST", {"v1", "dead-letters", "redrive"}, Need::operate, redrive_dead_letters},
    {"POST", {"v1", "dead-letters", "drop"}, Need::operate, drop_dead_letters},
    {"POST", {"v1", "snapshots"}, Need::operate, make_snapshots},
    {"POST", {"v1", "snapshots", "verify"}, Need::operate, verify_snapshots},
    {"GET", {"v1", "snapshots"}, Need::read, get_snapshots},
    {"GET", {"v1", "audit"}, Need::read, get_audit},
    {"GET", {"healthz"}, Need::nothing, get_health},
    {"GET", {"readyz"}, Need::nothing, get_readiness},
    {"GET", {"metrics"}, Need::read, get_metrics},
    {"GET", {"openapi.json"}, Need::nothing, get_openapi},
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

/// What a request's address offers.
struct Place {
  const Route* route = nullptr;  // of its method
  std::string allowed;           // the methods of the address, if its own is none of them
  bool open = false;             // one of its calls needs nothing
};

Place place_of(const HttpRequest& request) {
  const std::string_view method = request.method == "HEAD" ? std::string_view("GET") : std::string_view(request.method);
  Place place;
  for (const Route& route : kRoutes) {
    if (!matches(route, request.segments)) continue;
    place.open = place.open || route.need == Need::nothing;
    if (route.method == method) {
      place.route = &route;
      return place;
    }
    if (place.allowed.find(route.method) == std::string::npos)
      place.allowed += (place.allowed.empty() ? "" : ", ") + std::string(route.method);
  }
  return place;
}

Need need_of(const Place& place) {
  if (place.route != nullptr) return place.route->need;
  return place.open ? Need::nothing : Need::any_role;
}

}  // namespace
}  // namespace api

std::vector<ApiRoute> api_routes() {
  std::vector<ApiRoute> routes;
  for (const api::Route& route : api::kRoutes) {
    ApiRoute made{route.method, {}, route.need};
    for (const std::string_view segment : route.segments)
      if (!segment.empty()) made.path += "/" + std::string(segment);
    routes.push_back(std::move(made));
  }
  return routes;
}

std::optional<HttpResponse> HttpApi::admit(HttpRequest& request) const {
  return access_.check(request, api::need_of(api::place_of(request)));
}

void HttpApi::operator()(HttpRequest request, HttpReply reply) const {
  const api::Place place = api::place_of(request);
  if (!request.principal.may(api::need_of(place)))
    return reply(problem(403, "nobody has found out who asks: the node is put together wrongly; please report this"));
  auto shared = std::make_shared<const HttpRequest>(std::move(request));
  if (place.route != nullptr) return place.route->answer({&node_, limits_, shared, std::move(reply)});
  if (place.allowed.empty())
    return reply(
        problem(404, fmt::format("there is nothing at {}; the calls are described in /openapi.json", shared->path)));
  HttpResponse response =
      problem(405, fmt::format("{} is not allowed at {}; allowed: {}", shared->method, shared->path, place.allowed));
  const bool get = place.allowed.find("GET") != std::string::npos;
  response.headers.emplace_back("Allow", get ? place.allowed + ", HEAD" : place.allowed);
  reply(std::move(response));
}

}  // namespace weir
