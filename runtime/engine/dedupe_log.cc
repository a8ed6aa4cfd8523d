#include "runtime/engine/dedupe_log.h"

#include <algorithm>

#include "runtime/base/bytes.h"
#include "runtime/base/hash.h"
#include "runtime/base/invariant.h"
#include "runtime/engine/view_key.h"

namespace weir {

std::string dedupe_numbers_key() { return {key_space::dedupe, 'm'}; }

std::string dedupe_block_key(std::uint64_t block) {
  std::string key{key_space::dedupe, 'b'};
  for (int shift = 56; shift >= 0; shift -= 8) key.push_back(static_cast<char>(block >> shift & 0xff));
  return key;
}

Result<DedupeNumbers> read_dedupe_blocks(const StateReader& state, std::chrono::microseconds remember,
                                         const std::function<Result<void>(std::uint64_t, const DedupeBlock&)>& visit) {
  DedupeNumbers numbers{remember};
  WEIR_ASSIGN(const auto stored, state.get(dedupe_numbers_key()));
  if (!stored) return numbers;
  WEIR_TRY(numbers.restore(*stored));
  const std::uint64_t first = numbers.begin() / kDedupeBlockEntries;
  const std::uint64_t end = (numbers.end() + kDedupeBlockEntries - 1) / kDedupeBlockEntries;
  std::uint64_t expected = first;
  // Also when everything has expired: the last block is continued.
  if (first == end) return numbers;
  const auto scan = state.open_scan(dedupe_block_key(first), dedupe_block_key(end));
  for (; scan->valid(); scan->next(), ++expected) {
    if (scan->key() != dedupe_block_key(expected)) return fail(Errc::state_damaged, "dedupe block {} is missing", expected);
    WEIR_ASSIGN(const auto block, DedupeBlock::decode(scan->value()));
    WEIR_TRY(visit(expected * kDedupeBlockEntries, block));
  }
  WEIR_TRY(scan->status());
  if (expected != end) return fail(Errc::state_damaged, "dedupe block {} is missing", expected);
  return numbers;
}

Result<void> DedupeLog::recover(const StateCursor&, const StateReader& store) {
  numbers_ = DedupeNumbers{remember_};
  offered_ = {};
  WEIR_ASSIGN(const auto stored, store.get(dedupe_numbers_key()));
  if (stored) WEIR_TRY(numbers_.restore(*stored));
  erased_below_ = numbers_.begin() / kDedupeBlockEntries;
  const std::uint64_t open = numbers_.end() / kDedupeBlockEntries;
  const std::uint64_t entries = numbers_.end() % kDedupeBlockEntries;
  DedupeBlock block;
  if (entries != 0) {  // the last block is continued
    WEIR_ASSIGN(const auto last, store.get(dedupe_block_key(open)));
    if (!last) return fail(Errc::state_damaged, "dedupe block {} is missing", open);
    WEIR_ASSIGN(block, DedupeBlock::decode(*last));
    if (block.size() != entries)
      return fail(Errc::state_damaged, "dedupe block {} holds {} entries instead of {}", open, block.size(), entries);
  }
  tail_.start(numbers_.end(), std::move(block));
  return {};
}

void DedupeLog::offer(CommitSequence sequence, std::shared_ptr<const DedupeBlocks> blocks) {
  offered_ = {sequence, std::move(blocks)};
}

Result<void> DedupeLog::on_commit(CommitSequence sequence, Offset, const CommitBody& body) {
  numbers_.on_commit(body.meta.partition_time);
  const auto [offered_for, blocks] = std::exchange(offered_, {});
  if (blocks != nullptr && offered_for == sequence) {
    tail_.take(*blocks);
  } else {
    DedupeEntry entry;
    for (const OutcomeBatch& batch : body.batches)
      for (std::uint32_t i = 0; i < batch.outcomes(); ++i)
        if (dedupe_entry_of(batch, i, entry)) tail_.add(entry);
  }
  numbers_.take_to(tail_.end());
  return {};
}

void DedupeLog::collect(DeltaWriter& delta) {
  delta.put(dedupe_numbers_key(), numbers_.encode());
  DedupeBlocks blocks = tail_.since(tail_.begin_block());
  std::uint64_t number = blocks.first;
  for (auto& block : blocks.full) {
    const std::string_view stored = block->stored();
    delta.put_shared(dedupe_block_key(number++), stored, std::move(block));
  }
  // Full blocks are the delta's business now; one that is not full is written again with the next flush.
  if (!blocks.open.empty()) delta.put(dedupe_block_key(number), blocks.open.encode());
  tail_.drop(numbers_.end());
  const std::uint64_t keep = numbers_.begin() / kDedupeBlockEntries;
  for (; erased_below_ < keep; ++erased_below_) delta.erase(dedupe_block_key(erased_below_));
}

Result<std::optional<Digest128>> DedupeLog::digest(const StateReader& state) const {
  Digest128 sum;
  std::string text;
  const auto add = [&](std::uint64_t first, const DedupeBlock& block) {
    for (std::size_t i = 0; i < block.size(); ++i) {
      const std::uint64_t number = first + i;
      if (number < numbers_.begin() || number >= numbers_.end()) continue;
      const DedupeEntry e = block.entry(i);
      text.clear();
      const std::uint64_t fixed[5] = {number, e.digest.low, e.digest.high, static_cast<std::uint64_t>(e.accepted_at),
                                      e.offset.value};
      text.append(reinterpret_cast<const char*>(fixed), sizeof fixed);
      text.push_back(static_cast<char>(e.state));
      text.push_back(static_cast<char>(e.reason.size()));
      text.append(e.reason).append(e.id);
      sum += xxh3_128(text);
    }
  };
  const std::uint64_t begin = numbers_.begin() / kDedupeBlockEntries;
  const std::uint64_t memory = tail_.begin_block();
  if (begin < memory) {
    const auto scan = state.open_scan(dedupe_block_key(begin), dedupe_block_key(memory));
    std::uint64_t expected = begin;
    for (; scan->valid(); scan->next(), ++expected) {
      if (scan->key() != dedupe_block_key(expected)) return fail(Errc::state_damaged, "dedupe block {} is missing", expected);
      WEIR_ASSIGN(const auto block, DedupeBlock::decode(scan->value()));
      add(expected * kDedupeBlockEntries, block);
    }
    WEIR_TRY(scan->status());
    if (expected != memory) return fail(Errc::state_damaged, "dedupe block {} is missing", expected);
  }
  for (std::uint64_t block = std::max(begin, memory); block <= tail_.open_block(); ++block)
    add(block * kDedupeBlockEntries, *tail_.block(block));
  sum += xxh3_128(numbers_.encode());
  return std::optional<Digest128>(sum);
}

}  // namespace weir
