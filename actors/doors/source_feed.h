// Records of a source of somebody else's as what a door appends: each group with the position behind it.
#pragma once
#include <functional>
#include <memory>
#include <string>

#include "actors/doors/router.h"
#include "runtime/ports/door_feed.h"
#include "runtime/ports/logbook.h"
#include "runtime/ports/record_source.h"

namespace weir {

/// Pointers outlive the feed.
struct SourceFeedConfig {
  std::string source;  // its name in the log
  RouterConfig router;
  std::size_t event_bytes_max = 900 * 1024;
  std::function<std::unique_ptr<RecordSource>()> make;
  Logbook* logbook = nullptr;
  /// A source that has nothing to give at the moment has ended: for tests, where nobody waits.
  bool ends_when_idle = false;
};

/// "source:INPUT:KIND"
[[nodiscard]] std::string source_of_input(const std::string& input, const std::string& kind);

/// Positions travel with the groups: a new feed over the same log goes on behind the last durable record that had one. Records behind it
/// come again, and are told by their ids. A source that fails for a while is asked again after its pause, and told of once.
[[nodiscard]] DoorFeedOpener make_source_feed(SourceFeedConfig config);

}  // namespace weir
