#include "cluster/node/node_services.h"

#include <caf/actor_registry.hpp>

#include <fmt/format.h>

#include <algorithm>
#include <nlohmann/json.hpp>
#include <utility>

#include "actors/doors/http_door_actor.h"

namespace weir {

namespace {

/// From the kill of a service until it is given up: an actor that is not inside a call dies at once.
constexpr std::chrono::milliseconds kKillPatience{500};
/// Then the supervisor itself is given up: it may be inside the constructor of a service.
constexpr std::chrono::milliseconds kSupervisorPatience{500};
/// What ends with the node ends within milliseconds; a source may be inside a call for about a second.
constexpr std::chrono::milliseconds kOthersPatience{3'000};
constexpr std::chrono::milliseconds kLook{5};

/// What people read of an answer that is an error: the detail of its problem.
std::string text_of(const HttpResponse& response) {
  if (response.content_type.find("problem+json") == std::string::npos) return response.body;
  const auto problem = nlohmann::json::parse(response.body, nullptr, false);
  return problem.is_object() && problem.contains("detail") && problem["detail"].is_string() ? problem["detail"].get<std::string>() : response.body;
}

HttpRequest request_of(std::string method, std::vector<std::string> segments, std::vector<std::pair<std::string, std::string>> parameters,
                       const std::string& service, Role role) {
  HttpRequest request;
  request.method = std::move(method);
  for (const std::string& segment : segments) request.path += "/" + segment;  // for messages alone
  request.segments = std::move(segments);
  request.query = std::move(parameters);
  request.peer = request.principal.name = "service/" + service;
  request.principal.role = role;
  return request;
}

}  // namespace

std::chrono::milliseconds services_patience(const NodeConfig& node) {
  return std::chrono::duration_cast<std::chrono::milliseconds>(node.shutdown_max) / 4;
}

void NodeDesk::close() {
  const std::unique_lock lock(mutex_);
  api_ = nullptr;
  logbook_ = nullptr;
}

void NodeDesk::log(LogLevel level, std::string_view who, std::string_view text) noexcept {
  const std::shared_lock lock(mutex_);
  if (logbook_ != nullptr) logbook_->write(level, who, text);
}

void NodeDesk::rows(RowsQuestion question, ServiceAnswer answer) {
  std::vector<std::string> segments = {"v1", "views", std::move(question.view)};
  for (std::string& part : question.key) segments.push_back(std::move(part));
  ask(request_of("GET", std::move(segments), std::move(question.parameters), question.service, Role::read), std::move(answer));
}

void NodeDesk::put(PutQuestion question, ServiceAnswer answer) {
  const std::uint64_t bytes = question.events.size();
  // Over HTTP the server bounds this; here nobody else would, where a service puts and does not wait.
  if (bytes > body_max_) return answer(413, fmt::format("{} bytes of events; one put has at most {} (http.body_max): put them in parts", bytes, body_max_));
  if (outstanding_->bytes.fetch_add(bytes) + bytes > body_max_) {
    outstanding_->bytes.fetch_sub(bytes);
    return answer(429, fmt::format("more than {} bytes of puts wait for their answers (http.body_max): wait for some of them first", body_max_));
  }
  answer = [answer = std::move(answer), outstanding = outstanding_, bytes](std::uint32_t status, std::string_view text) {
    outstanding->bytes.fetch_sub(bytes);
    answer(status, text);
  };
  HttpRequest request = request_of("POST", {"v1", "events"}, std::move(question.parameters), question.service, Role::ingest);
  request.headers.emplace_back("content-type", std::move(question.content_type));
  request.body = SharedBytes::copy_of(question.events);
  ask(std::move(request), std::move(answer));
}

void NodeDesk::ask(HttpRequest request, ServiceAnswer answer) {
  const HttpReply reply = sure_reply([answer = std::move(answer)](const HttpResponse& response) { answer(static_cast<std::uint32_t>(response.status), text_of(response)); });
  const std::shared_lock lock(mutex_);
  if (!api_) return reply(problem(503, "the node is stopping"));
  api_(std::move(request), reply);
}

void NodeServices::start(caf::actor_system& system) {
  if (setup_.node->services.empty() || asked_at_) return;
  desk_ = std::make_shared<NodeDesk>(std::move(setup_.api), *setup_.logbook, setup_.node->http_body_max);
  ServicesSetup setup;
  setup.limits = setup_.node->supervision.service;
  setup.clock = setup_.clock;
  setup.logbook = setup_.logbook;
  setup.board = setup_.board;
  setup.seed = setup_.seed;
  setup.stop_patience = services_patience(*setup_.node);
  setup.kill_patience = kKillPatience;
  setup.ended = [ended = ended_](std::vector<std::string> left) {
    const std::scoped_lock lock(ended->mutex);
    ended->left = std::move(left);
    ended->ended = true;
    ended->changed.notify_one();
  };
  const ServicePlace place{setup_.node->node, setup_.pipeline, desk_};
  for (const ServiceConfig& service : setup_.node->services) {
    setup.services.push_back({service.name, [service, place](caf::event_based_actor* supervisor, std::shared_ptr<ActorEntry> entry) {
                                return start_service(supervisor, service, place, std::move(entry));
                              }});
  }
  root_ = spawn_services(system, std::move(setup));
}

bool NodeServices::stop() {
  const TimePoint now = setup_.clock->now();
  if (!asked_at_) {
    asked_at_ = now;
    if (root_) caf::anon_send(root_, StopNode{});
  }
  if (!root_) return true;
  const std::scoped_lock lock(ended_->mutex);
  const bool overdue = now - *asked_at_ >= services_patience(*setup_.node) + kKillPatience + kSupervisorPatience;
  if (!ended_->ended && !overdue) return false;
  if (!ended_->ended) setup_.logbook->write(LogLevel::error, "services", "a service does not come to the end of its constructor; the node ends without them");
  // Of a supervisor that does not answer nobody knows how many there are: itself, and each of its own.
  abandoned_ = ended_->ended ? ended_->left.size() : setup_.node->services.size() + 1;
  root_ = nullptr;
  desk_->close();
  return true;
}

void NodeServices::wait() {
  while (!stop()) {
    std::unique_lock lock(ended_->mutex);
    ended_->changed.wait_for(lock, kLook, [this] { return ended_->ended; });
  }
}

bool NodeServices::nothing_else_runs(caf::actor_system& system) const {
  if (setup_.node->services.empty()) return true;
  const TimePoint begin = setup_.clock->now();
  while (system.registry().running() > abandoned_) {
    if (setup_.clock->now() - begin >= kOthersPatience) {
      setup_.logbook->write(LogLevel::error, "services", "actors that a service has spawned and not ended with itself, or an input inside a call, run on; the node ends without them");
      return false;
    }
    std::unique_lock lock(ended_->mutex);
    ended_->changed.wait_for(lock, kLook, [] { return false; });
  }
  return true;
}

}  // namespace weir
