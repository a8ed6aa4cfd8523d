// What a door has to append: framed, identified, routed. The door actor asks; where the bytes come from is the feed's business.
#pragma once
#include <chrono>
#include <cstdint>
#include <functional>
#include <memory>
#include <optional>
#include <string>

#include "runtime/base/result.h"
#include "runtime/ports/clock.h"
#include "runtime/ports/event_log.h"

namespace weir {

/// One append: batches and the door's position behind them; positions alone where a source is forgotten.
struct DoorGroup {
  AppendGroup group;
  std::uint64_t events = 0;
  /// Greater than 0: there is nothing to append now, the group is empty; ask again after so long.
  std::chrono::milliseconds ask_again{0};
};

/// Owned by one door actor; not thread-safe.
class DoorFeed {
 public:
  virtual ~DoorFeed() = default;
  /// For people and for the `door` of events, e.g. "file:sales.csv.gz".
  [[nodiscard]] virtual const std::string& name() const = 0;
  /// The next group; nothing: the input has ended. May wait for bytes (a pipe): such a door runs on a thread of its own, and is
  /// stopped only between two groups. A feed that follows what grows says ask_again instead.
  /// Error: the input cannot be read on from here; everything given out before is good.
  [[nodiscard]] virtual Result<std::optional<DoorGroup>> next(UnixMicros accepted_at) = 0;
  /// A group that it gave is durable; in order, between two calls of next().
  virtual void durable(const AppendGroup&) {}
};

/// Opens the input at its durable position in the log. Errors: input_unreadable.
using DoorFeedOpener = std::function<Result<std::unique_ptr<DoorFeed>>(const EventLog& log)>;

}  // namespace weir
