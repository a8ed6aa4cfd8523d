// What a segment's bytes say: where it ends, and whether that end is a torn tail (cut, reported) or damage (named,
// never cut). Pure over a byte reader, so that every case is a unit test.
//
//  - One frame is in flight per journal and the next is written only after its sync, so only the LAST frame can be
//  torn.
//  - A bad place with a valid later frame of the same segment (generation and nonce) behind it is therefore damage.
//  - A segment that another one follows must reach the frame that one names as its predecessor; what lies behind it is
//  void.
#pragma once
#include <cstdint>
#include <functional>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "runtime/adapters/embedded_log/frame_codec.h"
#include "runtime/base/result.h"

namespace weir::journal {

/// The bytes of one segment file as they are on the device.
class SegmentBytes {
 public:
  virtual ~SegmentBytes() = default;
  [[nodiscard]] virtual std::uint64_t size() const = 0;
  /// At most `bytes` bytes at `place` (a multiple of kFrameAlign), fewer at the end. The view lives until the next
  /// call.
  [[nodiscard]] virtual Result<std::string_view> read(std::uint64_t place, std::size_t bytes) = 0;
  /// For messages.
  [[nodiscard]] virtual std::string name() const = 0;
};

struct SegmentIdentity {
  JournalKind journal = JournalKind::ingest;
  std::uint64_t log_tag = 0;
  std::uint64_t generation = 0;
};

struct Frame {
  FrameHeader header;
  std::vector<DirectoryEntry> entries;
  std::vector<std::pair<std::string, std::string>> sources;  // (source, position); they lie right behind the directory
  std::uint64_t place = 0;                                   // in its file
  std::uint64_t generation = 0;                              // of its file
};
/// Called in frame order, only with frames that stay. An error stops the scan.
using FrameVisitor = std::function<Result<void>(const Frame&)>;

/// Where a scan begins: at the segment's head, or behind a frame that a checkpoint names.
struct ScanStart {
  std::uint64_t place = 0;
  FrameRef last;            // the frame before `place`; sequence 0 at the head
  std::uint64_t nonce = 0;  // of the segment, when not at the head
};

enum class SegmentEnd : std::uint8_t {
  closed,  // ends with the seal of a clean close
  sealed,  // ends with a seal: nothing was in flight
  open,    // the last frame is whole, nothing of ours lies behind it
  torn,    // a frame in flight was cut short: it is cut
};

struct SegmentScan {
  SegmentEnd end = SegmentEnd::open;
  std::uint64_t end_place = 0;  // first byte behind the last frame that stays
  FrameRef last;                // the last frame that stays; sequence 0: not even the head is there
  std::uint64_t nonce = 0;
  std::uint64_t frames = 0;
  std::string reason;  // of `torn`: what is wrong with the frame at end_place
};

/// The newest segment. Errors: log_damaged (segment, byte place, frame sequence), format_newer, io_failed, the
/// visitor's.
[[nodiscard]] Result<SegmentScan> scan_newest(SegmentBytes& bytes, const SegmentIdentity& identity,
                                              const ScanStart& start, const FrameVisitor& visit);

/// A segment that another one follows, up to and including `until`. Errors: as scan_newest; log_damaged when it ends
/// before.
[[nodiscard]] Result<SegmentScan> scan_older(SegmentBytes& bytes, const SegmentIdentity& identity,
                                             const ScanStart& start, const FrameRef& until, const FrameVisitor& visit);

/// What the first frame says, if it is whole and of this segment.
enum class HeadVerdict : std::uint8_t { whole, absent };
struct HeadRead {
  HeadVerdict verdict =
      HeadVerdict::absent;  // absent: the segment was never begun, or its head was in flight: it is void
  FrameHeader header;       // of `whole`
};
/// Errors: log_damaged (the head is bad and valid frames of this segment follow it), format_newer, io_failed.
[[nodiscard]] Result<HeadRead> read_head(SegmentBytes& bytes, const SegmentIdentity& identity);

/// One frame with its bodies, for verification: what is wrong with it, empty if nothing. Padding counts too.
[[nodiscard]] Result<std::string> check_bodies(SegmentBytes& bytes, const Frame& frame, bool padding);

}  // namespace weir::journal
