// What sinks and their supervisor say to each other.
//
//   supervisor -> sink   PartitionProgress (its log has grown), PassTime, FinishSink, StopNode
//   sink -> supervisor   SinkEnded, SinkBroken;   what a sink had done on its thread -> sink   SinkTask;   sink -> itself   SinkWake
//   whoever asks -> supervisor   ReleaseSink
#pragma once
#include <functional>
#include <string>

#include "actors/messages/messages.h"

namespace weir {

/// Nothing more will be committed: take what is there, then end.
struct FinishSink {};
/// It has come to its end, as it was told to.
struct SinkEnded {};
/// It cannot go on, and nothing that passes by itself would help. It dies with this.
struct SinkBroken {
  Error error;
};
/// Something was done; to be run by the sink.
struct SinkTask {
  std::function<void()> task;
};
/// A timer of its own; an old generation is ignored.
struct SinkWake {
  std::uint64_t generation = 0;
};
/// Try a broken sink again, in all partitions. The supervisor says in how many it was broken, once, on its own thread; nothing: there is no
/// such sink.
struct ReleaseSink {
  std::string sink;
  std::function<void(std::optional<std::size_t> released)> done;  // may be empty
};

}  // namespace weir

WEIR_IN_PROCESS_MESSAGE(FinishSink)
WEIR_IN_PROCESS_MESSAGE(SinkEnded)
WEIR_IN_PROCESS_MESSAGE(SinkBroken)
WEIR_IN_PROCESS_MESSAGE(SinkTask)
WEIR_IN_PROCESS_MESSAGE(SinkWake)
WEIR_IN_PROCESS_MESSAGE(ReleaseSink)
