// The committed dedupe entries of one partition, found by event id. In memory: some 25 bytes per id: a slot of a table (the
// entry's number and a few bits of the id's hash; the table is 30 to 60 % full) and the entry's mark, 64 bits of a keyed hash
// of its id and 64 bits of the digest of its bytes.
//
// find() reads the entry itself: from memory while it is younger than the last state flush, from the packed blocks of the state
// store after that. look() answers without reading for nearly all: ids never seen, and the same event once more. That two ids or two
// contents agree in a mark by chance is as likely as 2^-64 says, and as the hash is keyed nobody outside can look for such ids.
//
// An open dead letter outlives the window: its id is kept (some 40 bytes) until the letter is closed.
//
// Only commits change it, so it is rebuilt from blocks + replay. What is in flight is another structure (in_flight_ids.h).
#pragma once
#include <cstdint>
#include <functional>
#include <memory>
#include <optional>
#include <span>
#include <string>
#include <string_view>
#include <unordered_map>
#include <vector>

#include "runtime/base/bytes.h"
#include "runtime/base/hash.h"
#include "runtime/base/result.h"
#include "runtime/engine/chunked_queue.h"
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
  /// `key`: of hash_of(); a number that clients cannot know.
  DedupeIndex(std::chrono::microseconds remember, const DedupeReader& reader, std::uint64_t key = 0);

  /// Starts from the blocks of a flushed state: `numbers` as flushed, then every block in [begin, end) by add_block.
  [[nodiscard]] Result<void> restore(const DedupeNumbers& numbers);
  [[nodiscard]] Result<void> add_block(std::uint64_t first_number, const DedupeBlock& block);
  /// After the blocks: every open dead letter of the flushed state that owns its id.
  void add_open_letter(std::string_view id);

  /// The hash of an id that all calls below want.
  [[nodiscard]] std::uint64_t hash_of(std::string_view id) const noexcept { return xxh3_64(id, key_); }

  /// Applies one commit, in sequence. `hashes`: hash_of() the ids of each batch's outcomes where the caller has them, or
  /// empty. Returns the blocks that changed, for the dedupe log.
  [[nodiscard]] DedupeBlocks apply(const CommitBody& body, std::span<const std::vector<std::uint64_t>> hashes = {});
  /// Whether a commit of no events at `partition_time` would forget ids.
  [[nodiscard]] bool would_forget(std::int64_t partition_time) const noexcept { return numbers_.would_drop(partition_time); }
  /// Entries below `number` are in the state store now: memory lets go of whole blocks.
  void flushed(std::uint64_t number);

  /// Hides the cost of the memory access of a later find. For many ids: with other work between the calls (fetch_ahead).
  void prefetch(std::uint64_t hash) const noexcept { fetch_ahead(&slots_[place_of(hash)]); }
  /// What can be said without reading.
  enum class Look : std::uint8_t {
    absent,   // find() would find nothing
    same,     // the newest unexpired entry of the id is of an event with this digest
    unknown,  // ask find()
  };
  [[nodiscard]] Look look(std::uint64_t hash, const Digest128& digest) const noexcept;
  /// The newest unexpired entry of the id. Errors: what the reader says.
  [[nodiscard]] Result<std::optional<FoundEntry>> find(std::uint64_t hash, std::string_view id) const;

  /// Ids remembered; counts an id again after it was decided anew.
  [[nodiscard]] std::uint64_t size() const noexcept { return numbers_.end() - numbers_.begin(); }
  [[nodiscard]] const DedupeNumbers& numbers() const noexcept { return numbers_; }
  [[nodiscard]] std::size_t memory_bytes() const noexcept;

 private:
  struct Mark {
    std::uint64_t id;
    std::uint64_t digest;
  };
  [[nodiscard]] std::size_t place_of(std::uint64_t hash) const noexcept { return hash >> (64 - bits_); }
  [[nodiscard]] std::uint32_t tag_of(std::uint64_t hash) const noexcept { return static_cast<std::uint32_t>(hash) << bits_; }
  /// The number in a used slot.
  [[nodiscard]] std::uint64_t number_of(std::uint32_t slot) const noexcept {
    return base_ + (slot & ((std::uint32_t{1} << bits_) - 1)) - 1;
  }
  [[nodiscard]] const Mark& mark(std::uint64_t number) const noexcept { return marks_[number - marks_begin_]; }
  /// Calls `visit(number)` for every unexpired entry whose mark has this hash.
  template <class Visit>
  void each(std::uint64_t hash, const Visit& visit) const;
  void add(std::uint64_t number, std::uint64_t hash, const Digest128& digest);
  void place(std::uint64_t number, std::uint64_t hash) noexcept;
  void grow();
  void shrink();
  void build(std::uint32_t bits, std::uint64_t expired);
  /// Whether an open dead letter may speak for an id that the table does not know. Before anything has expired the table knows
  /// every letter's id: the second look is not free for the many fresh ids.
  [[nodiscard]] bool letters_outlive() const noexcept { return numbers_.begin() != 0 && !open_letters_.empty(); }
  [[nodiscard]] Result<FoundEntry> read(std::uint64_t number, std::string_view id, bool& same) const;
  [[nodiscard]] Result<std::optional<FoundEntry>> find_open_letter(std::uint64_t hash, std::string_view id) const;

  const DedupeReader* reader_;
  DedupeNumbers numbers_;
  // 0: free; else `bits_` bits with number - base_ + 1, above them the hash's lowest bits. A slot's place is the hash's top
  // `bits_` bits or behind.
  std::vector<std::uint32_t> slots_;
  std::uint32_t bits_;
  std::size_t used_ = 0;
  std::uint64_t base_ = 0;
  std::uint64_t key_;
  ChunkedQueue<Mark, 4'096> marks_;   // of entry marks_begin_ + i; 64 KiB a chunk
  std::uint64_t marks_begin_ = 0;
  DedupeTail tail_;                   // what is not flushed yet
  // hash_of() the id of every open dead letter -> number of its entry; 0 with entries from before the last restart.
  std::unordered_multimap<std::uint64_t, std::uint64_t> open_letters_;
  mutable std::uint64_t cached_number_ = ~std::uint64_t{0};
  mutable std::unique_ptr<DedupeBlock> cached_;
};

}  // namespace weir
