// The numbering and expiry of dedupe entries, derived from the commits alone: whoever applies the same commits (the index of
// the owner, the blocks of the state, a replay) gives every entry the same number and drops it at the same commit.
//
// Entries are numbered in commit order. Time buckets are sixteenths of `dedupe.remember` in partition time; a bucket is
// dropped whole once all of it is older than the window, so an entry lives for remember .. remember * 17/16. It is gone with
// the first commit whose partition time is behind that, never earlier; where a commit ends is chance, so what comes meanwhile
// may still be a repeat. A bucket knows its end in partition time, so that `remember` may change between two starts.
#pragma once
#include <chrono>
#include <cstdint>
#include <deque>
#include <string>
#include <string_view>

#include "runtime/base/result.h"
#include "runtime/engine/dedupe_block.h"
#include "runtime/event/commit_body.h"

namespace weir {

class DedupeNumbers {
 public:
  /// `remember` at least 16 microseconds.
  explicit DedupeNumbers(std::chrono::microseconds remember);

  /// Opens the bucket of a commit's partition time and drops those that left the window. Call once per commit, before its
  /// entries are numbered. Returns true when begin() moved.
  bool on_commit(std::int64_t partition_time);
  /// Whether a commit at `partition_time` would drop entries.
  [[nodiscard]] bool would_drop(std::int64_t partition_time) const noexcept;
  /// The number of the next entry; counts it.
  std::uint64_t take() noexcept { return end_++; }
  /// The same for all entries below `end`, at least end().
  void take_to(std::uint64_t end) noexcept { end_ = end; }

  [[nodiscard]] std::uint64_t begin() const noexcept { return begin_; }  // entries below have expired
  [[nodiscard]] std::uint64_t end() const noexcept { return end_; }

  [[nodiscard]] std::string encode() const;
  /// Errors: state_damaged, format_newer.
  [[nodiscard]] Result<void> restore(std::string_view bytes);

  /// Whether an outcome owns an entry: decided by the chain, or to be decided by it as the newest of its id (not a duplicate, not a
  /// conflict, not behind a parked event of its id).
  [[nodiscard]] static bool owns(const OutcomeEntry& outcome) noexcept {
    return (outcome.outcome == Outcome::served || outcome.outcome == Outcome::filtered || outcome.outcome == Outcome::dead_lettered ||
            outcome.outcome == Outcome::expired || outcome.outcome == Outcome::retrying || outcome.outcome == Outcome::dropped) &&
           (outcome.flags & (outcome_flag::conflict | outcome_flag::behind_id)) == 0;
  }

 private:
  struct Bucket {
    std::int64_t end;     // every entry of it was committed at an earlier partition time
    std::uint64_t first;  // entry
  };
  /// All of it is older than the window.
  [[nodiscard]] bool left(const Bucket& bucket, std::int64_t partition_time) const noexcept {
    return bucket.end <= partition_time - remember_;
  }
  /// Of the bucket that holds this partition time.
  [[nodiscard]] std::int64_t end_of_bucket(std::int64_t partition_time) const noexcept;
  std::int64_t width_;
  std::int64_t remember_;
  std::deque<Bucket> buckets_;
  std::uint64_t begin_ = 0;
  std::uint64_t end_ = 0;
};

/// The entry of an outcome that owns one; false when it owns none. Views live as long as the batch.
[[nodiscard]] bool dedupe_entry_of(const OutcomeBatch& batch, std::uint32_t index, DedupeEntry& entry);

}  // namespace weir
