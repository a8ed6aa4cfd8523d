// The state of one partition: its delta, its store, and the commits that lead from one to the next.
//
//   commits --apply--> delta --seal--> sealed delta --flush--> store          reads: delta, then sealed delta, then
//   store
//
// Applying is deterministic: the same commits give the same logical state wherever flushes and restarts fall.
#pragma once
#include <cstdint>
#include <memory>
#include <optional>
#include <span>
#include <string>
#include <vector>

#include "runtime/base/ids.h"
#include "runtime/base/result.h"
#include "runtime/engine/delta.h"
#include "runtime/engine/view_set.h"
#include "runtime/event/commit_body.h"
#include "runtime/event/state_cursor.h"
#include "runtime/ports/code_marks.h"
#include "runtime/ports/event_log.h"
#include "runtime/ports/state_store.h"

namespace weir {

/// State beside the views that joins the same flush (dedupe blocks, the retry set). Called on the partition's thread.
class StateParticipant {
 public:
  virtual ~StateParticipant() = default;
  /// After recover(): `store` is the state at `cursor`; build what is kept in memory from it. Errors: state_damaged,
  /// io_failed.
  [[nodiscard]] virtual Result<void> recover(const StateCursor& cursor, const StateReader& store) = 0;
  /// Every commit, in sequence, after the views have it.
  [[nodiscard]] virtual Result<void> on_commit(CommitSequence sequence, Offset from, const CommitBody& body) = 0;
  /// Before a seal: writes what the next flush must hold so that recover() from it finds the present state. Keys in a
  /// space of its own (view_key.h).
  virtual void collect(DeltaWriter& delta) = 0;
  /// Memory of what waits to be collected.
  [[nodiscard]] virtual std::size_t waiting_bytes() const noexcept = 0;
  /// Digest of its logical content at the present commit, however it lies in blocks. None: it says nothing that the commits do not say, and is
  /// no part of the state's digest. `state` reads delta and store.
  [[nodiscard]] virtual Result<std::optional<Digest128>> digest(const StateReader& state) const = 0;
};

/// Commits of ids, duplicates and rows that are only added to leave next to nothing in the delta. At 8 a start reads at most
/// 32 MiB again for each partition with the default delta, some 0.1 s.
inline constexpr std::size_t kReplayDeltas = 8;

/// One partition as queries and digests read it.
struct PartitionPicture {
  PartitionId partition;
  std::shared_ptr<const void> keep;  // whatever must not be closed while the picture is there; may be null
  std::shared_ptr<const StateReader> state;
  StateCursor at;  // what is applied; views[i].prefix is where a view's rows are
};

struct PartitionStateOptions {
  PartitionId partition;
  /// A flush is wanted when the delta holds this much, or what participants wait to write into it does, or when the
  /// commits since the last one hold kReplayDeltas times this: they are what a start has to read again. Two deltas
  /// (active and sealed) bound the memory. 1 MiB .. 1 GiB.
  std::size_t delta_bytes_max = 8 * 1024 * 1024;
  Digest128 log_id;  // a state of another log is refused
  std::shared_ptr<CodeMarks> marks = {};  // where views of plugins mark what they have in hand; null: nobody looks
};

/// Not thread-safe: lives in the partition actor. `views` and `store` must outlive it.
class PartitionState {
 public:
  PartitionState(PartitionStateOptions options, const ViewSet& views, StateStore& store);

  /// `participant` must outlive this. Before recover().
  void join(StateParticipant& participant) { participants_.push_back(&participant); }

  /// Reads the store's cursor. Returns the sequence to read the output log after: every commit behind it is then handed
  /// to apply(), in order. It lies below sequence() when a view is new or changed: those commits fill that view alone.
  /// `trimmed`: commits up to and including this one are no longer in the log (PartitionStatus::output_begin). A view
  /// that lacks some of them is filled from there on, and says since when it is complete. Errors: state_damaged,
  /// io_failed, data_foreign (another log), format_newer.
  [[nodiscard]] Result<CommitSequence> recover(CommitSequence trimmed = {});

  /// One commit. `extractor` finds values of batches that have no token table; tables[i] belongs to body.batches[i] and
  /// may be null. Errors: internal (not the next sequence, or `from` is not where the state stands), log_damaged (a
  /// payload), state_damaged, io_failed. After an error the state is not to be used any more: recover() into a new
  /// object.
  [[nodiscard]] Result<void> apply(const CommitRecord& commit, const CommitBody& body, RecordExtractor& extractor,
                                   std::span<const TokenTable* const> tables = {});

  /// Sequence and position of the newest applied commit, and what it said.
  [[nodiscard]] CommitSequence sequence() const noexcept { return cursor_.sequence; }
  [[nodiscard]] Offset committed() const noexcept { return cursor_.committed; }
  [[nodiscard]] const CommitMeta& meta() const noexcept { return cursor_.meta; }
  /// Of all open dead letters, as they are kept.
  [[nodiscard]] std::uint64_t letter_bytes() const noexcept { return cursor_.letter_bytes; }
  [[nodiscard]] const StateStore& store() const noexcept { return *store_; }
  /// What the store holds for certain: the log is needed only behind it.
  [[nodiscard]] CommitSequence durable() const noexcept { return durable_; }
  /// Gives up the rows of a view that the set does not have; they are erased with the next flushes. False: no such
  /// rows.
  [[nodiscard]] bool drop_view(std::string_view name);
  /// True while rows of views that were replaced or dropped are still to be erased.
  [[nodiscard]] bool erasing() const noexcept;
  /// False while a new or changed view is still being filled.
  [[nodiscard]] bool views_complete() const noexcept { return lagging_ == 0; }

  /// True when the delta is over its limit and no flush is under way.
  [[nodiscard]] bool wants_flush() const noexcept { return sealed_ == nullptr && full(); }
  /// True when the store lags behind: a second delta has filled up while the first is being flushed.
  [[nodiscard]] bool crowded() const noexcept { return sealed_ != nullptr && full(); }
  /// Nothing that the store does not have (or have under way).
  [[nodiscard]] bool clean() const noexcept {
    return sealed_ == nullptr && cursor_.sequence == durable_ && active_->empty();
  }
  [[nodiscard]] bool flushing() const noexcept { return sealed_ != nullptr; }
  /// Takes the delta out for a flush; a fresh one takes over. Must not be flushing(). Hand it to the store and pass its
  /// result to flushed(). Errors: state_damaged, io_failed (rows to be dropped are read from the store): nothing was
  /// taken.
  [[nodiscard]] Result<StateFlush> seal();
  /// The same flush once more, after flushed() was told of an error.
  [[nodiscard]] StateFlush seal_again() const;
  /// The store's answer. After an error the sealed delta stays: seal_again() when space may have returned.
  void flushed(const Result<void>& result);

  /// Memory of both deltas.
  [[nodiscard]] std::size_t bytes() const noexcept { return active_->bytes() + (sealed_ ? sealed_->bytes() : 0); }
  /// Bytes of the commits that a start would apply again, beside those of a flush under way.
  [[nodiscard]] std::uint64_t replay_bytes() const noexcept { return replay_bytes_; }
  /// Values under sum, min, max, average that were no number, per view of the set.
  [[nodiscard]] const std::vector<std::uint64_t>& skipped() const noexcept { return writer_.skipped(); }

  /// Of everything. Valid until this state applies, seals or completes a flush. Errors: state_damaged, io_failed,
  /// cancelled.
  [[nodiscard]] Result<PartitionPicture> picture() const;
  /// Of these ranges only: nothing else may be read from it. Stays as it is whatever the partition does, and may be read
  /// on another thread; it holds a copy of what is pending in the ranges, at most a delta. Errors: as picture().
  [[nodiscard]] Result<PartitionPicture> picture_of(std::span<const StateRange> ranges) const;
  /// Where it stands, and where the rows of each view are.
  [[nodiscard]] const StateCursor& at() const noexcept { return cursor_; }
  /// Everything at one position: rows of the views, dead letters, participants, ledger, position. Equal between live,
  /// reopened and replayed state. Errors: as picture().
  [[nodiscard]] Result<Digest128> state_digest() const;

 private:
  [[nodiscard]] bool full() const noexcept;
  void adopt_views(std::vector<ViewState> stored);
  void cut_views(CommitSequence trimmed);
  [[nodiscard]] Result<void> fill_lagging(const CommitRecord& commit, const CommitBody& body,
                                          RecordExtractor& extractor, std::span<const TokenTable* const> tables);
  [[nodiscard]] Result<void> apply_records(const OutcomeBatch& batch, const TokenTable* table,
                                           RecordExtractor& extractor, const std::vector<bool>& only);
  [[nodiscard]] Result<std::optional<std::string>> current(std::string_view key) const;
  [[nodiscard]] Result<PartitionPicture> picture_over(std::shared_ptr<const Delta> active) const;
  [[nodiscard]] Result<void> drop_expired(const StateReader& stored);
  [[nodiscard]] Result<void> erase_replaced(const StateReader& stored);

  PartitionStateOptions options_;
  const ViewSet* views_;
  std::shared_ptr<const ViewMerger> merger_;  // readers handed out share it: they may outlive this
  StateStore* store_;
  ViewWriter writer_;
  std::vector<StateParticipant*> participants_;
  std::shared_ptr<Delta> active_;
  std::shared_ptr<Delta> sealed_;  // not written any more
  std::string sealed_cursor_;
  CommitSequence sealed_sequence_;
  StateCursor cursor_;  // of what is applied; views: the set's, in its order, then those it no longer has
  CommitSequence durable_;
  std::uint64_t replay_bytes_ = 0;
  std::size_t lagging_ = 0;  // views still being filled
  std::vector<bool> cut_;    // views that lack commits the log no longer has, and have had none since
  std::vector<std::string>
      dropped_below_;  // per view and window: stored rows with smaller keys were dropped by `retain`
  std::vector<std::string_view> values_;
  bool recovered_ = false;
};

}  // namespace weir
