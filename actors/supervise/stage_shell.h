// The shell around every stage of a partition: takes a round, lets its step work on it, passes it on. No state of its own, so
// a dead one is simply replaced and the partition drives its window again.
#pragma once
#include <functional>
#include <memory>
#include <string>

#include "actors/messages/messages.h"
#include "actors/supervise/actor_board.h"
#include "runtime/event/code_mark.h"
#include "runtime/ports/code_marks.h"

namespace weir {

/// One step of the chain for one partition: owns what must not be shared (parser, scratch memory).
class ChainStep {
 public:
  virtual ~ChainStep() = default;
  [[nodiscard]] virtual std::string name() const = 0;
  /// Works on every event whose verdict is pass. An exception is a crash: the batch is void and driven again. `mark` holds the whole
  /// batch; where code sees one event at a time, it holds that one meanwhile, also when an exception leaves.
  virtual void run(ChainBatch& batch, CodeMark& mark) = 0;
};
using ChainStepFactory = std::function<std::unique_ptr<ChainStep>()>;

/// ChainWork in, ChainWork out to route[next + 1]. Credits: the partition's window bounds what is on the route.
/// It dies with its partition, which monitors it and replaces it. A crash is told to it as StageCrashed, with what the stage had in
/// its hands.
struct StageSetup {
  std::unique_ptr<ChainStep> step;
  std::string who;                    // "validate/3"
  std::shared_ptr<ActorEntry> entry;  // its place on the board
  std::uint64_t rounds_max = 1;       // what the window has on the route at most
  std::shared_ptr<CodeMarks> marks;
  PartitionId partition;
};
[[nodiscard]] caf::actor spawn_stage(caf::event_based_actor* partition, StageSetup setup);

}  // namespace weir
