// A wish to look at a partition's state, on its views actor's thread, as soon as it stands far enough.
#pragma once
#include <functional>
#include <memory>
#include <utility>

#include "runtime/base/ids.h"
#include "runtime/base/result.h"

namespace weir {

class PartitionState;  // of runtime/engine/partition_state.h

/// Called exactly once: on the views actor's thread with the state, which lasts for the call, and what keeps its store
/// open; or, on any thread, with not_ready when the views actor died or was never there. Must be short.
using StateVisitor = std::function<void(Result<const PartitionState*> state, const std::shared_ptr<const void>& keep)>;

/// Travels as a shared_ptr; whoever drops the last one without a visit answers it.
class StateVisit {
 public:
  StateVisit(PartitionId partition, Offset offset, CommitSequence sequence, StateVisitor visitor)
      : partition_(partition), offset_(offset), sequence_(sequence), visitor_(std::move(visitor)) {}
  StateVisit(const StateVisit&) = delete;
  StateVisit& operator=(const StateVisit&) = delete;
  ~StateVisit() {
    if (visitor_) answer(fail(Errc::not_ready, "partition {} is being rebuilt; ask again", partition_.value), nullptr);
  }

  /// The state must have applied everything below `offset`, and commit `sequence`.
  [[nodiscard]] bool satisfied(Offset committed, CommitSequence sequence) const noexcept {
    return committed >= offset_ && sequence >= sequence_;
  }
  void answer(Result<const PartitionState*> state, const std::shared_ptr<const void>& keep) {
    if (const StateVisitor visitor = std::exchange(visitor_, nullptr)) visitor(std::move(state), keep);
  }
  /// Beyond that, the state must be flushed: PartitionState::durable() is at least what is applied when the wish arrives.
  void when_flushed() noexcept { flushed_ = true; }
  [[nodiscard]] bool wants_flush() const noexcept { return flushed_; }
  /// Whoever asked has gone; nobody waits any more.
  [[nodiscard]] bool abandoned() const { return visitor_ == nullptr || (gone_ && gone_()); }
  void abandoned_when(std::function<bool()> gone) { gone_ = std::move(gone); }

 private:
  PartitionId partition_;
  Offset offset_;
  CommitSequence sequence_;
  StateVisitor visitor_;
  std::function<bool()> gone_;
  bool flushed_ = false;
};

}  // namespace weir
