#include "actors/doors/frame_buffer.h"

#include <algorithm>
#include <cstring>

#include "runtime/base/bytes.h"
#include "runtime/base/invariant.h"

namespace weir {

namespace {
constexpr std::size_t kFirstCapacity = 256 * 1024;  // one read of this size keeps system calls and decoder calls rare
constexpr std::size_t kSpaceMin = 64 * 1024;
}  // namespace

FrameBuffer::FrameBuffer(std::size_t bytes_max) : bytes_max_(bytes_max) {
  grow(kFirstCapacity);
}

void FrameBuffer::grow(std::size_t capacity) {
  // Not initialised: only what filled() counted is ever looked at; the padding is read (never used) and so set once.
  auto fresh = std::make_unique_for_overwrite<char[]>(capacity + kBlockPadding);
  std::memset(fresh.get() + capacity, 0, kBlockPadding);
  if (end_ != begin_) std::memcpy(fresh.get(), data_.get() + begin_, end_ - begin_);
  data_ = std::move(fresh);
  capacity_ = capacity;
  end_ -= begin_;
  begin_ = 0;
}

std::span<char> FrameBuffer::space() {
  INVARIANT(size() <= bytes_max_, "a framer consumes before its buffer is over its limit");
  if (begin_ == end_) {
    begin_ = end_ = 0;
  } else if (begin_ != 0 && capacity_ - end_ < std::max(kSpaceMin, capacity_ / 2)) {
    std::memmove(data_.get(), data_.get() + begin_, end_ - begin_);
    end_ -= begin_;
    begin_ = 0;
  }
  if (capacity_ - end_ < kSpaceMin) grow(std::min(capacity_ * 2, bytes_max_ + kFirstCapacity));
  return {data_.get() + end_, capacity_ - end_};
}

void FrameBuffer::filled(std::size_t count) {
  INVARIANT(count <= capacity_ - end_, "no more was written than there was space");
  end_ += count;
}

bool FrameBuffer::move_to(std::uint64_t place) noexcept {
  if (place - place_ <= size()) {
    consume(static_cast<std::size_t>(place - place_));
    return true;
  }
  begin_ = end_ = 0;
  place_ = place;
  return false;
}

}  // namespace weir
