// A queue that is filled at one end and emptied at the other, in chunks of many pages.
//
// std::deque takes 512 bytes at a time. After millions of them are freed every page still holds one that is not, or something else
// that was allocated meanwhile, and the allocator can give nothing back: a node stayed near limits.memory_max for good after a
// storm of ids (tests/integration/limits).
#pragma once
#include <cstddef>
#include <deque>
#include <memory>

namespace weir {

/// `kChunk`: elements of a chunk, a power of two. Not thread-safe.
template <class T, std::size_t kChunk>
class ChunkedQueue {
  static_assert((kChunk & (kChunk - 1)) == 0);

 public:
  [[nodiscard]] std::size_t size() const noexcept { return size_; }
  [[nodiscard]] bool empty() const noexcept { return size_ == 0; }
  /// `index` below size().
  [[nodiscard]] const T& operator[](std::size_t index) const noexcept {
    const std::size_t at = front_ + index;
    return chunks_[at / kChunk][at % kChunk];
  }
  void push_back(const T& value) {
    const std::size_t at = front_ + size_;
    if (at / kChunk == chunks_.size()) chunks_.push_back(std::make_unique_for_overwrite<T[]>(kChunk));
    chunks_[at / kChunk][at % kChunk] = value;
    ++size_;
  }
  /// `count` at most size(). Chunks that hold nothing any more are freed.
  void pop_front(std::size_t count) noexcept {
    size_ -= count;
    front_ += count;
    while (!chunks_.empty() && (front_ >= kChunk || size_ == 0)) {
      chunks_.pop_front();
      front_ = size_ == 0 ? 0 : front_ - kChunk;
    }
  }
  [[nodiscard]] std::size_t bytes() const noexcept { return chunks_.size() * kChunk * sizeof(T); }

 private:
  std::deque<std::unique_ptr<T[]>> chunks_;
  std::size_t front_ = 0;  // of the first chunk: elements that are gone
  std::size_t size_ = 0;
};

}  // namespace weir
