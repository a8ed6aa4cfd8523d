// The state of one partition without an owner: opened where its store stands, and led on by the log's commits.
#pragma once
#include <chrono>
#include <cstddef>
#include <functional>
#include <memory>
#include <vector>

#include "runtime/engine/dedupe_log.h"
#include "runtime/engine/partition_state.h"
#include "runtime/engine/view_set.h"
#include "runtime/ports/event_log.h"
#include "runtime/ports/state_store.h"

namespace weir {

struct ReplaySetup {
  PartitionId partition;
  Digest128 log_id;
  const ViewSet* views = nullptr;  // outlives the state
  std::chrono::microseconds remember{0};
  CommitSequence trimmed;          // PartitionStatus::output_begin
  /// What is replayed goes to the store when so much of it is in memory; 0: all of it stays there, and nothing is ever written.
  std::size_t delta_bytes_max = 0;
};

/// Not thread-safe.
class ReplayedState {
 public:
  /// Takes the store over, and closes it. Errors: as PartitionState::recover().
  [[nodiscard]] static Result<std::unique_ptr<ReplayedState>> open(std::unique_ptr<StateStore> store, const ReplaySetup& setup);
  ~ReplayedState();
  ReplayedState(const ReplayedState&) = delete;
  ReplayedState& operator=(const ReplayedState&) = delete;

  [[nodiscard]] PartitionState& state() noexcept { return *state_; }
  [[nodiscard]] const PartitionState& state() const noexcept { return *state_; }
  /// The commit behind which replay() begins: below the state's own when a view is still to be filled.
  [[nodiscard]] CommitSequence through() const noexcept { return through_; }

  using ReadOutput = std::function<Result<std::vector<CommitRecord>>(const OutputRead&)>;
  /// Told after each read how far it is; false ends the replay (cancelled).
  using Step = std::function<bool(CommitSequence)>;
  /// Applies every commit up to and including `last`. Errors: state_damaged (the state is beyond `last` already, or what is read does not
  /// fit), log_damaged, below_horizon, io_failed, disk_full, cancelled.
  [[nodiscard]] Result<void> replay(const ReadOutput& read, CommitSequence last, const Step& step = {});

 private:
  ReplayedState() = default;
  [[nodiscard]] Result<void> flush();
  ReplaySetup setup_;
  std::unique_ptr<StateStore> store_;
  std::unique_ptr<DedupeLog> dedupe_;
  std::unique_ptr<PartitionState> state_;
  CommitSequence through_;
};

/// Hands the flush in and waits for its answer: never on an actor's thread.
[[nodiscard]] Result<void> flush_and_wait(StateStore& store, StateFlush flush);

}  // namespace weir
