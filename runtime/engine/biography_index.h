// Where the life of an event is told: which commits of a partition decided something about which id, kept beside the views, in the same
// flush, behind the same cursor. Without it a question would read whole logs, and could not be answered about what they no longer hold.
//
// Keys: 'B' 'm' what is there; 'B' 'h' + run, 8 bytes, the head of one; 'B' 'l' + run, 8 bytes + leaf, 4 bytes. Integers big-endian.
#pragma once
#include <chrono>
#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "runtime/engine/biography_run.h"
#include "runtime/engine/partition_state.h"

namespace weir {

/// How long and how much, of one partition.
struct BiographyBounds {
  std::chrono::microseconds retain{std::chrono::hours(7 * 24)};  // of partition time
  std::uint64_t bytes_max = std::uint64_t{1} << 30;  // as they are stored, beside the run that is being filled
  /// A run is closed when it has so many items, or spans a sixteenth of `retain`; until then each flush writes it anew.
  std::size_t run_items = 64 * 1024;
};

/// What of a partition's log the index covers: commits after `after` up to `through`, less those up to `dropped`.
struct BiographyCover {
  CommitSequence after;
  CommitSequence through;
  CommitSequence dropped;                 // zero: nothing was dropped yet
  std::int64_t dropped_time = kNoTime;    // partition time of that commit
  std::uint64_t bytes = 0;                // of what is kept, as stored
  std::uint64_t items = 0;
};

/// What is known of some ids.
struct BiographyAnswer {
  BiographyCover cover;
  std::vector<std::vector<BiographyEntry>> entries;  // of each id asked for, in the order of the log
};

/// Any state of a partition, also one that was never indexed: it covers nothing. Ids whose fingerprints are equal (1 in 2^64) are not told
/// apart. Errors: state_damaged, format_newer, io_failed.
[[nodiscard]] Result<BiographyAnswer> look_up_biographies(const StateReader& state, const std::vector<std::string_view>& ids);
/// Without ids. Errors: as above.
[[nodiscard]] Result<BiographyCover> biography_cover(const StateReader& state);

/// Not thread-safe; lives with its PartitionState.
class BiographyIndex final : public StateParticipant {
 public:
  explicit BiographyIndex(BiographyBounds bounds) : bounds_(bounds) {}

  Result<void> recover(const StateCursor& cursor, const StateReader& store) override;
  Result<void> on_commit(CommitSequence sequence, Offset from, const CommitBody& body) override;
  void collect(DeltaWriter& delta) override;
  [[nodiscard]] std::size_t waiting_bytes() const noexcept override { return run_.bytes() - collected_bytes_; }
  /// What it still holds depends on when it was flushed.
  Result<std::optional<Digest128>> digest(const StateReader&) const override { return std::optional<Digest128>{}; }

  /// As the next flush will leave it, about.
  [[nodiscard]] BiographyCover cover() const;

 private:
  friend Result<BiographyAnswer> look_up_biographies(const StateReader& state, const std::vector<std::string_view>& ids);
  friend Result<BiographyCover> biography_cover(const StateReader& state);
  /// One run as it is stored.
  struct Stored {
    std::uint64_t number;
    std::uint64_t through;    // its last commit
    std::int64_t time_first;  // partition time of its first and last commit
    std::int64_t time_last;
    std::uint64_t bytes;
    std::uint32_t items;
    std::uint16_t bits;
    std::uint16_t open;       // 1: the next flush writes it anew
  };
  static_assert(sizeof(Stored) == 48);
  struct Runs {
    std::uint64_t seed = 0;  // of the fingerprints
    BiographyCover cover;    // without bytes and items
    std::uint64_t next = 1;
    std::vector<Stored> all;  // in the order of the log
    [[nodiscard]] std::string encode() const;
    [[nodiscard]] static Result<Runs> decode(std::string_view bytes);
    [[nodiscard]] BiographyCover covered() const;
  };
  static void erase(const Stored& run, DeltaWriter& delta);
  void drop_old(DeltaWriter& delta);
  void write_run(DeltaWriter& delta);

  BiographyBounds bounds_;
  Runs runs_;
  BiographyRun run_;                  // the open one
  std::size_t collected_bytes_ = 0;   // of it, in the last flush
  std::size_t collected_items_ = 0;
  std::int64_t time_first_ = kNoTime; // of it
  std::int64_t time_ = kNoTime;       // of the last commit
  std::vector<Stored> unfit_;         // of an index that has a hole: to be erased
};

}  // namespace weir
