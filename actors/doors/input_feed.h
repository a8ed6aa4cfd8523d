// A file or stdin as what a door appends: an input stream driven through the file door's decider.
#pragma once
#include <cstdint>
#include <functional>

#include "actors/doors/file_door.h"
#include "runtime/ports/door_feed.h"
#include "runtime/ports/input_stream.h"

namespace weir {

struct InputFeedConfig {
  FileDoorConfig door;           // `source` is set from what was opened
  std::uint32_t occurrence = 1;  // the how manieth input of the run with this content; see source_name
  std::function<Result<OpenedInput>()> open;
};

/// The opener opens the input, looks its durable position up in the log and goes on there; it may be called again after
/// the feed is gone (a door that is rebuilt). An input without identity (stdin) is opened once: what a lost feed had
/// read of it cannot be read again, so the second call is the error input_unreadable, and nothing is lost without a
/// word. A feed gives everything that was read before an error, then the error.
[[nodiscard]] DoorFeedOpener make_input_feed(InputFeedConfig config);

}  // namespace weir
