#include "actors/partition/partition_actor.h"

#include <caf/actor_cast.hpp>
#include <fmt/format.h>

#include <algorithm>
#include <optional>
#include <utility>

#include "actors/partition/letter_office_actor.h"
#include "actors/partition/open_state.h"
#include "actors/partition/partition_notes.h"
#include "actors/partition/stage_supervisor.h"
#include "actors/partition/store_reader.h"
#include "actors/supervise/house_handlers.h"
#include "runtime/base/invariant.h"
#include "runtime/engine/credit_gate.h"

namespace weir {

namespace {

/// A commit or a fence that failed for want of space is tried again after this long.
constexpr std::chrono::milliseconds kCommitRetry{100};
/// Commits refused or unknown, one after another; then the partition is rebuilt, of which the supervisor keeps count. Arbitrary: one
/// in a row is an accident, a second one would be rare.
constexpr int kRereadsMax = 10;

class PartitionActor : public caf::event_based_actor {
 public:
  PartitionActor(caf::actor_config& config, std::shared_ptr<PartitionSetup> setup, caf::actor_addr supervisor)
      : caf::event_based_actor(config),
        setup_(std::move(setup)),
        who_(fmt::format("partition/{}", setup_->partition.value)),
        notes_(*setup_, who_),
        supervisor_(std::move(supervisor)),
        reader_(*setup_->store),
        index_(setup_->remember, reader_, setup_->log->log_id().low ^ setup_->owner.incarnation),
        window_(setup_->partition, setup_->window, setup_->window_rules, version_of(setup_->rules), index_, setup_->poison.get(), &retries_),
        views_gate_(std::numeric_limits<std::uint64_t>::max(), setup_->apply_bytes_max),
        committer_(std::move(setup_->committer)),
        stages_(this, *setup_),
        letters_(this, supervisor_, *setup_, notes_) {
    install_house_handlers(this, who_, supervisor_);
    set_down_handler([this](caf::down_msg& down) { on_down(down); });
  }

  const char* name() const override { return "partition"; }

  caf::behavior make_behavior() override {
    if (const auto parent = caf::actor_cast<caf::actor>(supervisor_)) monitor(parent);
    fence();
    return {
        [this](const LiveBatch& live) { on_live(live); },
        [this](const IngestDurable&) { work(); },
        [this](const PassTime&) { on_pass_time(); },
        [this](const ChainWork& home) { on_home(home); },
        [this](const CommitDecided& decided) { on_decided(decided); },
        [this](const ActorFailed& failed) {
          setup_->logbook->write(LogLevel::warn, failed.who, describe(failed.error));
          if (!stages_.failing(failed.who, failed.error)) views_error_ = failed.error;
        },
        [this](const StageCrashed& crashed) { on_crashed(crashed); },
        [this](const CommitApplied& applied) {
          views_gate_.give_back(1, applied.bytes);
          letters_.desk().applied(applied.sequence);
          phase_ == Phase::replaying ? replay() : work();
        },
        [this](const StateFlushed& flushed) {
          index_.flushed(flushed.dedupe_end);
          if (stopping_ && flushed.sequence == window_.position().sequence && nothing_in_flight()) stopped();
        },
        [this](const Fenced& fenced) { on_fenced(fenced); },
        [this](IngestSlices& slices) { on_slices(slices); },
        [this](const OutputRecords& records) { on_records(records); },
        [this](const CommitterUp& up) {
          committer_ = up.committer;
          if (window_.commit_outstanding()) fence();  // the old one's outcome is unknown to us
          work();
        },
        [this](const CommitTick& tick) {
          if (tick.generation == retry_generation_) commit_again();
        },
        [this](const NewRules& fresh) {
          next_rules_ = fresh.rules;
          if (views_) change_rules();
        },
        [this](const RestartStages&) {
          stages_.restart();
          if (good(window_.redrive())) work();
        },
        [this](const ChangeLetters& change) {
          letters_.desk().take(change.request);
          work();
        },
        [this](LettersRead& answer) {
          letters_.desk().read(answer.generation, std::move(answer.letters));
          work();
        },
        [this](LettersOld& old) {
          letters_.take_old(old, phase_ == Phase::running && !stopping_);
          work();
        },
        [this](const RetryDue& due) {
          if (due.generation != retry_timer_) return;
          retry_at_.reset();
          work();
        },
        [this](const StopNode&) {
          stopping_ = true;
          work();
        },
    };
  }

  void on_exit() override {
    stages_.end_all();
    if (views_entry_) views_entry_->state(ActorState::stopped);
    if (views_) send_exit(views_, caf::exit_reason::kill);
    views_ = nullptr;
    committer_ = nullptr;
    setup_->keep.reset();
  }

 private:
  enum class Phase : std::uint8_t { fencing, replaying, running };

  static std::shared_ptr<const RulesVersion> version_of(const std::shared_ptr<const ChainRules>& r) { return {r, &r->version}; }

  bool good(Result<void> result) {
    if (result) return true;
    fail_actor(this, who_, supervisor_, std::move(result.error()));
    return false;
  }
  void tell_supervisor(auto message) {
    if (const auto parent = caf::actor_cast<caf::actor>(supervisor_)) send(parent, std::move(message));
  }

  // ---- opening

  void fence() {
    phase_ = Phase::fencing;
    ++retry_generation_;  // a commit that was to be tried again is decided by what is read back
    const caf::actor self = caf::actor_cast<caf::actor>(this);
    setup_->log->fence({setup_->partition}, [self, generation = ++generation_](Result<std::vector<PartitionPosition>> positions) {
      caf::anon_send(self, Fenced{generation, std::move(positions)});
    });
  }

  void on_fenced(const Fenced& fenced) {
    if (fenced.generation != generation_) return;
    if (!fenced.positions) {
      const Error& error = fenced.positions.error();
      if (disposition(error.code) != Disposition::retry) return fail_actor(this, who_, supervisor_, error);
      notes_.waiting(error);
      delayed_send(this, kCommitRetry, CommitTick{++retry_generation_});
      return;
    }
    position_ = fenced.positions->front();
    if (!views_ && !good(open_state())) return;
    if (position_.sequence < applied_)
      return fail_actor(this, who_, supervisor_,
                        Error{Errc::state_damaged, fmt::format("partition {}: the state stands at commit {}, the output log ends at {}",
                                                               setup_->partition.value, applied_.value, position_.sequence.value)});
    phase_ = Phase::replaying;
    replay();
  }

  Result<void> open_state() {
    WEIR_ASSIGN(OpenedState opened, open_partition_state(*setup_, index_, retries_));
    applied_ = opened.views->state->sequence();
    meta_ = opened.views->state->meta();
    views_sent_ = opened.views_through;
    stages_.add(setup_->rules);
    views_entry_ = setup_->board->entry(setup_->entry->path() + "/views", "bytes");
    views_entry_->state(ActorState::running);
    notes_.views(views_entry_);
    views_ = setup_->spawn_views(this, std::move(opened.views));
    tell_supervisor(PartitionChild{setup_->partition, views_});
    change_rules();
    return {};
  }

  void replay() {
    if (reading_) return;
    const CommitSequence from = std::min(applied_, views_sent_);
    if (from == position_.sequence) return run();
    if (!views_gate_.open()) return;  // goes on with CommitApplied
    reading_ = true;
    const caf::actor self = caf::actor_cast<caf::actor>(this);
    setup_->log->read_output({setup_->partition, from, setup_->read_bytes_max}, [self, generation = generation_](Result<std::vector<CommitRecord>> records) {
      caf::anon_send(self, OutputRecords{generation, std::move(records)});
    });
  }

  void on_records(const OutputRecords& answer) {
    reading_ = false;
    if (answer.generation != generation_) return phase_ == Phase::replaying ? replay() : work();
    if (!answer.records) return fail_actor(this, who_, supervisor_, answer.records.error());
    if (answer.records->empty())
      return fail_actor(this, who_, supervisor_,
                        Error{Errc::log_damaged, fmt::format("partition {}: the output log has no commit after {}, its position says {}",
                                                             setup_->partition.value, applied_.value, position_.sequence.value)});
    for (const CommitRecord& record : *answer.records) {
      auto decoded = CommitBody::decode(record.body);
      if (!decoded) return fail_actor(this, who_, supervisor_, std::move(decoded.error()));
      auto body = std::make_shared<const CommitBody>(std::move(*decoded));
      std::shared_ptr<const DedupeBlocks> dedupe;
      if (record.sequence > applied_) {
        dedupe = std::make_shared<const DedupeBlocks>(index_.apply(*body));
        if (!good(retries_.apply(*body))) return;
        applied_ = record.sequence;
        meta_ = body->meta;
      }
      if (record.sequence > views_sent_)
        apply({record.sequence, record.from, record.to, std::move(body), {}, std::move(dedupe), record.body.size()});
    }
    replay();
  }

  void run() {
    // Read from the disk, so it is damage and no broken promise of ours; a rebuild would read the same again.
    if (meta_.ledger.decided() != position_.committed.value)
      return fail_actor(this, who_, supervisor_,
                        Error{Errc::log_damaged, fmt::format("partition {}: the output log is damaged: commit {} ends at offset {}, its ledger counts {} events",
                                                             setup_->partition.value, position_.sequence.value, position_.committed.value, meta_.ledger.decided())});
    phase_ = Phase::running;
    window_.restart(position_, meta_, setup_->owner);
    letters_.desk().begin_again();
    note_memory();
    tell_supervisor(PartitionReady{setup_->partition, progress()});
    work();
  }

  // ---- running

  void on_pass_time() {
    if (phase_ != Phase::running || stopping_ || !views_gate_.open()) return;
    letters_.look_for_old(views_, meta_.ledger);
    if (auto prepared = window_.let_time_pass(setup_->clock->wall())) hand_in(std::move(*prepared));
  }

  void on_home(const ChainWork& home) {
    if (phase_ != Phase::running) return;
    window_.set_time(setup_->clock->wall());
    if (good(window_.round_done(home.drive, home.serial, home.round))) work();
  }

  void on_live(const LiveBatch& live) {
    if (phase_ != Phase::running || stopping_ || !window_.has_room()) return;
    look_at_log();
    if (live.generation != append_generation_) return;  // given up since: its offsets may be another's
    const Offset expected = window_.expected();
    if (live.first > expected || expected >= live.first + live.batch.count()) return;  // read from the log when its turn comes
    if (good(window_.admit(live.first, live.batch, setup_->clock->wall()))) work();
  }

  void work() {
    if (phase_ != Phase::running) return;
    look_at_log();
    if (!stopping_ && !good(window_.admit_due(setup_->clock->wall()))) return;
    if (!stages_.broken()) drive();
    if (stages_.size() > 1) change_rules();
    if (!stopping_) read_ingest();
    if (!stopping_ && !carry_out_orders()) return;
    if (!window_.commit_outstanding() && views_gate_.open()) {
      if (auto prepared = window_.prepare(setup_->clock->wall())) hand_in(std::move(*prepared));
    }
    if (stopping_ && nothing_in_flight() && views_) send(views_, FlushState{});
    notes_.load(window_.events(), views_gate_.bytes());
    wait_for_due();
  }

  /// Orders for dead letters: read, then changed in a commit of their own. False: the partition fails.
  bool carry_out_orders() {
    if (!window_.commit_outstanding() && views_gate_.open()) {
      const auto prepared = letters_.desk().prepare(window_, setup_->clock->wall());
      if (!prepared) return good(fail(prepared.error()));
      if (*prepared) hand_in(window_.outstanding());
    }
    letters_.read(views_, window_.position().sequence);
    return true;
  }

  /// Wakes up when the next parked event is due; one that is and found no room has its turn with the next commit.
  void wait_for_due() {
    const auto due = window_.next_due();
    if (!due || stopping_ || (retry_at_ && *retry_at_ <= *due)) return;
    const UnixMicros wall = setup_->clock->wall();
    if (*due <= wall) return;
    retry_at_ = due;
    delayed_send(this, std::chrono::microseconds(*due - wall), RetryDue{++retry_timer_});
  }

  void drive() {
    for (ChainRound& round : window_.take_rounds()) {
      const auto& route = stages_.route_of(*round.version);
      send(route->front(), ChainWork{round.drive, round.serial, round.round, 0, std::move(round.batch), route});
    }
  }

  [[nodiscard]] bool nothing_in_flight() const { return window_.idle() && !window_.commit_outstanding(); }

  /// Learns what is durable. Live batches that were not when appends were given up are void, whoever appended them and whether
  /// or not he lived to hear of it: their offsets are given out again.
  void look_at_log() {
    std::uint64_t generation = 0;
    Offset durable;
    do {
      generation = setup_->log->append_generation();
      durable = setup_->log->status(setup_->partition).ingest_durable;
    } while (generation != setup_->log->append_generation());
    if (generation != append_generation_) {
      window_.withdraw(durable_);
      append_generation_ = generation;
    }
    durable_ = durable;
    window_.durable(durable);
  }

  /// Without a committer it is lost like one whose committer died: CommitterUp leads to the fence.
  void hand_in(PreparedCommit prepared) {
    notes_.handed_in();
    if (committer_) send(committer_, CommitPart{std::move(prepared.part), prepared.bytes, this});
  }

  void read_ingest() {
    if (reading_ || !window_.has_room()) return;
    const Offset from = window_.expected();
    if (from >= setup_->log->status(setup_->partition).ingest_durable) return;
    reading_ = true;
    const caf::actor self = caf::actor_cast<caf::actor>(this);
    setup_->log->read_ingest({setup_->partition, from, setup_->read_bytes_max}, [self, generation = generation_](Result<std::vector<IngestSlice>> slices) {
      caf::anon_send(self, IngestSlices{generation, std::move(slices)});
    });
  }

  void on_slices(IngestSlices& answer) {
    reading_ = false;
    if (answer.generation != generation_) return phase_ == Phase::replaying ? replay() : work();
    if (!answer.slices) return fail_actor(this, who_, supervisor_, answer.slices.error());
    for (IngestSlice& slice : *answer.slices) {
      const Offset expected = window_.expected();
      if (slice.first + slice.count <= expected) continue;
      if (slice.first > expected) break;  // a live batch went ahead of the read and was given up: read again
      auto batch = IngestBatch::decode(std::move(slice.bytes));
      if (!batch) return fail_actor(this, who_, supervisor_, Error{Errc::log_damaged, batch.error().context});
      if (!good(window_.admit(slice.first, std::move(*batch), setup_->clock->wall()))) return;
    }
    work();
  }

  void on_decided(const CommitDecided& decided) {
    if (phase_ != Phase::running || !window_.commit_outstanding() || decided.sequence != window_.outstanding().part.sequence) return;
    switch (decided.kind) {
      case CommitOutcome::Kind::committed: {
        PreparedCommit commit = window_.committed();
        applied_ = commit.part.sequence;
        meta_ = commit.body->meta;
        position_ = window_.position();
        stages_.progress();
        rereads_ = 0;
        notes_.committed(*commit.body, window_, retries_);
        letters_.desk().committed(applied_);
        apply({commit.part.sequence, commit.part.from, commit.part.to, std::move(commit.body), std::move(commit.tables),
               std::move(commit.dedupe), commit.bytes});
        note_memory();
        tell_supervisor(progress());
        return work();
      }
      case CommitOutcome::Kind::failed:
        if (const Disposition what = disposition(decided.error.code); what == Disposition::stop || what == Disposition::refuse)
          return fail_actor(this, who_, supervisor_, decided.error);
        if (decided.error.code != Errc::commit_refused) notes_.waiting(decided.error);
        delayed_send(this, kCommitRetry, CommitTick{++retry_generation_});
        return;
      case CommitOutcome::Kind::refused:
      case CommitOutcome::Kind::unknown:
        setup_->logbook->write(LogLevel::warn, who_,
                               fmt::format("commit {}: {}; reading back under a new epoch", decided.sequence.value, decided.error.context));
        if (++rereads_ > kRereadsMax)
          return fail_actor(this, who_, supervisor_,
                            Error{decided.error.code, fmt::format("{} commits in a row were not written, the last: {}", rereads_, decided.error.context)});
        return fence();
    }
  }

  void commit_again() {
    if (phase_ == Phase::fencing) fence();
    if (phase_ == Phase::running && window_.commit_outstanding()) hand_in(window_.outstanding());
  }

  void note_memory() {
    notes_.load(window_.events(), views_gate_.bytes());
    notes_.memory(window_, index_, retries_);
  }

  void apply(ApplyCommit commit) {
    views_gate_.spend(1, commit.bytes);
    views_sent_ = commit.sequence;
    send(views_, std::move(commit));
  }

  [[nodiscard]] PartitionProgress progress() const {
    return {setup_->partition, position_.committed, position_.sequence, meta_.ledger, index_.size(), position_.epoch};
  }

  void stopped() {
    tell_supervisor(PartitionStopped{setup_->partition});
    quit(caf::exit_reason::normal);
  }

  // ---- supervision

  /// Ends the stages that have no batch left, and starts those of the newest rules.
  void change_rules() {
    stages_.end_unused(window_);
    if (!next_rules_ || stages_.full()) return;
    auto rules = std::exchange(next_rules_, nullptr);
    if (rules->version.hash == stages_.newest_hash()) return;
    stages_.add(rules);
    window_.set_version(version_of(rules));
    setup_->rules = std::move(rules);
  }

  /// What it dies of is known before it is dead: the window learns who is to blame, the stage's supervisor whether that counts.
  void on_crashed(const StageCrashed& crashed) {
    notes_.stage_crashed();
    const std::string stage = crashed.who.substr(0, crashed.who.rfind('/'));
    CrashBlame blame;
    if (phase_ == Phase::running) blame = window_.crashed({crashed.drive, crashed.serial, crashed.round, crashed.event, stage, crashed.error.context});
    // An event costs its stage one crash: a stage that crashes on everything must not make everything poison.
    (void)stages_.failing(crashed.who, crashed.error, blame.of_event && !blame.poison);
    setup_->logbook->write(LogLevel::warn, crashed.who, describe(crashed.error));
  }

  void on_down(const caf::down_msg& down) {
    if (down.source == supervisor_) return quit(down.reason);
    if (views_ && down.source == views_.address()) {
      views_entry_->died(describe(views_error_), setup_->clock->wall());
      return fail_actor(this, who_, supervisor_, views_error_);
    }
    if (!stages_.has_stage(down.source)) return;
    const auto pause = stages_.died(down.source);
    if (!pause)
      return fail_actor(this, who_, supervisor_,
                        Error{Errc::stage_failed, "its stages keep dying, the last time of: " + stages_.last_error().context});
    if (pause->count() != 0) delayed_send(this, *pause, RestartStages{});
  }

  std::shared_ptr<PartitionSetup> setup_;
  std::string who_;
  PartitionNotes notes_;
  caf::actor_addr supervisor_;
  StoreReader reader_;
  DedupeIndex index_;
  RetrySet retries_;
  PartitionWindow window_;
  CreditGate views_gate_;
  caf::actor committer_;
  StageSupervisor stages_;
  caf::actor views_;
  std::shared_ptr<const ChainRules> next_rules_;    // as soon as there is room for its stages
  Phase phase_ = Phase::fencing;
  PartitionPosition position_;
  CommitSequence applied_;     // what index_ and meta_ stand at
  CommitSequence views_sent_;  // the newest commit sent to the views
  CommitMeta meta_;
  std::uint64_t generation_ = 0;
  std::uint64_t retry_generation_ = 0;
  std::uint64_t append_generation_ = 0;  // the log's, and what was durable for certain in it
  Offset durable_;
  std::shared_ptr<ActorEntry> views_entry_;
  LetterOffice letters_;
  Error views_error_ = kKilled;  // what they say they die of
  std::optional<UnixMicros> retry_at_;  // RetryDue with retry_timer_ is on its way
  std::uint64_t retry_timer_ = 0;
  int rereads_ = 0;
  bool reading_ = false;
  bool stopping_ = false;
};

}  // namespace

caf::actor spawn_partition(caf::event_based_actor* supervisor, PartitionSetup setup) {
  return supervisor->spawn<PartitionActor, caf::monitored>(std::make_shared<PartitionSetup>(std::move(setup)), supervisor->address());
}

}  // namespace weir
