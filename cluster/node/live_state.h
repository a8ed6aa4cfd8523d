// What a running node knows of its partitions, for those who are no actors: the HTTP API above all.
#pragma once
#include <chrono>
#include <functional>
#include <memory>
#include <mutex>
#include <optional>
#include <string>
#include <vector>

#include "actors/messages/messages.h"
#include "actors/messages/state_visit.h"
#include "runtime/engine/partition_state.h"
#include "runtime/engine/read_token.h"

namespace weir {

class LetterRequest;  // of actors/messages/letter_messages.h

/// One partition as it was last heard of.
struct LivePartition {
  Offset committed;
  CommitSequence sequence;
  Epoch epoch;
  Ledger ledger;
  std::uint64_t ids = 0;  // remembered by dedupe
  bool ready = false;     // it has an owner that runs
  bool quarantined = false;
  std::string error;  // of quarantined: why
};

/// What is to be looked at in each partition; called on its views actor's thread.
using PictureMaker = std::function<Result<PartitionPicture>(PartitionId partition, const PartitionState& state)>;
using PicturesDone = std::function<void(Result<std::vector<PartitionPicture>>)>;

/// Where answers are finished, and moments to come: the threads of a pool, or the steps of a simulation. Thread-safe.
struct LaterWork {
  std::function<bool(std::function<void()>)> post;  // false: too much waits already, and it will not run
  std::function<void(std::chrono::milliseconds, std::function<void()>)> post_later;
};

/// Thread-safe.
class LiveState {
 public:
  LiveState(std::uint32_t partitions, Digest128 log_id, LaterWork work);

  // Told by the pipeline supervisor.
  void on_ready(const PartitionReady& ready);
  void on_progress(const PartitionProgress& progress);
  void on_routes(const Routes& routes);
  void set_http_door(caf::actor door);
  /// Lets go of every actor: before the actor system goes.
  void forget();

  [[nodiscard]] std::vector<LivePartition> partitions() const;
  /// None: it was not opened yet, or there is no such partition.
  [[nodiscard]] std::optional<std::uint64_t> epoch_of(PartitionId partition) const;
  [[nodiscard]] caf::actor http_door() const;
  [[nodiscard]] const Digest128& log_id() const noexcept { return log_id_; }
  /// Every partition runs or is quarantined.
  [[nodiscard]] bool started() const;

  /// Hands the request to the partition that runs; else it is answered not_ready.
  void change_letters(PartitionId partition, std::shared_ptr<LetterRequest> request);

  /// Shows the partition's state to `visitor` when everything applied until now is flushed. Errors: not_ready (it is not open).
  void visit_flushed(PartitionId partition, StateVisitor visitor);

  /// A picture of every partition, each at least as new as what it was when its owner started, and as `token` asks.
  /// `done` is called exactly once, as posted work. Errors: data_foreign (a token of another log),
  /// invalid_argument (a token with partitions that are not there), not_ready (a partition is rebuilt, quarantined, or
  /// was not there within `wait`; names it), limit_reached (too many wait), and what `make` says.
  void pictures(PictureMaker make, const std::optional<ReadToken>& token, std::chrono::milliseconds wait,
                PicturesDone done);
  /// Of one partition, whatever the others do; without a token. Else as above.
  void picture(PartitionId partition, PictureMaker make, std::chrono::milliseconds wait, PicturesDone done);

 private:
  /// A partition of which a picture is wanted.
  struct Asked {
    PartitionId partition;
    caf::actor views;
    CommitSequence sequence;
    bool quarantined = false;
  };
  [[nodiscard]] Asked asked(std::uint32_t partition) const;
  void gather(std::vector<Asked> asked, const PictureMaker& make, const std::optional<ReadToken>& token, std::chrono::milliseconds wait, PicturesDone done);

  struct Slot {
    LivePartition known;
    CommitSequence started;  // what its owner found when it opened: views that have less are still replaying
    caf::actor views;
    caf::actor partition;
  };
  [[nodiscard]] Result<void> check(const ReadToken& token) const;

  Digest128 log_id_;
  LaterWork work_;
  mutable std::mutex mutex_;
  std::vector<Slot> slots_;
  caf::actor http_door_;
};

}  // namespace weir
