#include "actors/supervise/stage_shell.h"

#include <caf/actor_cast.hpp>

#include <algorithm>

#include "actors/supervise/house_handlers.h"

namespace weir {

namespace {

class StageShell : public caf::event_based_actor {
 public:
  StageShell(caf::actor_config& config, std::unique_ptr<ChainStep> step, std::string who, caf::actor_addr partition, std::shared_ptr<ActorEntry> entry,
             std::uint64_t rounds_max)
      : caf::event_based_actor(config), step_(std::move(step)), name_(step_->name()), entry_(std::move(entry)), rounds_max_(rounds_max) {
    install_house_handlers(this, std::move(who), partition);
    // The partition outlives its stages or takes them with it.
    set_down_handler([this](caf::down_msg& down) { quit(down.reason); });
    if (const auto owner = caf::actor_cast<caf::actor>(partition)) monitor(owner);
  }

  /// The step's: "validate".
  const char* name() const override { return name_.c_str(); }

  caf::behavior make_behavior() override {
    return {[this](ChainWork& work) {
      note_load(1 + mailbox().size());
      step_->run(*work.batch);
      note_load(mailbox().size());
      ++work.next;
      const caf::actor to = (*work.route)[work.next];
      send(to, std::move(work));
    }};
  }

 private:
  void note_load(std::uint64_t rounds) { entry_->load(rounds, rounds_max_ - std::min(rounds, rounds_max_)); }

  std::unique_ptr<ChainStep> step_;
  std::string name_;
  std::shared_ptr<ActorEntry> entry_;
  std::uint64_t rounds_max_;
};

}  // namespace

caf::actor spawn_stage(caf::event_based_actor* partition, std::unique_ptr<ChainStep> step, std::string who,
                       std::shared_ptr<ActorEntry> entry, std::uint64_t rounds_max) {
  return partition->spawn<StageShell, caf::monitored>(std::move(step), std::move(who), partition->address(), std::move(entry), rounds_max);
}

}  // namespace weir
