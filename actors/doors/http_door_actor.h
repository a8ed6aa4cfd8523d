// The HTTP door: requests in, one append each, an answer when it is durable. The log syncs what waits together, so many
// requests share one sync.
//
// A request is accepted whole or refused whole. What is accepted lies in the log: the chain being behind costs no
// memory here. Batches go live to their partitions as long as credit lasts (events and bytes not committed yet); beyond
// that partitions read them from the log. The door keeps nothing that matters: when it dies, requests on their way are
// answered 503, and whoever sends them again meets the memory of ids. Bounded by the server and the log: a
// request's body counts against the one's limit until the other has it, and against that one's until it is written.
#pragma once
#include <chrono>
#include <functional>

#include "actors/doors/http_body.h"
#include "actors/messages/messages.h"
#include "actors/supervise/actor_board.h"
#include "runtime/engine/door_pressure.h"
#include "runtime/ports/clock.h"
#include "runtime/ports/event_log.h"
#include "runtime/ports/http_server.h"
#include "runtime/ports/logbook.h"

namespace weir {

/// Pointers outlive the actor system.
struct HttpDoorSetup {
  EventLog* log = nullptr;
  const Clock* clock = nullptr;
  Logbook* logbook = nullptr;
  HttpBodyConfig body;
  std::uint64_t ids_max = 50'000'000;         // dedupe.ids_max: 429, naming the key
  std::uint64_t live_events_max = 48 * 1024;  // sent live and not committed yet
  std::uint64_t live_bytes_max = 24ull * 1024 * 1024;
  std::chrono::milliseconds wait_max{60'000};  // of ?wait=
  std::chrono::milliseconds busy_max{5'000};   // how long a request waits for room in the log before 429
  const DoorPressure* pressure = nullptr;      // may be null
  std::shared_ptr<ActorEntry> entry = nullptr;  // its place on the board; may be null
  std::chrono::milliseconds slow_wait{100};    // how long every request waits while the node is near a limit
};

/// Answers 503 when it goes without an answer: with the door's mailbox, when the door dies. May be called once.
[[nodiscard]] HttpReply sure_reply(HttpReply reply);

/// POST /v1/events. `reply` is a sure_reply().
struct HttpIngest {
  HttpRequest request;
  HttpReply reply;
};

// What the door says to itself.

/// A timer: the wait of append `number` is over.
struct WaitOver {
  std::uint64_t number = 0;
};
/// A piece of the output log, for the outcomes of append `number`.
struct OutcomesRead {
  std::uint64_t number = 0;
  PartitionId partition;
  Result<std::vector<CommitRecord>> records;
};

/// Monitored by `supervisor`. Gets Routes, PartitionProgress, StopNode, and HttpIngest from anybody; sends DoorFinished
/// last.
[[nodiscard]] caf::actor spawn_http_door(caf::event_based_actor* supervisor, HttpDoorSetup setup);

}  // namespace weir

#define WEIR_DOOR_MESSAGE(type) CAF_ALLOW_UNSAFE_MESSAGE_TYPE(weir::type)
WEIR_DOOR_MESSAGE(HttpIngest)
WEIR_DOOR_MESSAGE(WaitOver)
WEIR_DOOR_MESSAGE(OutcomesRead)
