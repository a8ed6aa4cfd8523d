// The shell around every stage of a partition: takes a round, lets its step work on it, passes it on. A round whose events wait for
// answers is kept until they are there, while the next ones go on: rounds may overtake each other. No state that outlives it, so a dead
// one is simply replaced and the partition drives its window again.
#pragma once
#include <functional>
#include <memory>
#include <string>

#include "actors/messages/messages.h"
#include "actors/supervise/actor_board.h"
#include "runtime/event/code_mark.h"
#include "runtime/event/stage_work.h"
#include "runtime/ports/code_marks.h"

namespace weir {

/// One step of the chain for one partition: owns what must not be shared (parser, scratch memory, what it waits for). An exception of any
/// function is a crash: its batches are void and driven again.
class ChainStep {
 public:
  virtual ~ChainStep() = default;
  [[nodiscard]] virtual std::string name() const = 0;
  /// Works on every event whose verdict is pass. `mark` holds the whole batch; where code sees one event at a time, it holds that one
  /// meanwhile, also when an exception leaves.
  virtual void run(ChainBatch& batch, CodeMark& mark) = 0;

  // A step that may wait; the others are as they are here. The functions are those of StageWork.

  /// Once, before anything else.
  virtual void attach(StageWorkHost) {}
  /// In place of run().
  [[nodiscard]] virtual bool begin(ChainBatch& batch, RoundNumber, CodeMark& mark) {
    run(batch, mark);
    return true;
  }
  virtual void finish(ChainBatch&, RoundNumber, CodeMark&) {}
  virtual void forget(RoundNumber) noexcept {}
};
struct StagePorts;  // what a node has for stages that wait (runtime/engine/waiting_stage.h)
using ChainStepFactory = std::function<std::unique_ptr<ChainStep>(const StagePorts& ports)>;

/// ChainWork in, ChainWork out to route[next + 1]. Credits: the partition's window bounds what is on the route, and with it what waits. The
/// mark is held only while the step's code runs: a slow server is no stalled stage. Rounds of an older drive are given up when the first
/// one of a newer drive comes.
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
