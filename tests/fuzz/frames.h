// What holds of every framer and every input.
#pragma once
#include <algorithm>
#include <cstring>
#include <functional>
#include <memory>
#include <string>
#include <vector>

#include "actors/doors/framer.h"
#include "runtime/event/document_parser.h"
#include "runtime/event/event_id.h"
#include "tests/fuzz/target.h"

namespace weir::fuzz {

using MakeFramer = std::function<std::unique_ptr<Framer>(const FramerLimits&)>;

struct Framed {
  std::vector<std::string> frames;
  std::string header;
  FrameStep last = FrameStep::more;
  friend bool operator==(const Framed&, const Framed&) = default;
};

inline Framed frame_all(Framer& framer, std::string_view input, std::size_t piece) {
  Framed framed;
  bool ended = false;
  for (;;) {
    Frame frame;
    framed.last = framer.next(frame);
    switch (framed.last) {
      case FrameStep::frame:
        framed.frames.emplace_back(std::to_string(frame.flags) + ":" + std::string(frame.raw));
        break;
      case FrameStep::header:
        framed.header = framer.header();
        break;
      case FrameStep::more: {
        promise(!ended, "a framer that was told of the end asks for more");
        const auto space = framer.space();
        const std::size_t count = std::min({space.size(), input.size(), piece});
        if (count == 0) {
          framer.ended();
          ended = true;
          break;
        }
        std::memcpy(space.data(), input.data(), count);
        framer.filled(count);
        input.remove_prefix(count);
        break;
      }
      case FrameStep::jump:
        promise(false, "nobody asked it to jump");
        break;
      case FrameStep::end:
      case FrameStep::refused:
        return framed;
    }
  }
}

/// Frames do not depend on how the bytes come; each has an id of 1 to 512 bytes, and can be parsed or not, without
/// harm.
inline void check_frames(const MakeFramer& make, std::string_view input, bool csv) {
  FramerLimits limits;
  limits.event_bytes_max = 2'000;
  limits.frame_bytes_max = 8'000;
  limits.frame_bytes_kept = 500;
  const auto whole = make(limits);
  const Framed framed = frame_all(*whole, input, input.size() + 1);
  for (const std::size_t piece : {std::size_t{1}, std::size_t{7}, std::size_t{100}}) {
    if (piece == 1 && input.size() > 20'000) continue;  // slow, and nothing new
    const auto again = make(limits);
    promise(frame_all(*again, input, piece) == framed, "frames depend on how the bytes come");
  }
  static FieldPlan plan = [] {
    FieldPlan made;
    static_cast<void>(made.want("id"));
    static_cast<void>(made.touch("amount"));
    const std::string path[] = {"properties", "mag"};
    static_cast<void>(made.want(path));
    return made;
  }();
  static DocumentParser parser(plan);
  EventIdFinder finder(EventIdRule{{{"id"}}});
  if (csv) static_cast<void>(finder.set_csv_columns(whole->columns(), ','));
  for (const std::string& tagged : framed.frames) {
    const Padded frame(std::string_view(tagged).substr(tagged.find(':') + 1));
    const auto id = csv ? finder.csv(frame.view()) : finder.json(frame.view());
    promise(!id.text.empty() && id.text.size() <= kEventIdMax, "an id has 1 to 512 bytes");
    ChainArena arena;
    parser.between_batches();
    Document document;
    ParseProblem problem;
    const bool good = csv ? parser.parse_csv(frame.view(), framed.header, arena, document, problem)
                          : parser.parse_json(frame.view(), arena, document, problem);
    promise(good || problem.at <= frame.view().size(), "a problem lies within its frame");
  }
}

}  // namespace weir::fuzz
