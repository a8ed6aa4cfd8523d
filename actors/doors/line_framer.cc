// NDJSON: a line is a frame.
#include <algorithm>
#include <cstring>

#include "actors/doors/framer.h"

namespace weir {

namespace {

class LineFramer final : public Framer {
 public:
  LineFramer(const FramerLimits& limits, const std::optional<FramePlace>& resume) : Framer(limits, resume) {
    if (resume) line_ = resume->line;
  }

  FrameStep next(Frame& frame) override {
    if (jump()) return FrameStep::jump;
    if (!skip_byte_order_mark()) return FrameStep::more;
    for (;;) {
      const std::string_view rest = buffer_.view();
      const std::size_t look = std::min(rest.size(), window());
      const auto* end = look == looked_
                            ? nullptr
                            : static_cast<const char*>(std::memchr(rest.data() + looked_, '\n', look - looked_));
      if (end != nullptr) {
        if (end_line(rest.substr(0, static_cast<std::size_t>(end - rest.data())), true, frame)) return FrameStep::frame;
      } else if (look == window()) {
        drop_into_cut(rest.substr(0, look));
      } else if (!ended_) {
        looked_ = look;
        if (cutting()) drop_into_cut(rest);
        return FrameStep::more;
      } else if (!rest.empty() || cutting()) {
        if (end_line(rest, false, frame)) return FrameStep::frame;
      } else {
        return FrameStep::end;
      }
    }
  }

  [[nodiscard]] FramePlace place() const noexcept override { return {buffer_.place(), line_, 0}; }

 private:
  /// False: the line was empty. A \r belongs to the line end only where a \n follows.
  bool end_line(std::string_view line, bool line_feed, Frame& frame) {
    const std::uint64_t begin = buffer_.place();
    buffer_.consume(line.size() + (line_feed ? 1 : 0));
    looked_ = 0;
    if (line_feed && line.ends_with('\r')) line.remove_suffix(1);
    const std::uint64_t number = line_++;
    if (cutting()) {
      add_cut(line);
      give_cut(number, frame);
      return true;
    }
    if (line.empty()) return false;
    give(line, number, begin, frame);
    return true;
  }
  /// The last byte stays: it may be the \r of the line's end.
  void drop_into_cut(std::string_view part) {
    if (part.empty()) return;
    if (!cutting()) begin_cut(buffer_.place());
    add_cut(part.substr(0, part.size() - 1));
    buffer_.consume(part.size() - 1);
    looked_ = 1;
  }

  std::uint64_t line_ = 1;
  std::size_t looked_ = 0;  // bytes of the buffer known to hold no line end
};

}  // namespace

std::unique_ptr<Framer> make_line_framer(const FramerLimits& limits, const std::optional<FramePlace>& resume) {
  return std::make_unique<LineFramer>(limits, resume);
}

}  // namespace weir
