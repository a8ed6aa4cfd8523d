// Events of one partition as a door accepted them: the unit of the ingest log and of every hop. In memory it is exactly the
// bytes that lie in the log, so a batch is framed once, shared by reference, and never copied between actors.
//
// Layout (little-endian): header of 64 bytes, table of `count` entries of 24 bytes, byte area. All offsets are relative to the
// byte area. What the raw frames have in common (format, CSV header line, door, acceptance time) stands once in the header.
#pragma once
#include <cstdint>
#include <string>
#include <string_view>

#include "runtime/base/bytes.h"
#include "runtime/base/result.h"

namespace weir {

/// How the raw frames of a batch are written.
enum class FrameFormat : std::uint8_t { json = 1, csv = 2, cloudevents = 3 };

/// What the door found out about one frame. Bits; a frame with `bad_*` or `oversize` goes to dead-letter in the chain.
namespace frame_flag {
inline constexpr std::uint16_t id_digest = 1;      // the id is the digest of the raw frame
inline constexpr std::uint16_t id_missing = 2;     // the rule named a field, none was findable: the digest stands in
inline constexpr std::uint16_t bad_frame = 4;      // could not be framed (a stray quote, an unterminated record): malformed
inline constexpr std::uint16_t oversize = 8;       // longer than limits.event_bytes_max: too_large
inline constexpr std::uint16_t cut = 16;           // only the first 64 KiB were kept; the note has length and digest
}  // namespace frame_flag

/// One entry of the table.
struct FrameEntry {
  std::uint32_t raw_offset;
  std::uint32_t raw_length;
  std::uint32_t id_offset;   // into the byte area; often inside the raw frame
  std::uint16_t id_length;   // 1..512
  std::uint16_t flags;
  std::uint32_t note_offset; // 0: none; else a u16 length and that many bytes of text
  std::uint32_t line;        // place in the source, relative to the header's first_line
};
static_assert(sizeof(FrameEntry) == 24);

/// What one batch has in common.
struct IngestHeader {
  FrameFormat format = FrameFormat::json;
  std::int64_t accepted_at = 0;   // microseconds since 1970, the door's stamp
  std::uint64_t first_line = 0;   // 1-based line (or frame number) of the source that entry.line counts from; 0: no place
  std::string_view door;          // e.g. "file:incoming/a.csv.gz", "http", "stdin"; at most 1 KiB
  std::string_view csv_header;    // the header line without its line end; empty unless csv
};

/// One event as a view into its batch.
struct RawEvent {
  std::string_view raw;
  std::string_view id;
  std::string_view note;
  std::uint64_t line = 0;
  std::uint16_t flags = 0;
};

/// Read-only, shared, cheap to copy, thread-safe. Views live as long as any copy.
class IngestBatch {
 public:
  IngestBatch() = default;
  /// Checks every offset once, so that later reads need not. Errors: malformed_event (names what is out of bounds),
  /// format_newer.
  [[nodiscard]] static Result<IngestBatch> decode(SharedBytes bytes);

  [[nodiscard]] std::uint32_t count() const noexcept { return count_; }
  [[nodiscard]] const IngestHeader& header() const noexcept { return header_; }
  [[nodiscard]] RawEvent event(std::uint32_t index) const noexcept;
  [[nodiscard]] const FrameEntry& entry(std::uint32_t index) const noexcept { return table_[index]; }
  /// Start of the byte area; raw_offset and id_offset count from here. kBlockPadding bytes behind its end are readable.
  [[nodiscard]] const char* area() const noexcept { return area_; }
  [[nodiscard]] const SharedBytes& bytes() const noexcept { return bytes_; }

 private:
  SharedBytes bytes_;
  IngestHeader header_;
  const FrameEntry* table_ = nullptr;
  const char* area_ = nullptr;
  std::uint32_t count_ = 0;
};

/// Collects the events of one partition at a door. Not thread-safe. Frames are copied once, straight to their final place.
class IngestBatchBuilder {
 public:
  /// At most `events_max` (1..65'535) events fit in one batch; the table's space is kept free in front.
  explicit IngestBatchBuilder(std::uint32_t events_max = 512);

  struct Event {
    std::string_view raw;
    std::string_view id;     // 1..512 bytes (asserted)
    std::uint16_t flags = 0;
    std::string_view note;   // at most 65'535 bytes
    std::uint64_t line = 0;  // not below the header's first_line
  };
  /// Must not be called when full().
  void add(const Event& event);
  [[nodiscard]] bool full() const noexcept { return count_ == events_max_; }
  [[nodiscard]] std::uint32_t count() const noexcept { return count_; }
  /// Bytes the encoded batch will have, about.
  [[nodiscard]] std::size_t size() const noexcept { return arena_.size(); }
  /// The encoded batch; the builder is empty again. header.first_line is ignored: the first event's line is taken.
  [[nodiscard]] SharedBytes finish(const IngestHeader& header);

 private:
  void begin();
  ByteArena arena_;
  std::uint32_t events_max_;
  std::uint32_t count_ = 0;
  std::uint64_t first_line_ = 0;
};

}  // namespace weir
