// The newest dedupe entries, in blocks, until the state store has them. A block is made once: the owner's index fills it,
// and when it is full the index, the dedupe log, and the flush that stores it share it.
#pragma once
#include <cstdint>
#include <deque>
#include <memory>
#include <vector>

#include "runtime/engine/dedupe_block.h"

namespace weir {

/// The blocks that commits filled, in order, and what has been begun of the next one. May be read from any thread.
struct DedupeBlocks {
  std::uint64_t first = 0;  // block number of full.front(), of `open` when there is none
  std::vector<std::shared_ptr<const DedupeBlock>> full;
  DedupeBlock open;
};

/// Not thread-safe; full blocks handed out are never changed again.
class DedupeTail {
 public:
  /// Goes on at entry `number`; `open` holds what its block has already.
  void start(std::uint64_t number, DedupeBlock open = {});
  /// The next entry.
  void add(const DedupeEntry& entry);
  /// Goes on with what another tail of the same entries made: `blocks.first` is open_block() (asserted).
  void take(const DedupeBlocks& blocks);
  /// Full blocks from `block` (at least begin_block()) on, and a copy of the open one.
  [[nodiscard]] DedupeBlocks since(std::uint64_t block) const;

  [[nodiscard]] std::uint64_t begin_block() const noexcept { return begin_; }
  [[nodiscard]] std::uint64_t open_block() const noexcept { return begin_ + full_.size(); }
  /// The number of the next entry.
  [[nodiscard]] std::uint64_t end() const noexcept { return open_block() * kDedupeBlockEntries + open_.size(); }
  /// Null when it is not here.
  [[nodiscard]] const DedupeBlock* block(std::uint64_t number) const noexcept;
  /// Lets go of full blocks whose entries are all below `number`.
  void drop(std::uint64_t number);
  [[nodiscard]] std::size_t bytes() const noexcept { return open_.bytes() + full_bytes_; }

 private:
  static std::size_t bytes_of(const DedupeBlock& block) noexcept { return block.bytes() + sizeof block; }
  std::uint64_t begin_ = 0;
  std::deque<std::shared_ptr<const DedupeBlock>> full_;
  std::size_t full_bytes_ = 0;  // of full_
  DedupeBlock open_;
};

}  // namespace weir
