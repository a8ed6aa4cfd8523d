#include "actors/supervise/stage_shell.h"

#include <caf/actor_cast.hpp>

#include <algorithm>

#include "actors/supervise/house_handlers.h"
#include "runtime/event/stage.h"

namespace weir {

namespace {

class StageShell : public caf::event_based_actor {
 public:
  StageShell(caf::actor_config& config, std::shared_ptr<StageSetup> setup, caf::actor_addr partition)
      : caf::event_based_actor(config), setup_(std::move(setup)), name_(setup_->step->name()), mark_(setup_->marks->take(setup_->partition, name_)) {
    install_house_handlers(this, setup_->who, partition);
    set_exception_handler([this, partition](caf::scheduled_actor*, std::exception_ptr& thrown) -> caf::error {
      StageCrashed crashed{setup_->who, {Errc::stage_failed, text_of(thrown)}, drive_, serial_, round_, std::nullopt};
      if (const auto inside = mark_->inside(); inside && inside->count == 1) crashed.event = inside->first;
      leave();
      if (const auto owner = caf::actor_cast<caf::actor>(partition)) caf::anon_send(owner, std::move(crashed));
      return caf::sec::runtime_error;
    });
    // The partition outlives its stages or takes them with it.
    set_down_handler([this](caf::down_msg& down) { quit(down.reason); });
    if (const auto owner = caf::actor_cast<caf::actor>(partition)) monitor(owner);
  }

  /// The step's: "validate".
  const char* name() const override { return name_.c_str(); }

  caf::behavior make_behavior() override {
    return {[this](ChainWork& work) {
      drive_ = work.drive, serial_ = work.serial, round_ = work.round;
      note_load(1 + mailbox().size());
      setup_->marks->on_this_thread(mark_.get());
      mark_all(*mark_, *work.batch);
      setup_->step->run(*work.batch, *mark_);
      leave();
      note_load(mailbox().size());
      ++work.next;
      const caf::actor to = (*work.route)[work.next];
      send(to, std::move(work));
    }};
  }

 private:
  void note_load(std::uint64_t rounds) { setup_->entry->load(rounds, setup_->rounds_max - std::min(rounds, setup_->rounds_max)); }
  void leave() noexcept {
    mark_->leave();
    setup_->marks->on_this_thread(nullptr);
  }

  std::shared_ptr<StageSetup> setup_;
  std::string name_;
  std::shared_ptr<CodeMark> mark_;
  // What it works on.
  std::uint64_t drive_ = 0;
  std::uint64_t serial_ = 0;
  std::uint32_t round_ = 0;
};

}  // namespace

caf::actor spawn_stage(caf::event_based_actor* partition, StageSetup setup) {
  return partition->spawn<StageShell, caf::monitored>(std::make_shared<StageSetup>(std::move(setup)), partition->address());
}

}  // namespace weir
