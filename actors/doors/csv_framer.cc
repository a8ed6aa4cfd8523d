// CSV: a record is a frame. Lines without quotes are found at memory speed; a quote starts the walk through quoted
// fields.
#include <algorithm>
#include <bit>
#include <cstring>

#if defined(__SSE2__)
#include <emmintrin.h>
#endif

#include "runtime/event/csv_header.h"
#include "actors/doors/framer.h"

namespace weir {

namespace {

/// The first \n or quote in [p, end), or nullptr. Up to 15 bytes behind `end` are read.
const char* find_end_or_quote(const char* p, const char* end) noexcept {
#if defined(__SSE2__)
  const __m128i feed = _mm_set1_epi8('\n');
  const __m128i quote = _mm_set1_epi8('"');
  for (; p < end; p += 16) {
    const __m128i bytes = _mm_loadu_si128(reinterpret_cast<const __m128i*>(p));
    const auto mask = static_cast<unsigned>(
        _mm_movemask_epi8(_mm_or_si128(_mm_cmpeq_epi8(bytes, feed), _mm_cmpeq_epi8(bytes, quote))));
    if (mask == 0) continue;
    p += std::countr_zero(mask);
    return p < end ? p : nullptr;
  }
#else
  for (; p < end; ++p)
    if (*p == '\n' || *p == '"') return p;
#endif
  return nullptr;
}

class CsvFramer final : public Framer {
 public:
  CsvFramer(const FramerLimits& limits, const CsvFraming& framing, const std::optional<FramePlace>& resume)
      : Framer(limits, resume), framing_(framing) {}

  FrameStep next(Frame& frame) override {
    if (!skip_byte_order_mark()) return FrameStep::more;
    if (!has_header_) return read_header();
    if (resume_) {
      line_ = resume_->line;
      walk_ = {};
      if (jump()) return FrameStep::jump;
    }
    return next_record(frame);
  }

  [[nodiscard]] FramePlace place() const noexcept override { return {buffer_.place(), line_, 0}; }

 private:
  enum class Verdict : std::uint8_t { open, record, bad };
  /// How far the record at the start of the buffer has been walked through.
  struct Walk {
    std::size_t at = 0;         // bytes looked at
    std::size_t end = 0;        // of Verdict::record: without its line end
    std::size_t next = 0;       // of Verdict::record: where the next one begins
    std::size_t first_end = 0;  // of the first line, once lines > 1
    std::size_t first_next = 0;
    std::uint32_t lines = 1;
    bool quoted = false;
    const char* wrong = nullptr;  // Verdict::bad: why
  };

  FrameStep next_record(Frame& frame) {
    for (;;) {
      if (cutting()) {
        if (cut_on(frame)) return FrameStep::frame;
        return FrameStep::more;
      }
      const std::string_view rest = buffer_.view();
      if (rest.empty()) return ended_ ? FrameStep::end : FrameStep::more;
      const bool closed = ended_ && rest.size() <= window();
      const std::string_view look = rest.substr(0, window());
      Verdict verdict = walk_.wrong != nullptr ? Verdict::bad : walk(look, closed);
      if (verdict == Verdict::open) {
        if (look.size() < window()) return FrameStep::more;
        verdict = give_up("a record is longer than a frame may be");
      }
      if (verdict == Verdict::record) {
        if (give_record(look, frame)) return FrameStep::frame;
        continue;
      }
      if (!find_first_line(look, closed)) {
        if (look.size() < window()) return FrameStep::more;
        begin_cut(buffer_.place());
        continue;
      }
      give_bad(look, frame);
      return FrameStep::frame;
    }
  }

  Verdict give_up(const char* why) noexcept {
    walk_.wrong = why;
    return Verdict::bad;
  }

  /// Walks on from walk_.at. `closed`: nothing comes behind `look`.
  Verdict walk(std::string_view look, bool closed) noexcept {
    const char* const base = look.data();
    const char* const end = base + look.size();
    for (;;) {
      const char* const found = find_end_or_quote(base + walk_.at, end);
      if (found == nullptr) {
        walk_.at = look.size();
        if (!closed) return Verdict::open;
        if (walk_.quoted) return give_up("a quoted field does not end");
        walk_.end = walk_.next = look.size();
        return Verdict::record;
      }
      const auto place = static_cast<std::size_t>(found - base);
      if (*found == '\n') {
        walk_.at = place + 1;
        if (!walk_.quoted) {
          walk_.end = place > 0 && base[place - 1] == '\r' ? place - 1 : place;
          walk_.next = place + 1;
          return Verdict::record;
        }
        if (walk_.lines == 1) {
          walk_.first_end = base[place - 1] == '\r' ? place - 1 : place;
          walk_.first_next = place + 1;
        }
        if (++walk_.lines > framing_.record_lines_max) return give_up("a quoted field spans too many lines");
      } else if (!walk_.quoted) {
        if (place != 0 && base[place - 1] != framing_.separator)
          return give_up("a quote stands inside a field that does not begin with one");
        walk_.quoted = true;
        walk_.at = place + 1;
      } else {
        const Verdict verdict = walk_quote(look, place, closed);
        if (verdict != Verdict::record) return verdict;
      }
    }
  }

  /// A quote inside a quoted field at `place`. Verdict::record: go on.
  Verdict walk_quote(std::string_view look, std::size_t place, bool closed) noexcept {
    walk_.at = place;
    const std::size_t left = look.size() - place - 1;
    const char behind = left > 0 ? look[place + 1] : '\0';
    if (left == 0 && !closed) return Verdict::open;
    if (left > 0 && behind == '"') {
      walk_.at = place + 2;
      return Verdict::record;
    }
    if (behind == '\r' && left == 1 && !closed) return Verdict::open;
    const bool line_end = behind == '\n' || (behind == '\r' && left > 1 && look[place + 2] == '\n');
    if (left != 0 && behind != framing_.separator && !line_end)
      return give_up("text stands behind the closing quote of a field");
    walk_.quoted = false;
    walk_.at = place + 1;
    return Verdict::record;
  }

  /// The first line of a record that is none. False: its end has not been read.
  bool find_first_line(std::string_view look, bool closed) noexcept {
    if (walk_.lines > 1) return true;
    const std::size_t feed = look.find('\n', walk_.at);
    walk_.at = std::min(feed, look.size());
    if (feed == std::string_view::npos && !closed) return false;
    walk_.first_end =
        walk_.at > 0 && feed != std::string_view::npos && look[feed - 1] == '\r' ? walk_.at - 1 : walk_.at;
    walk_.first_next = feed == std::string_view::npos ? look.size() : feed + 1;
    return true;
  }

  /// False: the line was empty.
  bool give_record(std::string_view look, Frame& frame) {
    const Walk walked = walk_;
    if (walked.lines > 1 && walked.end > limits_.frame_bytes_max) {
      walk_.wrong = "a record is longer than a frame may be";
      return false;  // comes back as a bad one
    }
    walk_ = {};
    const std::uint64_t begin = buffer_.place();
    const std::uint64_t line = line_;
    line_ += walked.lines;
    buffer_.consume(walked.next);
    if (walked.end == 0) return false;
    give(look.substr(0, walked.end), line, begin, frame);
    return true;
  }
  void give_bad(std::string_view look, Frame& frame) {
    const Walk walked = walk_;
    walk_ = {};
    const std::uint64_t begin = buffer_.place();
    buffer_.consume(walked.first_next);
    give(look.substr(0, walked.first_end), line_++, begin, frame);
    // Too long says more than what is wrong with it: the end of a line that long was not looked at.
    if ((frame.flags & frame_flag::cut) != 0) return;
    note_ = walked.wrong;
    frame.flags |= frame_flag::bad_frame;
    frame.note = note_;
  }
  /// One line that is too long: whatever its quotes say, it ends at its line end. True: it has ended and `frame` is
  /// given.
  bool cut_on(Frame& frame) {
    const std::string_view rest = buffer_.view();
    const std::size_t feed = rest.find('\n');
    const bool found = feed != std::string_view::npos;
    if (!found && !ended_) {
      // The last byte stays: it may be the \r of the line's end.
      const std::size_t part = rest.empty() ? 0 : rest.size() - 1;
      add_cut(rest.substr(0, part));
      buffer_.consume(part);
      return false;
    }
    std::string_view line = rest.substr(0, feed);
    if (found && line.ends_with('\r')) line.remove_suffix(1);
    add_cut(line);
    buffer_.consume(found ? feed + 1 : rest.size());
    walk_ = {};
    give_cut(line_++, frame);
    return true;
  }

  FrameStep read_header() {
    Frame line;
    const FrameStep step = next_record(line);
    if (step == FrameStep::more) return step;
    if (step == FrameStep::end)
      return refuse({Errc::input_unreadable, "there is no header line: a CSV input begins with one"});
    if ((line.flags & frame_flag::bad_frame) != 0)
      return refuse(
          {Errc::input_unreadable, fmt::format("line {}: the header line is not CSV: {}", line.line, line.note)});
    if ((line.flags & frame_flag::cut) != 0)
      return refuse(
          {Errc::input_unreadable, fmt::format("line {}: the header line is too long: {}", line.line, line.note)});
    auto names = parse_csv_header(line.raw, framing_.separator);
    if (!names) return refuse({names.error().code, fmt::format("line {}: {}", line.line, names.error().context)});
    header_ = line.raw;
    columns_ = std::move(*names);
    has_header_ = true;
    return FrameStep::header;
  }

  CsvFraming framing_;
  Walk walk_;
  std::uint64_t line_ = 1;
  bool has_header_ = false;
};

}  // namespace

std::unique_ptr<Framer> make_csv_framer(const FramerLimits& limits, const CsvFraming& framing,
                                        const std::optional<FramePlace>& resume) {
  return std::make_unique<CsvFramer>(limits, framing, resume);
}

}  // namespace weir
