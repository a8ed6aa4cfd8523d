// The shell around every stage of a partition: takes a round, lets its step work on it, passes it on. No state of its own, so
// a dead one is simply replaced and the partition drives its window again.
#pragma once
#include <functional>
#include <memory>
#include <string>

#include "actors/messages/messages.h"
#include "actors/supervise/actor_board.h"

namespace weir {

/// One step of the chain for one partition: owns what must not be shared (parser, scratch memory).
class ChainStep {
 public:
  virtual ~ChainStep() = default;
  [[nodiscard]] virtual std::string name() const = 0;
  /// Works on every event whose verdict is pass. An exception is a crash: the batch is void and driven again.
  virtual void run(ChainBatch& batch) = 0;
};
using ChainStepFactory = std::function<std::unique_ptr<ChainStep>()>;

/// ChainWork in, ChainWork out to route[next + 1]. Credits: the partition's window bounds what is on the route.
/// It dies with its partition, which monitors it and replaces it. `entry`: its place on the board; `rounds_max`: what the window
/// has on the route at most.
[[nodiscard]] caf::actor spawn_stage(caf::event_based_actor* partition, std::unique_ptr<ChainStep> step, std::string who,
                                     std::shared_ptr<ActorEntry> entry, std::uint64_t rounds_max);

}  // namespace weir
