// The doors of a pipeline: started, ended, started again one-for-one. A door that dies more often than `supervision.door` allows is
// tried again every `window` in a node that serves, and named meanwhile.
#pragma once
#include <chrono>
#include <cstddef>
#include <optional>
#include <string>
#include <vector>

#include "actors/messages/messages.h"
#include "actors/partition/pipeline_supervisor.h"
#include "actors/supervise/child_record.h"

namespace weir {

/// Lives in the supervisor `self`, whose children the doors are. `setup` outlives it.
class DoorSupervisor {
 public:
  DoorSupervisor(caf::event_based_actor* self, const PipelineSetup& setup) : self_(self), setup_(setup) {}

  /// Door `i` (again), which is told `known` first: what it has to know of ids and credits.
  void start(std::size_t i, const std::vector<PartitionProgress>& known);
  /// All of them, once.
  void start_all(const std::vector<PartitionProgress>& known);
  [[nodiscard]] bool started() const noexcept { return started_; }

  /// To each that lives.
  template <class Message>
  void tell(const Message& message) const {
    for (const Door& door : doors_) {
      if (door.actor) self_->send(door.actor, message);
    }
  }
  /// "door/http" says what it dies of.
  void failing(const std::string& who, const Error& error);
  [[nodiscard]] std::optional<std::size_t> find(const caf::actor_addr& who) const;
  /// Door `i` is dead. The pause before it is to be started again; nothing: the pipeline cannot go on without it, with error_of().
  [[nodiscard]] std::optional<std::chrono::microseconds> died(std::size_t i);
  /// The same when nobody is to come after it.
  void gone(std::size_t i) noexcept {
    doors_[i].actor = nullptr;
    doors_[i].record.stopped();
  }
  [[nodiscard]] const Error& error_of(std::size_t i) const { return doors_[i].record.error(); }
  /// Door `i` has come to its end.
  void finished(std::size_t i);
  /// A partition has committed.
  void progress();

  [[nodiscard]] bool all_finished() const noexcept;
  [[nodiscard]] bool any_alive() const noexcept;
  /// "door/http" of each that lives.
  [[nodiscard]] std::vector<std::string> alive() const;
  void forget() noexcept { doors_.clear(); }

 private:
  struct Door {
    std::string who;
    ChildRecord record;
    caf::actor actor;
    bool finished = false;
  };
  caf::event_based_actor* self_;
  const PipelineSetup& setup_;
  std::vector<Door> doors_;
  bool started_ = false;
};

}  // namespace weir
