// Builds one frame in a reused aligned buffer. Each body is copied once and checksummed where it lands.
#pragma once
#include <cstddef>
#include <cstdint>
#include <span>
#include <string_view>
#include <vector>

#include "runtime/adapters/embedded_log/file_ops.h"
#include "runtime/adapters/embedded_log/frame_codec.h"
#include "runtime/base/bytes.h"

namespace weir::journal {

/// Not thread-safe. Bodies are not copied by add(): they must live until build() returns.
class FrameBuilder {
 public:
  /// Starts over; keeps the memory.
  void clear() noexcept;
  void add(const DirectoryEntry& entry) { add(entry, std::span<const std::string_view>{}); }
  void add(const DirectoryEntry& entry, std::string_view body) {
    add(entry, std::span<const std::string_view>(&body, 1));
  }
  /// The pieces become one body.
  void add(DirectoryEntry entry, std::span<const std::string_view> pieces);
  void add(const DirectoryEntry& entry, std::span<const SharedBytes> pieces);

  /// Size of the frame that build() would make: a multiple of kFrameAlign.
  [[nodiscard]] std::uint64_t bytes() const noexcept;
  [[nodiscard]] bool empty() const noexcept { return entries_.empty(); }

  /// Lays the frame out. Sets directory_checksum, entries, frame_bytes and checksum of the header.
  /// The view is aligned for direct files and lives until the next build().
  std::string_view build(FrameHeader& header);
  /// The same frame under another header (another place in the chain after a failed write).
  std::string_view rehead(FrameHeader& header);

  /// After build(): with place, length and checksum.
  [[nodiscard]] const std::vector<DirectoryEntry>& entries() const noexcept { return entries_; }

 private:
  AlignedBuffer buffer_;
  std::vector<DirectoryEntry> entries_;
  std::vector<std::string_view> pieces_;
  std::vector<std::uint32_t> piece_counts_;  // per entry
  std::uint64_t body_bytes_ = 0;             // every body rounded up to kBodyAlign
  std::uint32_t directory_checksum_ = 0;
  std::uint32_t frame_bytes_ = 0;
};

}  // namespace weir::journal
