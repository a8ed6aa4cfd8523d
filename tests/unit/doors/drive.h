// Drives a framer as a door does: reads of chosen sizes, jumps, and every frame copied.
#pragma once
#include <algorithm>
#include <cstring>
#include <functional>
#include <memory>
#include <string>
#include <string_view>
#include <vector>

#include "actors/doors/framer.h"

namespace weir::test {

struct OwnedFrame {
  std::string raw;
  std::uint64_t line = 0;
  std::uint16_t flags = 0;
  std::string note;
  std::string digest;
  FramePlace place;
  friend bool operator==(const OwnedFrame&, const OwnedFrame&) = default;
};

struct Framed {
  std::vector<OwnedFrame> frames;
  FrameStep last = FrameStep::more;
  std::string error;
  std::string header;
  std::uint64_t jumps = 0;
  friend bool operator==(const Framed&, const Framed&) = default;
};

/// `chunk` says how many bytes the next read brings (at least 1). A broken input is never said to have ended.
inline Framed drive(Framer& framer, std::string_view input, const std::function<std::size_t()>& chunk,
                    bool broken = false) {
  Framed result;
  std::size_t at = 0;
  bool ended = false;
  for (;;) {
    Frame frame;
    const FrameStep step = framer.next(frame);
    result.last = step;
    switch (step) {
      case FrameStep::frame:
        result.frames.push_back({std::string(frame.raw), frame.line, frame.flags, std::string(frame.note),
                                 std::string(frame.digest), framer.place()});
        break;
      case FrameStep::more: {
        if (ended || (at == input.size() && broken)) return result;
        if (at == input.size()) {
          framer.ended();
          ended = true;
          break;
        }
        const auto space = framer.space();
        const std::size_t count = std::min({space.size(), input.size() - at, std::max<std::size_t>(chunk(), 1)});
        std::memcpy(space.data(), input.data() + at, count);
        framer.filled(count);
        at += count;
        break;
      }
      case FrameStep::header:
        result.header = framer.header();
        break;
      case FrameStep::jump:
        ++result.jumps;
        at = static_cast<std::size_t>(framer.place().bytes);
        break;
      case FrameStep::end:
        return result;
      case FrameStep::refused:
        result.error = framer.error().context;
        return result;
    }
  }
}

inline std::function<std::size_t()> chunks_of(std::size_t size) {
  return [size] { return size; };
}
/// One cut at `first`, the rest in one read.
inline std::function<std::size_t()> split_at(std::size_t first) {
  return [first, begun = false]() mutable {
    if (begun || first == 0) return ~std::size_t{0};
    begun = true;
    return first;
  };
}

inline std::vector<std::string> raws(const Framed& framed) {
  std::vector<std::string> texts;
  for (const auto& frame : framed.frames) texts.push_back(frame.raw);
  return texts;
}

}  // namespace weir::test
