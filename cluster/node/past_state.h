// What the partitions held at a moment of the past: made anew of snapshots and the log, aside, and asked like the present.
#pragma once
#include <atomic>
#include <functional>
#include <memory>
#include <string>
#include <vector>

#include "cluster/node/log_reader.h"
#include "cluster/node/rebuilt_state.h"
#include "runtime/adapters/system/work_pool.h"
#include "runtime/engine/as_of.h"

namespace weir {

/// The commit at which each partition stood then: by times a search over single commits. Errors: invalid_argument (it is still to come, or
/// there is no such partition), data_foreign (a token of another log), below_horizon (the log has lost what would tell), log_damaged, io_failed.
[[nodiscard]] Result<std::vector<CommitSequence>> commits_as_of(const SnapshotGround& ground, const LogReader& log, const AsOf& as_of);

/// Not thread-safe.
class PastState : public std::enable_shared_from_this<PastState> {
 public:
  /// `aside`: a directory that is made, and removed with this. Everything else outlives it. Errors: below_horizon (nothing reaches back
  /// so far: names the horizon), state_damaged, log_damaged, io_failed, disk_full, cancelled.
  [[nodiscard]] static Result<std::shared_ptr<PastState>> make(const SnapshotGround& ground, const LogReader& log, std::vector<CommitSequence> commits, std::string aside);

  [[nodiscard]] const std::vector<CommitSequence>& commits() const noexcept { return commits_; }
  /// They keep this. Errors: state_damaged, io_failed.
  [[nodiscard]] Result<std::vector<PartitionPicture>> pictures() const;

 private:
  PastState(std::vector<CommitSequence> commits, std::string aside) : commits_(std::move(commits)), aside_(std::move(aside)) {}
  [[nodiscard]] Result<void> rebuild(const SnapshotGround& ground, const LogReader& log, PartitionId partition);
  std::vector<CommitSequence> commits_;
  Aside aside_;
  std::vector<std::unique_ptr<ReplayedState>> states_;  // behind the directory they lie in
};

/// Questions about the past of a running node, one after the other on a thread of their own. What was made last is kept for a while: pages
/// of one answer, and the next view, come from it. Thread-safe. Everything given to it outlives it.
class PastStates {
 public:
  PastStates(const SnapshotGround& ground, EventLog& log);
  ~PastStates() { stop(); }
  PastStates(const PastStates&) = delete;
  PastStates& operator=(const PastStates&) = delete;

  using Done = std::function<void(Result<std::vector<PartitionPicture>>)>;
  /// `done`, once: on the thread of this, or at once when too many ask. Errors: as commits_as_of() and PastState::make(); limit_reached,
  /// cancelled (the node ends).
  void ask(const AsOf& as_of, Done done);
  /// Forgets what nobody has asked for lately. Called often; cheap.
  void look();
  /// What is under way is broken off.
  void end() { ending_ = true; }
  /// end(), and waits for it. Idempotent.
  void stop();

 private:
  [[nodiscard]] Result<std::vector<PartitionPicture>> answer(const AsOf& as_of);
  SnapshotGround ground_;
  LiveLogReader log_;
  std::shared_ptr<PastState> kept_;  // on the pool's thread only
  std::uint64_t made_ = 0;           // likewise
  std::atomic<std::int64_t> used_at_{0};  // of kept_, nanoseconds of the clock; 0: there is none
  std::atomic<bool> ending_{false};
  WorkPool pool_;  // last: its jobs use the others
};

}  // namespace weir
