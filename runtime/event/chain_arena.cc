#include "runtime/event/chain_arena.h"

#include <algorithm>

namespace weir {

namespace {
constexpr std::size_t kBlockBytes = 256 * 1024;  // the values of a batch of 512 ordinary events fit into one
// A batch with huge events must not keep their memory for ever: blocks beyond this much are given back.
constexpr std::size_t kKeptBytes = 8 * 1024 * 1024;
}  // namespace

void ChainArena::next_block(std::size_t count) {
  const std::size_t needed = count + kBlockPadding;
  while (used_ < blocks_.size() && blocks_[used_].size < needed) ++used_;
  if (used_ == blocks_.size()) {
    const std::size_t size = std::max(kBlockBytes, needed);
    blocks_.push_back({std::make_unique<char[]>(size), size});
  }
  at_ = blocks_[used_].bytes.get();
  left_ = blocks_[used_].size;
  ++used_;
}

void ChainArena::clear() noexcept {
  if (capacity() > kKeptBytes) {
    std::erase_if(blocks_, [](const Block& block) { return block.size > kBlockBytes; });
    if (blocks_.size() * kBlockBytes > kKeptBytes) blocks_.resize(kKeptBytes / kBlockBytes);
  }
  used_ = 0;
  at_ = nullptr;
  left_ = 0;
}

std::size_t ChainArena::capacity() const noexcept {
  std::size_t total = 0;
  for (const Block& block : blocks_) total += block.size;
  return total;
}

}  // namespace weir
