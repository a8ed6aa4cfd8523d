// What a door writes into the log about a file it follows: how far it was read, and how to know it again.
#pragma once
#include <cstdint>
#include <optional>
#include <string>
#include <string_view>

#include "actors/doors/source_position.h"
#include "runtime/base/ids.h"
#include "runtime/ports/input_files.h"

namespace weir {

/// Bytes of the file as they were when they had been read.
struct Fingerprint {
  std::uint32_t length = 0;  // 0: of nothing, every file has it
  Digest128 digest;
  friend bool operator==(const Fingerprint&, const Fingerprint&) = default;
};

/// A file is known by device and inode, so that a renamed one goes on where it was. That alone would take a truncated
/// file, or another one that was given the inode of a file that is gone, for the old one: so it must have been made at
/// the same time, and its first bytes and the last ones that were read must still be what they were. The start alone
/// would not do for files that begin alike (CSV headers), the end alone not for lines that repeat.
struct FollowPosition {
  SourceProgress progress;   // of a compressed file: in decompressed bytes
  bool read_out = false;     // read to its end, `extent`: no need to decompress it once more
  std::uint64_t extent = 0;  // bytes of the file, as stored, that the prints are about
  UnixMicros born = 0;       // FileStatus::born
  Fingerprint head;          // of the first min(kHeadMax, extent) bytes
  Fingerprint tail;          // of the min(kTailMax, extent) bytes before `extent`
};
/// What runs take for the identity of an input, too (InputIdentity).
inline constexpr std::uint32_t kHeadMax = 64 * 1024;
inline constexpr std::uint32_t kTailMax = 1024;

/// "follow:INPUT:DEVICE:INODE"
[[nodiscard]] std::string follow_source(std::string_view input, const FileKey& key);
/// Of a name that follow_source made, else nothing.
[[nodiscard]] std::optional<FileKey> file_key_of(std::string_view source, std::string_view input);

/// The progress as write_progress writes it, then "|READ_OUT EXTENT BORN HEAD_LENGTH HEAD TAIL_LENGTH TAIL".
[[nodiscard]] std::string write_follow_position(const FollowPosition& position);
/// Errors as parse_progress.
[[nodiscard]] Result<FollowPosition> parse_follow_position(std::string_view text);

}  // namespace weir
