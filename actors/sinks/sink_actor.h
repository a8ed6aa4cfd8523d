// The shell around SinkFlow: does what it says next, on the sink's own thread where that may block, and tells it what became of it.
#pragma once
#include <functional>
#include <memory>
#include <string>

#include "actors/messages/sink_messages.h"
#include "actors/supervise/actor_board.h"
#include "runtime/engine/sink_flow.h"
#include "runtime/engine/sink_gauges.h"
#include "runtime/ports/logbook.h"
#include "runtime/ports/sink_cursors.h"

namespace weir {

struct SinkSetup {
  std::shared_ptr<const PipelineConfig> pipeline;
  std::size_t sink = 0;  // among pipeline->sinks
  PartitionId partition;
  EventLog* log = nullptr;
  const Clock* clock = nullptr;
  Logbook* logbook = nullptr;
  SinkCursors* cursors = nullptr;
  std::function<std::unique_ptr<SinkTarget>()> make_target;
  /// Runs jobs one after the other, never on the caller's stack. False: it has stopped, and so does the node.
  std::function<bool(std::function<void()>)> post;
  std::shared_ptr<SinkGauges> gauges;
  std::shared_ptr<ActorEntry> entry;
  std::uint64_t seed = 0;
};

/// Lives until it is told FinishSink or StopNode and has come to its end, or is broken. Its supervisor, which monitors it, is told which.
[[nodiscard]] caf::actor spawn_sink(caf::event_based_actor* supervisor, SinkSetup setup);

}  // namespace weir
