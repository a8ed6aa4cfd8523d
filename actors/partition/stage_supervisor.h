// The stages of one partition, for each version of its rules that is at work: started, ended, replaced. What becomes of a death
// the partition decides.
#pragma once
#include <cstddef>
#include <memory>
#include <vector>

#include "actors/messages/messages.h"
#include "actors/partition/partition_actor.h"

namespace weir {

/// Lives in the partition actor `self`, whose children the stages are; on_exit() must end_all().
class StageSupervisor {
 public:
  /// Versions at work at the same time.
  static constexpr std::size_t kChainsMax = 2;

  StageSupervisor(caf::event_based_actor* self, PartitionId partition) : self_(self), partition_(partition) {}

  [[nodiscard]] std::size_t size() const noexcept { return chains_.size(); }
  [[nodiscard]] bool full() const noexcept { return chains_.size() >= kChainsMax; }
  [[nodiscard]] const Digest128& newest_hash() const noexcept { return chains_.back().rules->version.hash; }
  /// Must not be full.
  void add(std::shared_ptr<const ChainRules> rules);
  /// Ends the stages of versions that the window has no batch of.
  void end_unused(const PartitionWindow& window);
  /// Every stage anew: what the dead one left to the others is void.
  void replace_all();
  void end_all();
  /// The stages of a version in order, and home behind them. It must be at work (asserted).
  [[nodiscard]] const std::shared_ptr<const std::vector<caf::actor>>& route_of(const RulesVersion& version) const;
  [[nodiscard]] bool has_stage(const caf::actor_addr& who) const;

 private:
  struct Chain {
    std::shared_ptr<const ChainRules> rules;
    std::vector<caf::actor> stages;
    std::shared_ptr<const std::vector<caf::actor>> route;
  };
  void start(Chain& chain);
  void end(Chain& chain);
  caf::event_based_actor* self_;
  PartitionId partition_;
  std::vector<Chain> chains_;  // the newest one last
};

}  // namespace weir
