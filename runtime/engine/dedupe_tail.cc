#include "runtime/engine/dedupe_tail.h"

#include <utility>

#include "runtime/base/invariant.h"

namespace weir {

void DedupeTail::start(std::uint64_t number, DedupeBlock open) {
  INVARIANT(open.size() == number % kDedupeBlockEntries, "a dedupe block is filled in order");
  begin_ = number / kDedupeBlockEntries;
  full_.clear();
  full_bytes_ = 0;
  open_ = std::move(open);
}

void DedupeTail::add(const DedupeEntry& entry) {
  open_.add(entry);
  if (!open_.full()) return;
  full_bytes_ += bytes_of(*full_.emplace_back(std::make_shared<const DedupeBlock>(std::exchange(open_, {}))));
}

void DedupeTail::take(const DedupeBlocks& blocks) {
  INVARIANT(blocks.first == open_block(), "dedupe blocks are numbered without gaps");
  full_.insert(full_.end(), blocks.full.begin(), blocks.full.end());
  for (const auto& block : blocks.full) full_bytes_ += bytes_of(*block);
  open_ = blocks.open;
}

DedupeBlocks DedupeTail::since(std::uint64_t block) const {
  INVARIANT(block >= begin_ && block <= open_block(), "only blocks in memory are handed out");
  return {block, {full_.begin() + static_cast<std::ptrdiff_t>(block - begin_), full_.end()}, open_};
}

const DedupeBlock* DedupeTail::block(std::uint64_t number) const noexcept {
  if (number < begin_ || number > open_block()) return nullptr;
  return number == open_block() ? &open_ : full_[number - begin_].get();
}

void DedupeTail::drop(std::uint64_t number) {
  while (!full_.empty() && (begin_ + 1) * kDedupeBlockEntries <= number) {
    full_bytes_ -= bytes_of(*full_.front());
    full_.pop_front();
    ++begin_;
  }
}

}  // namespace weir
