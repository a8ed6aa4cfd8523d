// Bytes that are shared between actors without copying: an immutable, reference-counted block with padding behind it.
#pragma once
#include <cstddef>
#include <cstdint>
#include <cstring>
#include <memory>
#include <string_view>
#include <utility>

namespace weir {

/// Readers such as simdjson may read (not use) this many bytes past the end of any span of a Block.
inline constexpr std::size_t kBlockPadding = 64;

/// Growable byte arena. 64-byte aligned start, kBlockPadding readable zero bytes behind the end once shared.
/// Not thread-safe; moves are cheap.
class ByteArena {
 public:
  ByteArena() = default;
  explicit ByteArena(std::size_t capacity) { reserve(capacity); }
  ByteArena(ByteArena&& other) noexcept
      : data_(std::exchange(other.data_, nullptr)),
        size_(std::exchange(other.size_, 0)),
        capacity_(std::exchange(other.capacity_, 0)) {}
  ByteArena& operator=(ByteArena&& other) noexcept {
    if (this != &other) {
      release();
      data_ = std::exchange(other.data_, nullptr);
      size_ = std::exchange(other.size_, 0);
      capacity_ = std::exchange(other.capacity_, 0);
    }
    return *this;
  }
  ByteArena(const ByteArena&) = delete;
  ByteArena& operator=(const ByteArena&) = delete;
  ~ByteArena() { release(); }

  [[nodiscard]] char* data() noexcept { return data_; }
  [[nodiscard]] const char* data() const noexcept { return data_; }
  [[nodiscard]] std::size_t size() const noexcept { return size_; }
  [[nodiscard]] std::size_t capacity() const noexcept { return capacity_; }
  [[nodiscard]] std::string_view view() const noexcept { return {data_, size_}; }
  void clear() noexcept { size_ = 0; }

  /// After this, `count` more bytes can be appended without moving the block.
  void ensure(std::size_t count) {
    if (size_ + count > capacity_) reserve((size_ + count) + (size_ + count) / 2 + 4096);
  }
  void reserve(std::size_t capacity);
  /// Returns the place of `count` new bytes (uninitialised).
  [[nodiscard]] char* extend(std::size_t count) {
    ensure(count);
    char* place = data_ + size_;
    size_ += count;
    return place;
  }
  /// Returns the offset of the copy.
  std::size_t append(std::string_view bytes) {
    const std::size_t offset = size_;
    if (!bytes.empty()) std::memcpy(extend(bytes.size()), bytes.data(), bytes.size());
    return offset;
  }
  /// Zero bytes up to the next multiple of `alignment` (a power of two).
  void align(std::size_t alignment) {
    const std::size_t padded = (size_ + alignment - 1) & ~(alignment - 1);
    const std::size_t missing = padded - size_;
    if (missing != 0) std::memset(extend(missing), 0, missing);
  }
  void resize_down(std::size_t size) noexcept { size_ = size < size_ ? size : size_; }

 private:
  void release() noexcept;
  char* data_ = nullptr;
  std::size_t size_ = 0;
  std::size_t capacity_ = 0;
};

/// Shared immutable bytes: a view plus whatever keeps it alive. Copies share; thread-safe to read from anywhere.
class SharedBytes {
 public:
  SharedBytes() = default;
  SharedBytes(std::string_view view, std::shared_ptr<const void> owner) : view_(view), owner_(std::move(owner)) {}
  /// Takes the arena over; no copy.
  [[nodiscard]] static SharedBytes take(ByteArena arena);
  /// Copies into a fresh padded, 64-byte aligned block.
  [[nodiscard]] static SharedBytes copy_of(std::string_view bytes);

  [[nodiscard]] std::string_view view() const noexcept { return view_; }
  [[nodiscard]] const char* data() const noexcept { return view_.data(); }
  [[nodiscard]] std::size_t size() const noexcept { return view_.size(); }
  [[nodiscard]] bool empty() const noexcept { return view_.empty(); }
  /// A part of the same block; shares ownership.
  [[nodiscard]] SharedBytes part(std::size_t offset, std::size_t count) const {
    return SharedBytes{view_.substr(offset, count), owner_};
  }

 private:
  std::string_view view_;
  std::shared_ptr<const void> owner_;
};

/// Little-endian loads and stores at any address. weir writes little-endian everywhere.
template <class T>
[[nodiscard]] inline T load(const char* from) noexcept {
  T value;
  std::memcpy(&value, from, sizeof value);
  return value;
}
template <class T>
inline void store(char* to, T value) noexcept {
  std::memcpy(to, &value, sizeof value);
}

}  // namespace weir
