#include "actors/serve/views_actor.h"

#include <caf/actor_cast.hpp>
#include <fmt/format.h>

#include <utility>
#include <vector>

#include "actors/supervise/house_handlers.h"
#include "runtime/base/fail_point.h"
#include "runtime/engine/views_setup.h"

namespace weir {

namespace {

/// How long a flush that failed for want of space waits before it is tried again.
constexpr std::chrono::milliseconds kFlushRetry{250};

class ViewsActor : public caf::event_based_actor {
 public:
  ViewsActor(caf::actor_config& config, std::shared_ptr<ViewsSetup> setup, caf::actor_addr partition)
      : caf::event_based_actor(config),
        setup_(std::move(setup)),
        who_(fmt::format("views/{}", setup_->partition.value)),
        partition_(std::move(partition)) {
    install_house_handlers(this, who_, partition_);
    set_down_handler([this](caf::down_msg& down) { quit(down.reason); });
    if (const auto owner = caf::actor_cast<caf::actor>(partition_)) monitor(owner);
  }

  const char* name() const override { return "views"; }

  void on_exit() override {
    visits_.clear();
    flush_visits_.clear();
    setup_.reset();  // and with it the hold on the store
  }

  caf::behavior make_behavior() override {
    return {
        [this](const ApplyCommit& commit) { on_apply(commit); },
        [this](const FlushState&) {
          flush_wanted_ = true;
          maybe_flush();
        },
        [this](const VisitState& asked) { on_visit(asked.visit); },
        [this](const FlushEnded& ended) { on_flushed(ended.result); },
        [this](const CommitTick&) {
          if (setup_->state->flushing()) start(setup_->state->seal_again());
        },
    };
  }

 private:
  void tell(auto message) {
    if (const auto owner = caf::actor_cast<caf::actor>(partition_)) send(owner, std::move(message));
  }

  void on_apply(const ApplyCommit& commit) {
    if (WEIR_DEFECT("read_before_apply")) answer_visits(commit.to, commit.sequence);
    const CommitRecord record{Epoch{}, commit.sequence, commit.from, commit.to, {}};
    std::vector<const TokenTable*> tables;
    for (const auto& table : commit.tables) tables.push_back(table.get());
    if (commit.dedupe) setup_->dedupe->offer(commit.sequence, commit.dedupe);
    auto applied = setup_->state->apply(record, *commit.body, *setup_->extractor, tables);
    if (!applied) return fail_actor(this, who_, partition_, std::move(applied.error()));
    // The store is behind: the partition's credits wait for it, or memory would grow with every commit.
    if (setup_->state->crowded()) {
      held_.push_back({commit.sequence, commit.bytes});
    } else {
      tell(CommitApplied{commit.sequence, commit.bytes});
    }
    if (setup_->gauges) {
      setup_->gauges->delta_bytes.store(setup_->state->bytes());
      setup_->gauges->letter_bytes.store(setup_->state->letter_bytes());
    }
    answer_visits(setup_->state->committed(), setup_->state->sequence());
    maybe_flush();
  }

  void on_visit(const std::shared_ptr<StateVisit>& visit) {
    if (visit->wants_flush()) {
      flush_visits_.emplace_back(visit, setup_->state->sequence());
      return maybe_flush();
    }
    if (satisfied(*visit)) return visit->answer(setup_->state.get(), setup_->keep);
    std::erase_if(visits_, [](const auto& waiting) { return waiting->abandoned(); });
    if (visits_.size() >= kVisitsMax)
      return visit->answer(fail(Errc::limit_reached, "partition {}: {} questions wait for it already", setup_->partition.value, visits_.size()), nullptr);
    visits_.push_back(visit);
  }

  /// Those that waited for what has just been applied.
  void answer_visits(Offset committed, CommitSequence sequence) {
    if (visits_.empty()) return;
    std::erase_if(visits_, [&](const std::shared_ptr<StateVisit>& visit) {
      if (visit->abandoned()) return true;
      if (!visit->satisfied(committed, sequence)) return false;
      visit->answer(setup_->state.get(), setup_->keep);
      return true;
    });
  }

  /// Those that waited for a flush which is done.
  void answer_flushed() {
    std::erase_if(flush_visits_, [this](const auto& waiting) {
      if (waiting.second > setup_->state->durable()) return false;
      waiting.first->answer(setup_->state.get(), setup_->keep);
      return true;
    });
  }

  [[nodiscard]] bool satisfied(const StateVisit& visit) const {
    return visit.satisfied(setup_->state->committed(), setup_->state->sequence());
  }

  void maybe_flush() {
    PartitionState& state = *setup_->state;
    answer_flushed();
    if (state.flushing()) return;
    if (flush_wanted_ && state.clean()) {
      flush_wanted_ = false;
      tell(StateFlushed{state.sequence(), setup_->dedupe->end()});
      return;
    }
    if (!flush_wanted_ && flush_visits_.empty() && !state.wants_flush()) return;
    dedupe_end_ = setup_->dedupe->end();
    auto flush = state.seal();
    if (!flush) return fail_actor(this, who_, partition_, std::move(flush.error()));
    sequence_ = state.sequence();
    start(std::move(*flush));
  }

  void note_biography(PartitionGauges& gauges) const {
    const BiographyCover cover = setup_->biography->cover();
    gauges.biography_bytes.store(cover.bytes);
    gauges.biography_items.store(cover.items);
    gauges.biography_forgot.store(cover.dropped_time == kNoTime ? 0 : cover.dropped_time);
  }

  void start(StateFlush flush) {
    WEIR_FAIL_POINT("views_before_flush");
    const caf::actor self = caf::actor_cast<caf::actor>(this);
    setup_->store->flush(std::move(flush), [self](Result<void> result) { caf::anon_send(self, FlushEnded{std::move(result)}); });
  }

  void on_flushed(const Result<void>& result) {
    WEIR_FAIL_POINT("views_after_flush");
    setup_->state->flushed(result);
    if (!result) {
      if (disposition(result.error().code) != Disposition::retry) return fail_actor(this, who_, partition_, result.error());
      if (setup_->gauges) setup_->gauges->flush_waits.store(true);
      if (!std::exchange(told_waiting_, true)) setup_->logbook->write(LogLevel::warn, who_, "waits: " + describe(result.error()));
      delayed_send(this, kFlushRetry, CommitTick{});
      return;
    }
    told_waiting_ = false;
    if (setup_->gauges) {
      setup_->gauges->flush_waits.store(false);
      note_biography(*setup_->gauges);
    }
    tell(StateFlushed{sequence_, dedupe_end_});
    for (const CommitApplied& applied : std::exchange(held_, {})) tell(applied);
    maybe_flush();
  }

  std::shared_ptr<ViewsSetup> setup_;
  std::string who_;
  caf::actor_addr partition_;
  CommitSequence sequence_;        // of the flush under way
  std::uint64_t dedupe_end_ = 0;   // of the flush under way
  bool flush_wanted_ = false;
  bool told_waiting_ = false;  // once for each time that the store has no space
  std::vector<CommitApplied> held_;  // until the flush under way is done
  std::vector<std::shared_ptr<StateVisit>> visits_;  // until what they wait for is applied
  std::vector<std::pair<std::shared_ptr<StateVisit>, CommitSequence>> flush_visits_;  // until that commit is flushed; of few who ask
};

}  // namespace

caf::actor spawn_views(caf::event_based_actor* partition, std::shared_ptr<ViewsSetup> setup) {
  return partition->spawn<ViewsActor, caf::monitored>(std::move(setup), partition->address());
}

}  // namespace weir
