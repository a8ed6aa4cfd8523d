// Memory of one working batch: bump allocation, stable addresses, everything given back at once, nothing returned to
// the system between batches.
#pragma once
#include <cstddef>
#include <cstring>
#include <memory>
#include <string_view>
#include <vector>

#include "runtime/base/bytes.h"

namespace weir {

/// Places stay valid until clear(). kBlockPadding bytes behind every place are readable and writable, so that copies
/// may run over. Not thread-safe. In steady state nothing is allocated: the blocks of the largest batch so far are
/// kept.
class ChainArena {
 public:
  ChainArena() = default;
  ChainArena(const ChainArena&) = delete;
  ChainArena& operator=(const ChainArena&) = delete;

  /// `count` uninitialised bytes, 8-byte aligned.
  [[nodiscard]] char* take(std::size_t count) {
    const std::size_t rounded = (count + 7) & ~std::size_t{7};
    if (rounded + kBlockPadding > left_) [[unlikely]]
      next_block(rounded);
    char* place = at_;
    at_ += rounded;
    left_ -= rounded;
    return place;
  }
  template <class T>
  [[nodiscard]] T* take_array(std::size_t count) {
    static_assert(std::is_trivially_copyable_v<T> && alignof(T) <= 8);
    return reinterpret_cast<T*>(take(count * sizeof(T)));
  }
  [[nodiscard]] std::string_view copy(std::string_view text) {
    char* place = take(text.size());
    if (!text.empty()) std::memcpy(place, text.data(), text.size());
    return {place, text.size()};
  }
  /// Gives the unused end of the place taken last back: `place` + `used` is the new end.
  void shrink_last(const char* place, std::size_t used) noexcept {
    char* end = const_cast<char*>(place) + ((used + 7) & ~std::size_t{7});
    left_ += static_cast<std::size_t>(at_ - end);
    at_ = end;
  }
  /// All places are void; the blocks are kept.
  void clear() noexcept;
  /// Bytes of all blocks.
  [[nodiscard]] std::size_t capacity() const noexcept;

 private:
  struct Block {
    std::unique_ptr<char[]> bytes;
    std::size_t size;
  };
  void next_block(std::size_t count);
  std::vector<Block> blocks_;
  std::size_t used_ = 0;  // blocks in use
  char* at_ = nullptr;
  std::size_t left_ = 0;
};

}  // namespace weir
