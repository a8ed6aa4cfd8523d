// Snapshots of a running node: on their interval and when somebody asks, one after the other on a thread of their own.
//
// A snapshot begins with a flush of what the partition's state holds in memory, by its own actor, as any other flush; from then on
// nothing here is done on an actor's thread: a checkpoint (hard links, some milliseconds), reading it for its digests, copying what is
// new. The partition runs on all the while.
#pragma once
#include <atomic>
#include <functional>
#include <mutex>
#include <optional>
#include <string>
#include <vector>

#include "actors/supervise/actor_board.h"
#include "cluster/api/snapshot_report.h"
#include "cluster/node/live_state.h"
#include "cluster/node/snapshot_maker.h"
#include "cluster/node/snapshot_trial.h"
#include "runtime/adapters/system/work_pool.h"
#include "runtime/ports/logbook.h"
#include "runtime/ports/snapshot_config.h"

namespace weir {

/// What is known of one partition's snapshots without asking the store.
struct SnapshotStand {
  std::optional<UnixMicros> newest_at;  // none: there is none that can be used
  CommitSequence newest;
  std::optional<RecoveryBase> newest_base;
  std::uint64_t usable = 0;
  std::uint64_t bytes = 0;   // of what the usable ones name, each content once
  std::uint64_t made = 0;    // since the node was started
  std::uint64_t failed = 0;  // likewise
  double seconds = 0;        // what the last one took
  std::optional<UnixMicros> verified_at;  // the newest time that one was tried out and was good
  std::uint64_t tried = 0;     // since the node was started
  std::uint64_t tried_bad = 0; // of these, that were not
  bool bad = false;            // the last one was not
  RebuildSpeed speed;          // of the node, as the last trial of any partition showed it
};

/// What else than snapshots the log is kept for.
struct LogNeeds {
  std::optional<std::chrono::microseconds> retain;  // log.embedded.retain; none: all
  const SinkBoard* sinks = nullptr;
};

/// Thread-safe. Everything given to it outlives it. Lets the log go of what nobody needs any more, too: what that is follows from the
/// snapshots there are.
class SnapshotKeeper {
 public:
  SnapshotKeeper(const SnapshotGround& ground, const SnapshotConfig& config, const LogNeeds& needs, EventLog& log, LiveState& state,
                 std::shared_ptr<ActorBoard> board, Logbook& logbook);
  ~SnapshotKeeper() { stop(); }
  SnapshotKeeper(const SnapshotKeeper&) = delete;
  SnapshotKeeper& operator=(const SnapshotKeeper&) = delete;

  /// Begins what is due. Called often; cheap.
  void look();
  using FatesDone = std::function<void(Result<std::vector<SnapshotFate>>)>;
  /// Makes one of every partition. `done`, once, on a thread of its own: what became of each. Errors: limit_reached (too many ask),
  /// cancelled (the node ends).
  void make(FatesDone done);
  using TrialsDone = std::function<void(Result<std::vector<TrialFate>>)>;
  /// Tries snapshots out: `from` as parse_trial_base() reads it. `done` and errors as of make(), and invalid_argument.
  void verify(const std::string& from, TrialsDone done);
  /// Reads the store: takes its time. Errors: io_failed.
  [[nodiscard]] Result<SnapshotList> list() const;
  [[nodiscard]] std::vector<SnapshotStand> stands() const;
  /// Nothing begins any more, and what is copied is broken off.
  void end() { stopping_ = true; }
  /// end(), and waits for what is under way. Idempotent.
  void stop();

 private:
  [[nodiscard]] SnapshotFate make_one(PartitionId partition);
  [[nodiscard]] Result<SnapshotFate> try_one(PartitionId partition);
  [[nodiscard]] TrialFate verify_one(PartitionId partition, const TrialBase& base);
  [[nodiscard]] Result<TrialFate> try_verify(PartitionId partition, const TrialBase& base);
  [[nodiscard]] Result<std::optional<CommitSequence>> checkpoint(PartitionId partition, const std::string& directory, CommitSequence known);
  void told(const std::string& text, bool failing);
  void learn(PartitionId partition);
  void trim(PartitionId partition, const std::vector<StoredSnapshot>& known);
  [[nodiscard]] bool holds_all_views(PartitionId partition);
  [[nodiscard]] std::string held_by(const TrimPlan& plan, const PartitionStatus& log) const;

  SnapshotGround ground_;
  const SnapshotConfig config_;
  const LogNeeds needs_;
  EventLog& log_;
  LiveState& state_;
  Logbook& logbook_;
  std::shared_ptr<ActorEntry> entry_;
  const UnixMicros started_;
  mutable std::mutex mutex_;
  std::vector<SnapshotStand> stands_;
  std::vector<std::string> ids_;                       // of the newest ones
  std::vector<std::optional<UnixMicros>> failed_at_;   // since the last that was made
  std::vector<std::optional<UnixMicros>> tried_at_;    // whatever came of it
  std::vector<TrimPlan> plans_;                        // of the log, as they were last made
  std::vector<bool> complete_;                         // its state on disk has had every view filled; on the pool's thread only
  RebuildSpeed speed_;
  std::optional<TimePoint> looked_;
  TimePoint trimmed_;
  bool busy_ = false;  // something that look() began is under way
  std::atomic<bool> stopping_{false};
  WorkPool pool_;  // last: its jobs use the others
};

}  // namespace weir
