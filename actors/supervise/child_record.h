// What a supervisor knows of one child: how often it died and of what, whether it is to be started again, and its place on the
// board.
#pragma once
#include <chrono>
#include <memory>
#include <optional>

#include "actors/supervise/actor_board.h"
#include "actors/supervise/restart_policy.h"
#include "runtime/base/error.h"
#include "runtime/ports/clock.h"

namespace weir {

/// Of an actor that went without a word.
inline const Error kKilled{Errc::internal, "it was killed"};

/// Lives in the supervisor. Not thread-safe.
class ChildRecord {
 public:
  ChildRecord(RestartLimits limits, std::uint64_t seed, std::shared_ptr<ActorEntry> entry)
      : policy_(limits, seed), entry_(std::move(entry)) {}

  /// It has been spawned, for the first time or again.
  void started(ActorState state = ActorState::starting) {
    if (ever_started_ && dead_) entry_->restarted();
    ever_started_ = true;
    dead_ = false;
    error_ = kKilled;
    excused_ = false;
    entry_->state(state);
  }
  void state(ActorState state) noexcept { entry_->state(state); }
  /// It came to its end.
  void stopped() noexcept {
    entry_->state(ActorState::stopped);
    entry_->load(0, 0);
  }
  /// What it says it dies of, before it does. `excused`: that is not its fault, and does not count.
  void failing(Error error, bool excused = false) {
    error_ = std::move(error);
    excused_ = excused;
  }
  /// It is dead. The pause before it is to be started again; nothing: it escalates.
  [[nodiscard]] std::optional<std::chrono::microseconds> died(const Clock& clock) {
    dead_ = true;
    entry_->died(describe(error_), clock.wall());
    entry_->load(0, 0);
    const auto pause = excused_ ? policy_.shortest_pause() : policy_.on_crash(clock.now());
    entry_->state(pause ? ActorState::backing_off : ActorState::failing);
    return pause;
  }
  void progress(const Clock& clock) noexcept { policy_.on_progress(clock.now()); }
  /// A person says that it is worth another try.
  void forget() noexcept { policy_.forget(); }
  /// Of its death, or what it said last.
  [[nodiscard]] const Error& error() const noexcept { return error_; }
  [[nodiscard]] const std::shared_ptr<ActorEntry>& entry() const noexcept { return entry_; }

 private:
  RestartPolicy policy_;
  std::shared_ptr<ActorEntry> entry_;
  Error error_ = kKilled;
  bool ever_started_ = false;
  bool dead_ = false;
  bool excused_ = false;
};

}  // namespace weir
