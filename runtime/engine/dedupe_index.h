// The committed dedupe entries of one partition, found by event id. In memory: 24 bytes per id: a slot of a table (a 32-bit
// tag of the id and the entry's number; the table is 30 to 60 % full) and the entry's mark, the 128-bit digest of its bytes
// with a keyed hash of its id added.
//
// find() reads the entry itself: from memory while it is younger than the last state flush, from the packed blocks of the state
// store after that. holds() answers for the bulk of the hits, the same event once more, without reading: the digest is what
// find()'s caller compares too, and the id is part of what the digest is over or (CSV) of the mark.
//
// An open dead letter outlives the window: its id is kept (some 40 bytes) until the letter is closed.
//
// Only commits change it, so it is rebuilt from blocks + replay. What is in flight is another structure (in_flight_ids.h).
#pragma once
#include <cstdint>
#include <deque>
#include <functional>
#include <memory>
#include <optional>
#include <span>
#include <string>
#include <string_view>
#include <unordered_map>
#include <vector>

#include "runtime/base/result.h"
#include "runtime/engine/dedupe_block.h"
#include "runtime/engine/dedupe_numbers.h"
#include "runtime/engine/dedupe_tail.h"
#include "runtime/event/commit_body.h"

namespace weir {

/// One id's entry, owning its text.
struct FoundEntry {
  std::uint64_t number = 0;
  Digest128 digest;
  std::int64_t accepted_at = 0;
  Offset offset;
  DedupeState state = DedupeState::done;
  std::string reason;
};

/// Reads what has left memory. Called by the index on its owner's thread.
class DedupeReader {
 public:
  virtual ~DedupeReader() = default;
  /// Block `number / kDedupeBlockEntries` as it was flushed.
  [[nodiscard]] virtual Result<DedupeBlock> block(std::uint64_t block) const = 0;
  /// The entry behind the open dead letter of an id (no conflict letter: that owns none), as it was flushed; none: closed.
  [[nodiscard]] virtual Result<std::optional<FoundEntry>> open_letter(std::string_view id) const = 0;
};

/// Not thread-safe; lives in the partition actor. `reader` must outlive it.
class DedupeIndex {
 public:
  /// `key`: of the marks; a number that clients cannot know.
  DedupeIndex(std::chrono::microseconds remember, const DedupeReader& reader, std::uint64_t key = 0);

  /// Starts from the blocks of a flushed state: `numbers` as flushed, then every block in [begin, end) by add_block.
  [[nodiscard]] Result<void> restore(const DedupeNumbers& numbers);
  [[nodiscard]] Result<void> add_block(std::uint64_t first_number, const DedupeBlock& block);
  /// After the blocks: every open dead letter of the flushed state that owns its id.
  void add_open_letter(std::string_view id);

  /// Applies one commit, in sequence. `hashes`: xxh3_64 of the ids of each batch's outcomes where the caller has them, or
  /// empty. Returns the blocks that changed, for the dedupe log.
  [[nodiscard]] DedupeBlocks apply(const CommitBody& body, std::span<const std::vector<std::uint64_t>> hashes = {});
  /// Entries below `number` are in the state store now: memory lets go of whole blocks.
  void flushed(std::uint64_t number);

  /// Hides the cost of the memory access of a later find. Call for a whole batch first.
  void prefetch(std::uint64_t hash) const noexcept { __builtin_prefetch(&slots_[slot_of(tag_of(hash))]); }
  /// Whether the newest unexpired entry of the id is of an event with this digest, when that can be said without reading.
  /// False says nothing: ask find().
  [[nodiscard]] bool holds(std::uint64_t hash, std::string_view id, const Digest128& digest) const noexcept;
  /// The newest unexpired entry of the id. `hash` is xxh3_64(id). Errors: what the reader says.
  [[nodiscard]] Result<std::optional<FoundEntry>> find(std::uint64_t hash, std::string_view id) const;

  /// Ids remembered; counts an id again after it was decided anew.
  [[nodiscard]] std::uint64_t size() const noexcept { return numbers_.end() - numbers_.begin(); }
  [[nodiscard]] const DedupeNumbers& numbers() const noexcept { return numbers_; }
  [[nodiscard]] std::size_t memory_bytes() const noexcept;

 private:
  static std::uint32_t tag_of(std::uint64_t hash) noexcept { return static_cast<std::uint32_t>(hash >> 32); }
  [[nodiscard]] std::size_t slot_of(std::uint32_t tag) const noexcept { return tag >> shift_; }
  void insert(std::uint32_t tag, std::uint64_t number);
  void grow();
  [[nodiscard]] bool alive(std::uint64_t slot) const noexcept;
  [[nodiscard]] std::uint64_t number_of(std::uint64_t slot) const noexcept;
  [[nodiscard]] Digest128 mark_of(std::string_view id, const Digest128& digest) const noexcept;
  void add_mark(std::uint64_t number, const Digest128& mark);
  [[nodiscard]] Result<std::optional<FoundEntry>> find_open_letter(std::uint64_t hash, std::string_view id) const;

  const DedupeReader* reader_;
  DedupeNumbers numbers_;
  // 0: free; else tag << 32 | (number - base_ + 1). The slot of a tag is its upper bits, so growing needs no hash again.
  std::vector<std::uint64_t> slots_;
  std::uint32_t shift_;
  std::size_t used_ = 0;
  std::uint64_t base_ = 0;
  std::uint64_t key_;
  std::deque<Digest128> marks_;       // of entry marks_begin_ + i
  std::uint64_t marks_begin_ = 0;
  DedupeTail tail_;                   // what is not flushed yet
  // Hash of the id of every open dead letter -> number of its entry; 0 with entries from before the last restart.
  std::unordered_multimap<std::uint64_t, std::uint64_t> open_letters_;
  mutable std::uint64_t cached_number_ = ~std::uint64_t{0};
  mutable std::unique_ptr<DedupeBlock> cached_;
};

}  // namespace weir
