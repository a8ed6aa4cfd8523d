// The dedupe entries of a partition as state: packed blocks beside the views, in the same flush, behind the same cursor.
// The index of the owner (dedupe_index.h) finds an entry's number; this keeps the entries for when memory has let go of them.
//
// Keys: 'd' 'm' the numbers (DedupeNumbers); 'd' 'b' + block number, 8 bytes big-endian, one block.
#pragma once
#include <cstdint>
#include <functional>
#include <memory>
#include <string>
#include <utility>

#include "runtime/engine/dedupe_block.h"
#include "runtime/engine/dedupe_numbers.h"
#include "runtime/engine/dedupe_tail.h"
#include "runtime/engine/partition_state.h"

namespace weir {

[[nodiscard]] std::string dedupe_numbers_key();
[[nodiscard]] std::string dedupe_block_key(std::uint64_t block);
/// Calls `visit(first number, block)` for every block of a stored state, in order. Errors: state_damaged, io_failed.
[[nodiscard]] Result<DedupeNumbers> read_dedupe_blocks(const StateReader& state, std::chrono::microseconds remember,
                                                       const std::function<Result<void>(std::uint64_t, const DedupeBlock&)>& visit);

/// Not thread-safe; lives with its PartitionState.
class DedupeLog final : public StateParticipant {
 public:
  explicit DedupeLog(std::chrono::microseconds remember) : remember_(remember), numbers_(remember) {}

  /// The blocks that an index made of the commit that comes next: they are shared instead of made again. Without an offer
  /// on_commit() makes its own; both are the same.
  void offer(CommitSequence sequence, std::shared_ptr<const DedupeBlocks> blocks);

  Result<void> recover(const StateCursor& cursor, const StateReader& store) override;
  Result<void> on_commit(CommitSequence sequence, Offset from, const CommitBody& body) override;
  void collect(DeltaWriter& delta) override;
  /// Over the unexpired entries in number order.
  Result<std::optional<Digest128>> digest(const StateReader& state) const override;

  [[nodiscard]] std::uint64_t begin() const noexcept { return numbers_.begin(); }
  [[nodiscard]] std::uint64_t end() const noexcept { return numbers_.end(); }
  [[nodiscard]] std::size_t waiting_bytes() const noexcept override { return tail_.bytes(); }

 private:
  std::chrono::microseconds remember_;
  DedupeNumbers numbers_;
  std::uint64_t erased_below_ = 0;  // blocks below were erased from the state
  DedupeTail tail_;                 // not collected yet, or the last one, still being filled
  std::pair<CommitSequence, std::shared_ptr<const DedupeBlocks>> offered_;  // null: none
};

}  // namespace weir
