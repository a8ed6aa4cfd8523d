#include "actors/supervise/stage_shell.h"

#include <caf/actor_cast.hpp>
#include <caf/send.hpp>

#include <algorithm>
#include <map>
#include <utility>
#include <vector>

#include "actors/supervise/house_handlers.h"
#include "runtime/event/stage.h"

namespace weir {

namespace {

/// A way to the shell; `post` may be kept for longer than it lives.
StageWorkHost host_of(caf::event_based_actor* shell, std::vector<RoundNumber>& ready, const std::shared_ptr<ActorEntry>& entry) {
  StageWorkHost host;
  host.after = [shell](std::chrono::nanoseconds pause, std::function<void()> task) { shell->delayed_send(shell, pause, StageTask{std::move(task)}); };
  host.post = [to = shell->address()](std::function<void()> task) {
    if (const auto alive = caf::actor_cast<caf::actor>(to)) caf::anon_send(alive, StageTask{std::move(task)});
  };
  host.ready = [&ready](RoundNumber round) { ready.push_back(round); };
  host.note = [entry](std::string_view text) { entry->note(text); };
  return host;
}

class StageShell : public caf::event_based_actor {
 public:
  StageShell(caf::actor_config& config, std::shared_ptr<StageSetup> setup, caf::actor_addr partition)
      : caf::event_based_actor(config), setup_(std::move(setup)), name_(setup_->step->name()), mark_(setup_->marks->take(setup_->partition, name_)) {
    install_house_handlers(this, setup_->who, partition);
    set_exception_handler([this, partition](caf::scheduled_actor*, std::exception_ptr& thrown) -> caf::error {
      StageCrashed crashed{setup_->who, {Errc::stage_failed, text_of(thrown)}, at_.drive, at_.serial, at_.round, std::nullopt};
      if (const auto inside = mark_->inside(); inside && inside->count == 1) crashed.event = inside->first;
      leave();
      if (const auto owner = caf::actor_cast<caf::actor>(partition)) caf::anon_send(owner, std::move(crashed));
      return caf::sec::runtime_error;
    });
    // The partition outlives its stages or takes them with it.
    set_down_handler([this](caf::down_msg& down) { quit(down.reason); });
    if (const auto owner = caf::actor_cast<caf::actor>(partition)) monitor(owner);
    StageWorkHost host = host_of(this, ready_, setup_->entry);
    host.inside = [this](RoundNumber round, const std::function<void()>& code) {
      if (const auto work = waiting_.find(round); work != waiting_.end()) inside(work->second, code);
    };
    setup_->step->attach(std::move(host));
  }

  /// The step's: "validate".
  const char* name() const override { return name_.c_str(); }

  caf::behavior make_behavior() override {
    return {[this](ChainWork& work) {
              give_up_older(work.drive);
              note_load(1 + mailbox().size());
              const RoundNumber round = ++last_round_;
              bool decided = false;
              inside(work, [&] { decided = setup_->step->begin(*work.batch, round, *mark_); });
              if (decided) {
                pass_on(work);
              } else {
                waiting_.emplace(round, std::move(work));
              }
              finish_ready();
            },
            [this](StageTask& task) {
              task.task();
              finish_ready();
            }};
  }

  /// With the step goes what it waits for; answers that come later find nobody.
  void on_exit() override {
    waiting_.clear();
    setup_->step.reset();
    setup_->entry->note({});
  }

 private:
  /// Whose code runs, for the case that it crashes; nobody's between rounds.
  struct At {
    std::uint64_t drive = 0;
    std::uint64_t serial = 0;
    std::uint32_t round = 0;
  };

  template <class Code>
  void inside(const ChainWork& work, const Code& code) {
    at_ = {work.drive, work.serial, work.round};
    setup_->marks->on_this_thread(mark_.get());
    mark_all(*mark_, *work.batch);
    code();
    leave();
  }
  void leave() noexcept {
    at_ = {};
    mark_->leave();
    setup_->marks->on_this_thread(nullptr);
  }

  void pass_on(ChainWork& work) {
    note_load(mailbox().size());
    ++work.next;
    const caf::actor to = (*work.route)[work.next];
    send(to, std::move(work));
  }

  void finish_ready() {
    for (const RoundNumber round : std::exchange(ready_, {})) {
      auto work = waiting_.extract(round);
      if (work.empty()) continue;  // given up meanwhile
      inside(work.mapped(), [&] { setup_->step->finish(*work.mapped().batch, round, *mark_); });
      pass_on(work.mapped());
    }
  }

  /// The partition has taken its rounds up again: what comes of the older ones is void.
  void give_up_older(std::uint64_t drive) {
    for (auto round = waiting_.begin(); round != waiting_.end();) {
      const bool older = round->second.drive < drive;
      if (older) setup_->step->forget(round->first);
      round = older ? waiting_.erase(round) : std::next(round);
    }
  }

  void note_load(std::uint64_t in_mailbox) {
    const std::uint64_t rounds = waiting_.size() + in_mailbox;
    setup_->entry->load(rounds, setup_->rounds_max - std::min(rounds, setup_->rounds_max));
  }

  std::shared_ptr<StageSetup> setup_;
  std::string name_;
  std::shared_ptr<CodeMark> mark_;
  At at_;
  RoundNumber last_round_ = 0;
  std::map<RoundNumber, ChainWork> waiting_;
  std::vector<RoundNumber> ready_;
};

}  // namespace

caf::actor spawn_stage(caf::event_based_actor* partition, StageSetup setup) {
  return partition->spawn<StageShell, caf::monitored>(std::make_shared<StageSetup>(std::move(setup)), partition->address());
}

}  // namespace weir
