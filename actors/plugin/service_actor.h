// A service of a plugin: how it is started, and what it may ask of the node that it runs in.
#pragma once
#include <cstdint>
#include <functional>
#include <memory>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "actors/messages/messages.h"
#include "actors/supervise/actor_board.h"
#include "runtime/base/result.h"
#include "runtime/ports/logbook.h"
#include "runtime/ports/plugin_kinds.h"
#include "runtime/ports/services_config.h"

namespace weir {

/// A status and a text as over HTTP; called once, on any thread.
using ServiceAnswer = std::function<void(std::uint32_t status, std::string_view text)>;

/// GET /v1/views/VIEW/KEY…
struct RowsQuestion {
  std::string service, view;
  std::vector<std::string> key;
  std::vector<std::pair<std::string, std::string>> parameters;
};
/// POST /v1/events
struct PutQuestion {
  std::string service, events, content_type;
  std::vector<std::pair<std::string, std::string>> parameters;
};

/// What a node does for its services. Thread-safe; nothing blocks.
class ServiceDesk {
 public:
  virtual ~ServiceDesk() = default;
  virtual void log(LogLevel level, std::string_view who, std::string_view text) noexcept = 0;
  virtual void rows(RowsQuestion question, ServiceAnswer answer) = 0;
  virtual void put(PutQuestion question, ServiceAnswer answer) = 0;
};

/// Where a service runs.
struct ServicePlace {
  std::string node, pipeline;
  std::shared_ptr<ServiceDesk> desk;  // held by the service, for as long as it has anything left that could ask
  bool own_thread = true;             // false: on the scheduler's threads; for tests, whose time is moved by hand
};

/// What services of plugins must have been built with to run in this program.
[[nodiscard]] ServiceGround service_ground();

/// What the kind itself says of the configuration. Error config_invalid: it refuses it; with the place.
[[nodiscard]] Result<void> check_service(const ServiceConfig& config);

/// Starts it, monitored by `supervisor`, on whose thread this is. It says what it dies of with ActorFailed. It ends when it gets an exit
/// message of the supervisor's with user_shutdown, if it does as it should. Error internal: it could not be made, with what it threw.
[[nodiscard]] Result<caf::actor> start_service(caf::event_based_actor* supervisor, const ServiceConfig& config, const ServicePlace& place,
                                               std::shared_ptr<ActorEntry> entry);

}  // namespace weir
