// The stages of one partition, for each version of its rules that is at work: started, ended, replaced.
//
// rest-for-one: with a stage go those behind it, whose work came from it; those in front stay. Between a death and the restart
// lies a pause, in which nobody may be sent work; then the partition drives its window again, over the new route.
#pragma once
#include <cstddef>
#include <map>
#include <memory>
#include <optional>
#include <string>
#include <vector>

#include "actors/messages/messages.h"
#include "actors/partition/partition_actor.h"
#include "actors/supervise/child_record.h"

namespace weir {

/// Lives in the partition actor `self`, whose children the stages are; on_exit() must end_all(). `setup` outlives it.
class StageSupervisor {
 public:
  /// Versions at work at the same time.
  static constexpr std::size_t kChainsMax = 2;

  StageSupervisor(caf::event_based_actor* self, const PartitionSetup& setup) : self_(self), setup_(setup) {}

  [[nodiscard]] std::size_t size() const noexcept { return chains_.size(); }
  [[nodiscard]] bool full() const noexcept { return chains_.size() >= kChainsMax; }
  [[nodiscard]] const Digest128& newest_hash() const noexcept { return chains_.back().rules->version.hash; }
  /// Must not be full.
  void add(std::shared_ptr<const ChainRules> rules);
  /// Ends the stages of versions that the window has no batch of.
  void end_unused(const PartitionWindow& window);
  void end_all();
  /// The stages of a version in order, and home behind them. It must be at work (asserted), and nobody dead.
  [[nodiscard]] const std::shared_ptr<const std::vector<caf::actor>>& route_of(const RulesVersion& version) const;

  /// "validate/3" says what it dies of; `excused`: an event is to blame, and it does not count. False: it is none of these.
  bool failing(const std::string& who, const Error& error, bool excused = false);
  [[nodiscard]] bool has_stage(const caf::actor_addr& who) const;
  /// One of them is dead: the pause before restart() is due, when none is pending that will do; zero: one is. Nothing: it died
  /// more often than `supervision.stage` allows, the partition is to escalate with last_error().
  [[nodiscard]] std::optional<std::chrono::microseconds> died(const caf::actor_addr& who);
  /// Somebody is dead: no work may be sent until restart().
  [[nodiscard]] bool broken() const noexcept { return broken_; }
  /// In place of the dead and of those behind them. What was sent before is void.
  void restart();
  /// The partition has committed.
  void progress();
  [[nodiscard]] const Error& last_error() const noexcept { return last_error_; }

 private:
  struct Chain {
    std::shared_ptr<const ChainRules> rules;
    std::vector<std::string> names;   // of its stages, in order
    std::vector<caf::actor> stages;   // a null handle: dead
    std::shared_ptr<const std::vector<caf::actor>> route;
  };
  /// From stage `from` on, in place of those it had.
  void start(Chain& chain, std::size_t from);
  void end(Chain& chain, std::size_t from);
  [[nodiscard]] ChildRecord& record(const std::string& name);

  caf::event_based_actor* self_;
  const PartitionSetup& setup_;
  std::vector<Chain> chains_;  // the newest one last
  std::map<std::string, ChildRecord> records_;  // by name; versions of one stage share it
  Error last_error_ = kKilled;
  bool broken_ = false;
};

}  // namespace weir
