#include "actors/partition/committer_actor.h"

#include <caf/actor_cast.hpp>
#include <fmt/format.h>

#include <algorithm>
#include <map>

#include "actors/supervise/house_handlers.h"
#include "runtime/base/fail_point.h"
#include "runtime/base/invariant.h"

namespace weir {

namespace {

class CommitterActor : public caf::event_based_actor {
 public:
  CommitterActor(caf::actor_config& config, CommitterSetup setup, caf::actor_addr supervisor)
      : caf::event_based_actor(config), setup_(setup), groups_(setup.limits) {
    install_house_handlers(this, "committer", supervisor);
    set_down_handler([this](caf::down_msg& down) { quit(down.reason); });  // its pipeline is gone
    if (const auto parent = caf::actor_cast<caf::actor>(supervisor)) monitor(parent);
  }

  const char* name() const override { return "committer"; }

  caf::behavior make_behavior() override {
    return {
        [this](CommitPart& part) {
          waiting_[part.part.partition] = {part.partition, part.part.sequence};
          groups_.add(std::move(part.part), part.bytes);
          go();
          note_load();
        },
        [this](const CommitTick& tick) {
          if (tick.generation != generation_) return;
          armed_ = false;
          go();
        },
        [this](const GroupDecided& decided) { on_decided(decided.outcome); },
    };
  }

  /// It holds handles of partitions, which hold one of it.
  void on_exit() override {
    waiting_.clear();
    in_flight_.clear();
  }

 private:
  struct Asked {
    caf::actor partition;
    CommitSequence sequence;
  };

  /// One part per partition may be with it: that is the credit.
  void note_load() {
    if (!setup_.entry) return;
    const std::size_t parts = waiting_.size() + in_flight_.size();
    setup_.entry->load(parts, setup_.log->partitions() - std::min<std::size_t>(parts, setup_.log->partitions()));
  }

  void go() {
    if (auto group = groups_.take(setup_.clock->now())) {
      for (const PartitionCommit& part : group->parts) in_flight_.insert(waiting_.extract(part.partition));
      handed_in_ = setup_.clock->now();
      note_size(*group);
      WEIR_FAIL_POINT("committer_before_commit");
      if (WEIR_DEFECT("refused_moved_and_resent")) last_group_ = *group;
      const caf::actor self = caf::actor_cast<caf::actor>(this);
      // A request that is delivered twice: harmless (`resend_groups` alone), unless the log does not check where it belongs.
      const bool moves = WEIR_DEFECT("refused_moved_and_resent");
      const bool twice = moves || WEIR_DEFECT("resend_groups") || WEIR_DEFECT("from_not_checked");
      const CommitGroup copy = twice ? *group : CommitGroup{};
      setup_.log->commit(std::move(*group), [self](CommitOutcome outcome) { caf::anon_send(self, GroupDecided{std::move(outcome)}); });
      if (twice) {
        setup_.log->commit(copy, [log = setup_.log, copy, moves](CommitOutcome outcome) {
          if (moves && outcome.kind == CommitOutcome::Kind::refused) log->commit(moved(copy, outcome), [](CommitOutcome) {});
        });
      }
      return;
    }
    const auto due = groups_.due();
    if (!due || armed_) return;
    armed_ = true;
    const auto wait = std::max(*due - setup_.clock->now(), std::chrono::nanoseconds{0});
    delayed_send(this, std::chrono::duration_cast<std::chrono::microseconds>(wait) + std::chrono::microseconds{1}, CommitTick{++generation_});
  }

  void on_decided(const CommitOutcome& outcome) {
    const bool refused = outcome.kind == CommitOutcome::Kind::refused;
    if (refused && WEIR_DEFECT("refused_moved_and_resent") && !resent_) return move_and_resend(outcome);
    resent_ = false;
    groups_.done();
    note_outcome(outcome);
    WEIR_FAIL_POINT("committer_after_commit");
    for (auto& [partition, asked] : std::exchange(in_flight_, {})) {
      CommitOutcome::Kind kind = outcome.kind;
      // All or nothing: a part that was current in a refused group was not written and may simply go again.
      const auto named = std::find_if(outcome.current.begin(), outcome.current.end(),
                                      [p = partition](const PartitionPosition& position) { return position.partition == p; });
      Error error = outcome.error;
      if (kind == CommitOutcome::Kind::unknown) error.code = Errc::outcome_unknown;
      if (refused) {
        error = {Errc::commit_refused, "another partition's part of the group was refused"};
        if (named != outcome.current.end()) {
          error.context = fmt::format("refused: epoch {}, commit {} and position {} are current", named->epoch.value, named->sequence.value, named->committed.value);
        } else {
          kind = CommitOutcome::Kind::failed;
        }
      }
      if (kind == CommitOutcome::Kind::unknown && WEIR_DEFECT("unknown_taken_for_committed")) kind = CommitOutcome::Kind::committed;
      send(asked.partition, CommitDecided{asked.sequence, kind, std::move(error)});
    }
    go();
    note_load();
  }

  void note_size(const CommitGroup& group) {
    if (!setup_.gauges) return;
    std::size_t bytes = 0;
    for (const PartitionCommit& part : group.parts)
      for (const SharedBytes& piece : part.body) bytes += piece.size();
    setup_.gauges->group_bytes.observe(static_cast<double>(bytes));
  }
  void note_outcome(const CommitOutcome& outcome) {
    if (!setup_.gauges) return;
    setup_.gauges->seconds.observe(std::chrono::duration<double>(setup_.clock->now() - handed_in_).count());
    if (outcome.kind != CommitOutcome::Kind::committed) ++setup_.gauges->not_written;
  }

  /// The deliberate defect: a refused part is made to fit what is current and sent again.
  [[nodiscard]] static CommitGroup moved(CommitGroup group, const CommitOutcome& outcome) {
    for (PartitionCommit& part : group.parts) {
      for (const PartitionPosition& now : outcome.current) {
        if (now.partition != part.partition) continue;
        part.to = now.committed + (part.to - part.from);
        part.from = now.committed;
        part.epoch = now.epoch;
        part.sequence = next(now.sequence);
      }
    }
    return group;
  }

  void move_and_resend(const CommitOutcome& outcome) {
    resent_ = true;  // a second refusal is heard, or the two would go on for ever
    last_group_ = moved(std::move(last_group_), outcome);
    const caf::actor self = caf::actor_cast<caf::actor>(this);
    setup_.log->commit(last_group_, [self](CommitOutcome again) { caf::anon_send(self, GroupDecided{std::move(again)}); });
  }

  CommitGroup last_group_;  // only of the deliberate defect
  bool resent_ = false;     // likewise
  CommitterSetup setup_;
  CommitGroups groups_;
  std::map<PartitionId, Asked> waiting_;    // in the group that fills
  std::map<PartitionId, Asked> in_flight_;  // in the group the log has
  std::uint64_t generation_ = 0;
  TimePoint handed_in_{0};
  bool armed_ = false;
};

}  // namespace

caf::actor spawn_committer(caf::event_based_actor* supervisor, CommitterSetup setup) {
  return supervisor->spawn<CommitterActor, caf::monitored>(setup, supervisor->address());
}

}  // namespace weir
