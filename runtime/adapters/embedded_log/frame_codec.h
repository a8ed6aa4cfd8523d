// The frame of a journal: one group, one write, one sync. Pure bytes, no files.
//
//   header (128 bytes) | directory (64 bytes per entry) | bodies, each at a multiple of 64 | zeros to a multiple of
//   4096
//
// The header's checksum covers the header, which holds the checksum of the directory, which holds one per body: so the
// header checksum names the whole frame, the next frame carries it as its predecessor, and damage in one body is told
// from damage in the frame.
#pragma once
#include <cstddef>
#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "runtime/base/bytes.h"

namespace weir::journal {

inline constexpr std::size_t kFrameAlign = 4096;  // what O_DIRECT needs on every device of today
inline constexpr std::size_t kHeaderBytes = 128;
inline constexpr std::size_t kEntryBytes = 64;
inline constexpr std::size_t kBodyAlign = 64;
inline constexpr std::uint32_t kFrameVersion = 1;
inline constexpr std::uint64_t kFrameBytesMax = std::uint64_t{2} << 30;
inline constexpr std::uint32_t kEntriesMax = 1u << 20;

enum class JournalKind : std::uint8_t { ingest = 1, output = 2 };
[[nodiscard]] std::string_view to_string(JournalKind kind) noexcept;

enum class FrameKind : std::uint8_t {
  head = 1,  // first of a segment: the state of every partition at this place
  data = 2,
  seal = 3,  // nothing came for a while: the frame before it is proven whole
};

/// Names one frame and everything in it.
struct FrameRef {
  std::uint64_t sequence = 0;  // the first frame of a journal is 1
  std::uint32_t checksum = 0;  // of its header
  friend bool operator==(const FrameRef&, const FrameRef&) = default;
};

struct FrameHeader {
  JournalKind journal = JournalKind::ingest;
  FrameKind kind = FrameKind::data;
  bool closed = false;  // a seal written by close(): nothing follows in this segment
  std::uint64_t sequence = 0;
  std::uint64_t generation = 0;  // of the segment; grows with every segment begun
  std::uint64_t nonce = 0;       // drawn at each open
  std::uint64_t log_tag = 0;     // low half of the log id
  std::uint64_t oldest = 0;      // sequence of the first frame still kept when this one was written
  std::int64_t written_at = 0;   // wall time in microseconds since 1970
  FrameRef predecessor;          // sequence 0: the journal begins here
  std::uint32_t directory_checksum = 0;
  std::uint32_t entries = 0;
  std::uint32_t frame_bytes = 0;  // a multiple of kFrameAlign
  std::uint32_t checksum = 0;     // filled by encode_header and decode_header
  [[nodiscard]] FrameRef ref() const noexcept { return {sequence, checksum}; }
};

enum class EntryKind : std::uint32_t {
  batch = 1,         // ingest: body; first, count
  source = 2,        // ingest: body = u16 length, source, position
  commit = 3,        // output: body; first = sequence, from, to, epoch
  epoch = 4,         // output: a fence; epoch, first = sequence, to = committed
  ingest_state = 5,  // first = horizon, to = end
  output_state = 6,  // from = trimmed through, first = sequence, to = committed, epoch
};

struct DirectoryEntry {
  EntryKind kind = EntryKind::batch;
  std::uint32_t partition = 0;
  std::uint32_t place = 0;  // of the body, from the start of the frame
  std::uint32_t length = 0;
  std::uint32_t checksum = 0;  // of the body
  std::uint32_t count = 0;
  std::uint64_t first = 0;
  std::uint64_t from = 0;
  std::uint64_t to = 0;
  std::uint64_t epoch = 0;
};

/// Writes kHeaderBytes and sets header.checksum.
void encode_header(FrameHeader& header, char* to) noexcept;

enum class HeaderFault : std::uint8_t {
  none,
  absent,  // no frame ever began here
  bad,     // it looks like one of ours, but its checksum or a field is wrong
  newer,   // a whole header of a newer format
};
/// `block` holds at least kHeaderBytes bytes.
[[nodiscard]] HeaderFault decode_header(std::string_view block, FrameHeader& header) noexcept;

/// Bytes of header and directory.
[[nodiscard]] constexpr std::size_t front_bytes(std::uint32_t entries) noexcept {
  return kHeaderBytes + std::size_t{entries} * kEntryBytes;
}
void encode_entry(const DirectoryEntry& entry, char* to) noexcept;
/// `front` holds header and directory. Empty when the checksum is wrong or an entry points outside the frame.
[[nodiscard]] std::optional<std::vector<DirectoryEntry>> decode_directory(const FrameHeader& header,
                                                                          std::string_view front);

/// Body of a source entry. They stand first among the bodies, so that reading the front of a frame reads them too.
[[nodiscard]] std::string encode_source(std::string_view source, std::string_view position);
[[nodiscard]] std::optional<std::pair<std::string, std::string>> decode_source(std::string_view body);

[[nodiscard]] constexpr std::uint64_t align_up(std::uint64_t value, std::uint64_t alignment) noexcept {
  return (value + alignment - 1) & ~(alignment - 1);
}

}  // namespace weir::journal
