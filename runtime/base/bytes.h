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

/// Starts fetching the line at `place`, which may be any address. The empty assembly is no instruction: without it GCC takes a
/// function that does nothing else for one without effect, and drops its calls.
/// A core follows some 20 misses at once and forgets what is asked beyond that: ask a few uses ahead, not for a whole batch.
inline void fetch_ahead(const void* place) noexcept {
  __builtin_prefetch(place);
  asm volatile("" : : "r"(place));
}

/// Copies exactly `count` bytes that do not overlap. For texts that are mostly short: up to 64 bytes without a call.
inline void copy_short(char* to, const char* from, std::size_t count) noexcept {
  struct Sixteen {
    std::uint64_t low, high;
  };
  if (count > 64) {
    std::memcpy(to, from, count);
  } else if (count > 32) {
    const auto a = load<Sixteen>(from), b = load<Sixteen>(from + 16);
    const auto c = load<Sixteen>(from + count - 32), d = load<Sixteen>(from + count - 16);
    store(to, a);
    store(to + 16, b);
    store(to + count - 32, c);
    store(to + count - 16, d);
  } else if (count >= 16) {
    const auto a = load<Sixteen>(from), b = load<Sixteen>(from + count - 16);
    store(to, a);
    store(to + count - 16, b);
  } else if (count >= 8) {
    const auto a = load<std::uint64_t>(from), b = load<std::uint64_t>(from + count - 8);
    store(to, a);
    store(to + count - 8, b);
  } else if (count >= 4) {
    const auto a = load<std::uint32_t>(from), b = load<std::uint32_t>(from + count - 4);
    store(to, a);
    store(to + count - 4, b);
  } else if (count != 0) {
    const char a = from[0], b = from[count / 2], c = from[count - 1];
    to[0] = a;
    to[count / 2] = b;
    to[count - 1] = c;
  }
}

/// Copies `count` bytes that do not overlap to memory that a device reads next and this thread does not. Written past the
/// caches where the processor can: lines that a device has read before cost an ordinary store ten times as much (tests/bench).
/// After the return a system call of this thread may hand `to` on.
void copy_out(char* to, const char* from, std::size_t count) noexcept;

/// Whether `count` bytes are equal. Up to 64 bytes without a call.
[[nodiscard]] inline bool equal_short(const char* a, const char* b, std::size_t count) noexcept {
  if (count > 64) return std::memcmp(a, b, count) == 0;
  if (count >= 8) {
    std::uint64_t differ = load<std::uint64_t>(a + count - 8) ^ load<std::uint64_t>(b + count - 8);
    for (std::size_t at = 0; at + 8 < count; at += 8) differ |= load<std::uint64_t>(a + at) ^ load<std::uint64_t>(b + at);
    return differ == 0;
  }
  if (count >= 4)
    return ((load<std::uint32_t>(a) ^ load<std::uint32_t>(b)) |
            (load<std::uint32_t>(a + count - 4) ^ load<std::uint32_t>(b + count - 4))) == 0;
  for (std::size_t at = 0; at < count; ++at)
    if (a[at] != b[at]) return false;
  return true;
}

}  // namespace weir
