// The bytes of an input between reading and framing: read straight into it, framed in place, bounded.
#pragma once
#include <cstddef>
#include <cstdint>
#include <memory>
#include <span>
#include <string_view>

namespace weir {

/// Holds what was read and not yet consumed. Views into it are valid until the next space(). kBlockPadding bytes behind
/// the end are readable. Not thread-safe.
class FrameBuffer {
 public:
  /// Never holds more than about `bytes_max` + one read. The first read is 256 KiB.
  explicit FrameBuffer(std::size_t bytes_max);

  /// Where to read into: at least 64 KiB. The caller consumes before it holds bytes_max (asserted): that is what bounds
  /// it.
  [[nodiscard]] std::span<char> space();
  /// `count` bytes were written to the start of space().
  void filled(std::size_t count);

  [[nodiscard]] std::string_view view() const noexcept { return {data_.get() + begin_, end_ - begin_}; }
  [[nodiscard]] std::size_t size() const noexcept { return end_ - begin_; }
  /// Memory it has now.
  [[nodiscard]] std::size_t capacity() const noexcept { return capacity_; }
  void consume(std::size_t count) noexcept {
    begin_ += count;
    place_ += count;
  }
  /// Place in the stream of the first byte of view().
  [[nodiscard]] std::uint64_t place() const noexcept { return place_; }
  /// Moves on to `place`, not below place(). False: it is not in the buffer; the buffer is then empty and stands there,
  /// and the stream must be brought to it before the next filled().
  [[nodiscard]] bool move_to(std::uint64_t place) noexcept;

 private:
  void grow(std::size_t capacity);

  std::unique_ptr<char[]> data_;
  std::size_t capacity_ = 0;
  std::size_t begin_ = 0;
  std::size_t end_ = 0;
  std::uint64_t place_ = 0;
  std::size_t bytes_max_;
};

}  // namespace weir
