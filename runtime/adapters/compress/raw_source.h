// The bytes of an input as they are stored.
#pragma once
#include <cstddef>
#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <utility>

#include "runtime/base/result.h"
#include "runtime/ports/input_stream.h"

namespace weir {

/// A file, a pipe or stdin. Owns its descriptor (stdin stays open). Not thread-safe.
class RawSource {
 public:
  /// Errors as open_input.
  [[nodiscard]] static Result<RawSource> open(const std::string& name);
  /// Of a file that is open. Takes the descriptor, whose own place does not matter and is not moved.
  [[nodiscard]] static RawSource of_file(std::string name, int descriptor, std::uint64_t size) {
    return {std::move(name), descriptor, size};
  }
  RawSource(RawSource&& other) noexcept;
  RawSource& operator=(RawSource&&) = delete;
  ~RawSource();

  /// Up to `size` bytes; 0 at the end. Error input_unreadable names the place.
  [[nodiscard]] Result<std::size_t> read(char* to, std::size_t size);
  /// At least `count` bytes from place() on that stay to be read, fewer at the end.
  [[nodiscard]] Result<std::string_view> peek(std::size_t count);
  /// Of a file alone.
  void seek(std::uint64_t place) noexcept;

  [[nodiscard]] const std::string& name() const noexcept { return name_; }
  [[nodiscard]] std::uint64_t place() const noexcept { return place_; }
  /// Absent: not a file.
  [[nodiscard]] const std::optional<std::uint64_t>& size() const noexcept { return size_; }
  /// Of a file: its size and the digest of its first 64 KiB. Peeks.
  [[nodiscard]] Result<std::optional<InputIdentity>> identity();

 private:
  RawSource(std::string name, int descriptor, std::optional<std::uint64_t> size)
      : name_(std::move(name)), descriptor_(descriptor), size_(size) {}
  [[nodiscard]] Result<std::size_t> read_descriptor(char* to, std::size_t size, std::uint64_t at);

  std::string name_;
  int descriptor_;
  std::optional<std::uint64_t> size_;
  std::uint64_t place_ = 0;
  std::string peeked_;  // bytes from place() on that the descriptor has given already
};

/// The identity's part of the file.
inline constexpr std::size_t kIdentityHead = 64 * 1024;

}  // namespace weir
