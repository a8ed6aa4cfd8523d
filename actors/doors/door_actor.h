// A door that reads: takes groups from its feed, appends them, hands the batches on live, and waits where the pipeline is behind.
//
// Durable before told: a partition learns IngestDurable only after the log's completion. An append that is given up is appended
// again, in order, so nothing read is lost or doubled; the partitions see by the log's generation that what they had of it is
// void. The door's own position travels in the append, so a door that dies goes on from the log.
// Credits: what it appended and the partitions have not committed, in events and bytes.
#pragma once
#include <functional>

#include "actors/messages/messages.h"
#include "actors/supervise/actor_board.h"
#include "runtime/engine/door_pressure.h"
#include "runtime/ports/clock.h"
#include "runtime/ports/door_feed.h"
#include "runtime/ports/event_log.h"
#include "runtime/ports/logbook.h"

namespace weir {

/// Pointers outlive the actor system.
struct DoorSetup {
  EventLog* log = nullptr;
  const Clock* clock = nullptr;
  Logbook* logbook = nullptr;
  DoorFeedOpener open;
  std::string name;
  std::uint64_t ids_max = 50'000'000;                   // dedupe.ids_max: the door stops there, naming the key
  /// Of a node that serves: at ids_max, at a limit of the node and where appends fail it waits, for as long as it takes.
  bool waits = false;
  std::uint64_t events_max = 48 * 1024;                 // appended by this door and not committed
  std::uint64_t bytes_max = 24ull * 1024 * 1024;
  bool own_thread = true;                               // the feed may block
  const DoorPressure* pressure = nullptr;               // may be null
  std::shared_ptr<ActorEntry> entry = nullptr;          // its place on the board; may be null
  std::chrono::milliseconds full_max{60'000};           // how long it may wait for the node to come away from a limit; then it ends
};

/// Monitored by `supervisor`. Gets Routes, PartitionProgress, StopNode; sends DoorFinished last.
[[nodiscard]] caf::actor spawn_door(caf::event_based_actor* supervisor, DoorSetup setup);
/// The same, for a supervisor that starts it again.
[[nodiscard]] std::function<caf::actor(caf::event_based_actor* supervisor, std::shared_ptr<ActorEntry> entry)> door_spawner(DoorSetup setup);

}  // namespace weir
