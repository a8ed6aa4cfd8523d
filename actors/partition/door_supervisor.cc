#include "actors/partition/door_supervisor.h"

#include <caf/actor_cast.hpp>
#include <fmt/format.h>

#include <algorithm>

namespace weir {

void DoorSupervisor::start_all(const std::vector<PartitionProgress>& known) {
  started_ = true;
  for (const PipelineDoor& door : setup_.doors) {
    const std::string who = "door/" + door.name;
    doors_.push_back({who, child_record(who, setup_.supervision.door, setup_, "events"), {}, false});
  }
  for (std::size_t i = 0; i < doors_.size(); ++i) start(i, known);
}

void DoorSupervisor::start(std::size_t i, const std::vector<PartitionProgress>& known) {
  Door& door = doors_[i];
  door.record.started(ActorState::running);
  door.actor = setup_.doors[i].spawn(self_, door.record.entry());
  for (const PartitionProgress& progress : known) self_->send(door.actor, progress);
}

void DoorSupervisor::failing(const std::string& who, const Error& error) {
  for (Door& door : doors_) {
    if (who == door.who) door.record.failing(error);
  }
}

std::optional<std::size_t> DoorSupervisor::find(const caf::actor_addr& who) const {
  for (std::size_t i = 0; i < doors_.size(); ++i) {
    if (doors_[i].actor && who == doors_[i].actor.address()) return i;
  }
  return std::nullopt;
}

std::optional<std::chrono::microseconds> DoorSupervisor::died(std::size_t i) {
  Door& door = doors_[i];
  door.actor = nullptr;
  const auto pause = door.record.died(*setup_.partition.clock);
  if (pause || !setup_.until_stopped) return pause;
  const std::chrono::microseconds window = setup_.supervision.door.window;
  setup_.partition.logbook->write(LogLevel::error, door.who,
                                  fmt::format("it keeps dying and is tried again every {} s, the last time of: {}",
                                              std::chrono::duration<double>(window).count(), describe(door.record.error())));
  return window;
}

void DoorSupervisor::finished(std::size_t i) {
  Door& door = doors_[i];
  door.finished = true;
  door.record.stopped();
  self_->demonitor(door.actor);
  door.actor = nullptr;
}

void DoorSupervisor::progress() {
  for (Door& door : doors_) door.record.progress(*setup_.partition.clock);
}

bool DoorSupervisor::all_finished() const noexcept {
  return std::all_of(doors_.begin(), doors_.end(), [](const Door& door) { return door.finished; });
}

bool DoorSupervisor::any_alive() const noexcept {
  return std::any_of(doors_.begin(), doors_.end(), [](const Door& door) { return door.actor != nullptr; });
}

std::vector<std::string> DoorSupervisor::alive() const {
  std::vector<std::string> who;
  for (const Door& door : doors_) {
    if (door.actor) who.push_back(door.who);
  }
  return who;
}

}  // namespace weir
