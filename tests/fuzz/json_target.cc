// Frames of JSON: the same however the bytes come, none of them lost, and what the chain makes of each.
#include "tests/fuzz/frames.h"
#include "tests/fuzz/target.h"

namespace weir::fuzz {

void run(std::string_view input) {
  check_frames([](const FramerLimits& limits) { return make_json_framer(limits, {}); }, input, false);
}

}  // namespace weir::fuzz
