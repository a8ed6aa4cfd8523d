// The services of a node, actors of its owner's own: started, ended, started again one-for-one. Whatever becomes of them, the node and its
// pipeline go on.
//
// One that crashes is started again after a pause that grows; one that crashes more often than `supervision.service` allows is tried again
// every `window`, and named meanwhile. A service that has lived for a `window` counts as one that got on. One that ends by itself has come to
// its end.
#pragma once
#include <chrono>
#include <cstdint>
#include <functional>
#include <memory>
#include <string>
#include <vector>

#include "actors/messages/service_messages.h"
#include "actors/supervise/actor_board.h"
#include "runtime/base/result.h"
#include "runtime/ports/clock.h"
#include "runtime/ports/logbook.h"
#include "runtime/ports/supervision_config.h"

namespace weir {

struct NodeService {
  std::string name;  // unique
  /// Starts it (again), monitored by the supervisor, on whose thread this is called. It ends when the supervisor sends it an exit message
  /// with user_shutdown, if it does as it should; what it dies of it says with ActorFailed, as "service/NAME". An error counts as a crash.
  std::function<Result<caf::actor>(caf::event_based_actor* supervisor, std::shared_ptr<ActorEntry> entry)> start;
};

struct ServicesSetup {
  std::vector<NodeService> services;
  RestartLimits limits;
  const Clock* clock = nullptr;
  Logbook* logbook = nullptr;
  std::shared_ptr<ActorBoard> board = std::make_shared<ActorBoard>();
  std::uint64_t seed = 0;                           // of the jitter of all pauses
  std::chrono::milliseconds stop_patience{5'000};   // from being asked to end until it is killed
  std::chrono::milliseconds kill_patience{1'000};   // then until it is given up: it is inside a call that does not return
  /// Exactly once, on the supervisor's thread: all have ended but these, which are given up.
  std::function<void(std::vector<std::string> left)> ended;
};

/// StopNode ends it, and with it all services: asked first, then killed, then given up. It quits after `ended`. Its place on the board is
/// "services", theirs are below.
[[nodiscard]] caf::actor spawn_services(caf::actor_system& system, ServicesSetup setup);

}  // namespace weir
