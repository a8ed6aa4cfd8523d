// Framing: where one event ends and the next begins. A framer takes the bytes of an input as they come and gives its
// frames; it never looks inside them further than that needs, and never refuses a frame because of what is in it.
#pragma once
#include <cstdint>
#include <memory>
#include <optional>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "actors/doors/frame_buffer.h"
#include "runtime/base/result.h"
#include "runtime/event/event_id.h"
#include "runtime/event/ingest_batch.h"

namespace weir {

/// One event as it stands in its input.
struct Frame {
  std::string_view raw;     // without its line end; of a cut frame the start of it
  std::uint64_t line = 0;   // 1-based: its first line; of JSON documents and arrays its number
  std::uint16_t flags = 0;  // frame_flag: bad_frame, oversize, cut
  std::string_view note;    // of a bad or cut frame: what is wrong, for its dead letter
  std::string_view digest;  // of a cut frame: the digest id of the whole of it; else empty
};

/// Where an input goes on. Opaque but for `bytes`; equal input and equal place give the same frames from there.
struct FramePlace {
  std::uint64_t bytes = 0;  // in decompressed bytes from the beginning
  std::uint64_t line = 1;   // number of the next line, or of the next document or element
  std::uint32_t state = 0;  // of the framer
  friend bool operator==(const FramePlace&, const FramePlace&) = default;
};

struct FramerLimits {
  std::size_t event_bytes_max = 900 * 1024;        // longer frames are marked oversize, whole
  std::size_t frame_bytes_max = 16 * 1024 * 1024;  // of frames longer still only the start is kept: they are cut
  std::size_t frame_bytes_kept = 64 * 1024;        // of a cut frame
};

enum class FrameStep : std::uint8_t {
  frame,    // `frame` holds one; its views are valid until the next call of next() or space()
  more,     // everything read is used up: read more into space(), or say ended()
  header,   // of CSV, once, before the first frame: header() and columns() are there; check them and go on
  jump,     // bring the stream to place().bytes, then read on
  end,      // the input is at its end
  refused,  // it cannot be framed from here on: error(). Frames given before stand
};

/// The part all framers share. Not thread-safe; one per input. The views of a frame may be read kBlockPadding bytes
/// beyond.
class Framer {
 public:
  virtual ~Framer() = default;
  Framer(const Framer&) = delete;
  Framer& operator=(const Framer&) = delete;

  /// Where to put the next bytes of the input; at least 64 KiB.
  [[nodiscard]] std::span<char> space() { return buffer_.space(); }
  void filled(std::size_t count) { buffer_.filled(count); }
  /// Memory of what was read and is not framed yet, and of the space beside it.
  [[nodiscard]] std::size_t buffer_bytes() const noexcept { return buffer_.capacity(); }
  /// No more bytes will come: what is left is the last frame. Not called for an input that broke off: its unfinished
  /// last frame is not known to be whole and is not given.
  void ended() noexcept { ended_ = true; }

  [[nodiscard]] virtual FrameStep next(Frame& frame) = 0;

  /// Behind the frame given last.
  [[nodiscard]] virtual FramePlace place() const noexcept = 0;
  /// Of FrameStep::refused: what is wrong and where in the input (line or byte), without the input's name.
  /// input_unreadable.
  [[nodiscard]] const Error& error() const noexcept { return error_; }
  /// Of CSV: the header line without its line end, and its names. Empty for other framings.
  [[nodiscard]] const std::string& header() const noexcept { return header_; }
  [[nodiscard]] const std::vector<std::string>& columns() const noexcept { return columns_; }

 protected:
  /// `resume`: place() of an earlier framer over the same input.
  Framer(const FramerLimits& limits, const std::optional<FramePlace>& resume);

  /// Bytes a framer looks at before it takes a frame for too long: the longest frame kept whole, its line end, and one
  /// more. Looking at no more, whatever has been read, makes frames independent of how the input was read.
  [[nodiscard]] std::size_t window() const noexcept { return limits_.frame_bytes_max + 3; }
  /// Consumes a byte order mark at the very beginning. False: more input is needed to tell.
  [[nodiscard]] bool skip_byte_order_mark();
  /// Goes to `resume` if there is one: true when the stream has to be brought there.
  [[nodiscard]] bool jump();
  [[nodiscard]] FrameStep refuse(Error error);

  /// Gives `raw` as a frame; one longer than frame_bytes_max is cut.
  void give(std::string_view raw, std::uint64_t line, std::uint64_t begin, Frame& frame);
  /// A frame that is too long to be held: begin, add its bytes as they come, then give it.
  void begin_cut(std::uint64_t begin);
  void add_cut(std::string_view part);
  void give_cut(std::uint64_t line, Frame& frame);
  [[nodiscard]] bool cutting() const noexcept { return cutting_; }

  FramerLimits limits_;
  std::optional<FramePlace> resume_;
  FrameBuffer buffer_;
  bool ended_ = false;
  std::string header_;
  std::vector<std::string> columns_;
  std::string note_;

 private:
  Error error_{Errc::internal, {}};
  bool started_ = false;
  bool cutting_ = false;
  std::optional<DigestId> digest_;  // made for the first cut frame
  std::string kept_;                // with padding behind it
  std::size_t kept_size_ = 0;
  std::uint64_t cut_bytes_ = 0;
  std::uint64_t cut_begin_ = 0;
  std::string cut_digest_;
};

/// NDJSON: each line is a frame, its line end (\n or \r\n) not part of it; empty lines are skipped. Never refuses.
[[nodiscard]] std::unique_ptr<Framer> make_line_framer(const FramerLimits& limits,
                                                       const std::optional<FramePlace>& resume);

struct CsvFraming {
  char separator = ',';
  std::uint32_t record_lines_max = 64;
};
/// RFC 4180 with a header line; empty lines are skipped. A quote opens a field only at its first byte and is closed
/// before a separator or a line end. A record that is not so, spans more than record_lines_max lines, or has several
/// lines and more than frame_bytes_max bytes is not one: its first line alone is a bad frame and framing goes on at the
/// next line, so that a stray quote costs one line. Refuses: no header, or one that is bad, not UTF-8, over 64 KiB or
/// with two equal names.
[[nodiscard]] std::unique_ptr<Framer> make_csv_framer(const FramerLimits& limits, const CsvFraming& framing,
                                                      const std::optional<FramePlace>& resume);

/// One JSON object, which is a frame, or an array, each element of which is one; framed by brackets and quotes alone.
/// Refuses: something else, an array whose elements are not divided by commas, text behind the end, an end inside.
[[nodiscard]] std::unique_ptr<Framer> make_json_framer(const FramerLimits& limits,
                                                       const std::optional<FramePlace>& resume);

/// A GeoJSON FeatureCollection: each element of its first member `features` is a frame, everything else is passed over.
/// Refuses: what make_json_framer refuses, and an object without an array `features`.
[[nodiscard]] std::unique_ptr<Framer> make_geojson_framer(const FramerLimits& limits,
                                                          const std::optional<FramePlace>& resume);

/// Whether `raw` as an element of an array is framed as this one element: what stands inside may still be no JSON.
[[nodiscard]] bool is_one_json_element(std::string_view raw);

}  // namespace weir
