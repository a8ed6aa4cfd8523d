#include "actors/doors/door_actor.h"

#include <caf/actor_cast.hpp>
#include <fmt/format.h>

#include <algorithm>
#include <deque>
#include <utility>

#include "actors/supervise/house_handlers.h"
#include "runtime/base/fail_point.h"
#include "runtime/base/invariant.h"
#include "runtime/engine/credit_gate.h"

namespace weir {

namespace {

/// An append that was refused or given up is tried again after this long.
constexpr std::chrono::milliseconds kAppendRetry{50};
/// Between two groups while the node is near a limit.
constexpr std::chrono::milliseconds kSlowPause{100};
/// Where too many ids are remembered, a door that waits looks again after this long.
constexpr std::chrono::milliseconds kIdsRetry{1'000};
constexpr std::chrono::milliseconds kUndecidedRetry{5};
/// Given-up appends in a row, without a durable one, before the door ends with the log's error. Arbitrary: 10 s of failures.
constexpr int kFailuresMax = 200;

class DoorActor : public caf::event_based_actor {
 public:
  DoorActor(caf::actor_config& config, std::shared_ptr<DoorSetup> setup, caf::actor_addr supervisor)
      : caf::event_based_actor(config),
        setup_(std::move(setup)),
        who_("door/" + setup_->name),
        supervisor_(std::move(supervisor)),
        partitions_(setup_->log->partitions()),
        gate_(setup_->events_max, setup_->bytes_max) {
    install_house_handlers(this, who_, supervisor_);
    set_down_handler([this](caf::down_msg& down) { quit(down.reason); });
    if (const auto parent = caf::actor_cast<caf::actor>(supervisor_)) monitor(parent);
  }

  const char* name() const override { return "door"; }

  caf::behavior make_behavior() override {
    // A predecessor may have appends on their way: its positions are known only when those have ended. This one ends after them.
    AppendGroup barrier;
    barrier.positions.push_back({"door-start", {}});
    append_barrier(std::move(barrier));
    return {
        [this](const Routes& routes) { on_routes(routes); },
        [this](const PartitionProgress& progress) { on_progress(progress); },
        [this](AppendEnded& ended) { on_ended(ended); },
        [this](const PumpDoor&) {
          pump_asked_ = false;
          wake_armed_ = false;
          pump();
        },
        [this](const RetryAppend&) {
          retry_armed_ = false;
          opened_ ? pump() : append_barrier(barrier_);
        },
        [this](const StopNode&) {
          stopping_ = true;
          finish_if_done();
        },
    };
  }

 private:
  struct Outstanding {
    std::uint64_t number = 0;
    DoorGroup group;
    std::vector<Offset> first;
  };
  struct PartitionLedger {
    struct Part {
      Offset end;
      std::uint64_t events;
      std::uint64_t bytes;
    };
    std::deque<Part> uncommitted;
    Offset end;  // of the newest append of this door
    std::uint64_t ids = 0;
    Offset committed;  // as the partition said last
  };

  void append_barrier(AppendGroup barrier) {
    barrier_ = barrier;
    const caf::actor self = caf::actor_cast<caf::actor>(this);
    auto receipt = setup_->log->append(std::move(barrier), [self](Result<void> result) {
      caf::anon_send(self, AppendEnded{0, std::move(result)});
    });
    if (!receipt) wait_or_end(receipt.error());
  }

  void pump() {
    if (!opened_ || stopping_ || retry_armed_ || failing_) return finish_if_done();
    // Without routes no partition would hear of what is appended; on a busy machine they come late.
    if (routes_.partitions.empty()) return arm_retry();
    if (again_.empty() && !ended_ && held_back()) return finish_if_done();
    while (gate_.open() && !retry_armed_) {
      if (again_.empty() && !take_next()) return finish_if_done();
      if (!append_front()) return;
      // Between two groups the mailbox gets its turn: progress, durability, a wish to stop.
      if (!pump_asked_) {
        pump_asked_ = true;
        send(this, PumpDoor{});
      }
      return;
    }
    finish_if_done();
  }

  /// Puts the feed's next group into again_. False: there is none, now or ever.
  bool take_next() {
    if (ended_) return false;
    auto group = feed_->next(setup_->clock->wall());
    if (!group) {
      end_with(group.error());
      return false;
    }
    if (!*group) {
      ended_ = true;
      return false;
    }
    if ((*group)->ask_again.count() > 0) {
      rest((*group)->ask_again);
      return false;
    }
    again_.push_back(std::move(**group));
    return true;
  }

  /// Nothing new is to be read now, or ever: something armed wakes the door again, or it has ended.
  bool held_back() { return resting() || under_pressure() || too_many_ids(); }

  /// The node is near a limit: a group at a time, or none.
  bool under_pressure() {
    const Pressure pressure = setup_->pressure ? setup_->pressure->level() : Pressure::none;
    const TimePoint now = setup_->clock->now();
    if (pressure != Pressure::full) full_since_.reset();
    if (pressure == Pressure::none || (pressure == Pressure::slow && now - last_group_ >= kSlowPause)) {
      last_group_ = now;
      return false;
    }
    if (pressure == Pressure::full && !setup_->waits) {
      if (!full_since_) full_since_ = now;
      if (now - *full_since_ >= setup_->full_max) {
        end_with(Error{setup_->pressure->disk() ? Errc::disk_full : Errc::limit_reached, fmt::format("{}: {}", setup_->name, setup_->pressure->why())});
        return true;
      }
    }
    arm_retry();
    return true;
  }

  bool too_many_ids() {
    if (ids() < setup_->ids_max) {
      told_ids_ = false;
      // What is on its way may be new ids or none: near the limit that is awaited.
      if (ids() + undecided() < setup_->ids_max) return false;
      rest(kUndecidedRetry);
      return true;
    }
    const std::string what = fmt::format("{}: {} ids are remembered, dedupe.ids_max is {}: raise it (some 25 bytes of memory each), or shorten "
                                         "dedupe.remember",
                                         setup_->name, ids(), setup_->ids_max);
    if (!setup_->waits) {
      end_with(Error{Errc::limit_reached, what});
      return true;
    }
    if (!std::exchange(told_ids_, true)) setup_->logbook->write(LogLevel::warn, who_, "waits: " + what);
    rest(kIdsRetry);
    return true;
  }

  /// Until then the feed is not asked, whatever else happens meanwhile.
  void rest(std::chrono::nanoseconds duration) {
    rest_until_ = setup_->clock->now() + duration;
    if (!std::exchange(wake_armed_, true)) delayed_send(this, duration, PumpDoor{});
  }
  bool resting() {
    const auto left = rest_until_ - setup_->clock->now();
    if (left <= left.zero()) return false;
    rest(left);  // what was armed may have come by for something else
    return true;
  }

  /// Appends the group in front of again_. False: refused for now.
  bool append_front() {
    const std::uint64_t number = ++next_number_;
    const caf::actor self = caf::actor_cast<caf::actor>(this);
    // With nothing on its way there is no failure this door has not heard of.
    if (outstanding_.empty()) append_generation_ = setup_->log->append_generation();
    again_.front().group.generation = append_generation_;
    auto receipt = setup_->log->append(again_.front().group, [self, number](Result<void> result) {
      caf::anon_send(self, AppendEnded{number, std::move(result)});
    });
    if (!receipt) {
      wait_or_end(receipt.error());
      return false;
    }
    Outstanding out{number, std::move(again_.front()), std::move(receipt->first)};
    again_.pop_front();
    for (std::size_t i = 0; i < out.group.group.batches.size(); ++i) {
      const PartitionBatch& batch = out.group.group.batches[i];
      PartitionLedger& ledger = partitions_[batch.partition.value];
      const Offset end = out.first[i] + batch.count;
      ledger.end = end;
      if (!quarantined(batch.partition)) {
        ledger.uncommitted.push_back({end, batch.count, batch.bytes.size()});
        gate_.spend(batch.count, batch.bytes.size());
      }
      if (const caf::actor to = route(batch.partition)) {
        auto decoded = IngestBatch::decode(batch.bytes);
        INVARIANT(decoded.has_value(), "what a door encodes can be read");
        send(to, LiveBatch{out.first[i], std::move(*decoded), append_generation_});
      }
    }
    WEIR_FAIL_POINT("door_after_append");
    outstanding_.push_back(std::move(out));
    note_load();
    return true;
  }

  [[nodiscard]] bool quarantined(PartitionId partition) const {
    return partition.value < routes_.quarantined.size() && routes_.quarantined[partition.value];
  }

  /// A quarantined partition gives no credits back: what waits for it must not hold up the others.
  void on_routes(const Routes& routes) {
    const Routes before = std::exchange(routes_, routes);
    bool opened = false;
    for (std::size_t p = 0; p < routes_.partitions.size(); ++p) {
      // What became durable between its own look at the log and now, nobody could tell it.
      const bool known = p < before.partitions.size() && before.partitions[p] == routes_.partitions[p];
      if (routes_.partitions[p] && !known) send(routes_.partitions[p], IngestDurable{});
    }
    for (std::uint32_t p = 0; p < partitions_.size(); ++p) {
      if (!quarantined(PartitionId{p})) continue;
      for (const PartitionLedger::Part& part : std::exchange(partitions_[p].uncommitted, {})) {
        gate_.give_back(part.events, part.bytes);
        opened = true;
      }
    }
    tell_durable();
    if (opened) pump();
    note_load();
  }

  /// What a predecessor appended is durable or given up by now, and it may have died before it told.
  void tell_durable() {
    if (!opened_ || told_durable_ || routes_.partitions.empty()) return;
    told_durable_ = true;
    for (const caf::actor& partition : routes_.partitions) {
      if (partition) send(partition, IngestDurable{});  // one that is being rebuilt looks by itself
    }
  }

  [[nodiscard]] caf::actor route(PartitionId partition) const {
    return partition.value < routes_.partitions.size() ? routes_.partitions[partition.value] : caf::actor{};
  }

  void wait_or_end(const Error& error) {
    if (disposition(error.code) != Disposition::retry) {
      end_with(error);
      return finish_if_done();
    }
    if (!told_waiting_ && error.code == Errc::disk_full) {
      told_waiting_ = true;
      setup_->logbook->write(LogLevel::warn, who_, "waits: " + describe(error));
    }
    arm_retry();
  }

  void arm_retry() {
    if (retry_armed_) return;
    retry_armed_ = true;
    delayed_send(this, kAppendRetry, RetryAppend{});
  }

  void on_ended(AppendEnded& ended) {
    if (ended.number == 0) return on_barrier(ended.result);
    INVARIANT(!outstanding_.empty() && outstanding_.front().number == ended.number, "appends end in order");
    Outstanding out = std::move(outstanding_.front());
    outstanding_.pop_front();
    if (ended.result) {
      failures_ = 0;
      told_waiting_ = false;
      accepted_ += out.group.events;
      feed_->durable(out.group.group);
      for (std::size_t i = 0; i < out.group.group.batches.size(); ++i) {
        const PartitionBatch& batch = out.group.group.batches[i];
        if (const caf::actor to = route(batch.partition)) send(to, IngestDurable{});
      }
    } else {
      withdraw(std::move(out));
      if (!failing_) setup_->logbook->write(LogLevel::warn, who_, "an append was given up: " + describe(ended.result.error()));
      failing_ = true;
      if (fails_for_good(ended.result.error())) {
        log_failed_ = true;
        end_with(ended.result.error());
      }
    }
    if (failing_ && outstanding_.empty()) {
      failing_ = false;
      // In the order in which they were read, before anything new. Where the log takes nothing any more they were never
      // accepted, and neither was their place in the input: the next run reads them again.
      if (!log_failed_)
        for (auto it = given_up_.rbegin(); it != given_up_.rend(); ++it) again_.push_front(std::move(*it));
      given_up_.clear();
      arm_retry();
    }
    if (!failing_) pump();
  }

  /// Counts it. True: trying once more is of no use, or was for long enough.
  [[nodiscard]] bool fails_for_good(const Error& error) {
    if (error.code == Errc::log_closed) return true;
    return disposition(error.code) != Disposition::retry && ++failures_ > kFailuresMax && !setup_->waits;
  }

  void withdraw(Outstanding out) {
    for (std::size_t i = 0; i < out.group.group.batches.size(); ++i) {
      const PartitionBatch& batch = out.group.group.batches[i];
      PartitionLedger& ledger = partitions_[batch.partition.value];
      while (!ledger.uncommitted.empty() && ledger.uncommitted.back().end > out.first[i]) {
        gate_.give_back(ledger.uncommitted.back().events, ledger.uncommitted.back().bytes);
        ledger.uncommitted.pop_back();
      }
    }
    given_up_.push_back(std::move(out.group));
  }

  void on_barrier(const Result<void>& result) {
    if (!result) {
      if (fails_for_good(result.error())) {
        end_with(result.error());
        return finish_if_done();
      }
      return arm_retry();
    }
    opened_ = true;
    tell_durable();
    auto feed = setup_->open(*setup_->log);
    if (!feed) {
      end_with(feed.error());
      return finish_if_done();
    }
    feed_ = std::move(*feed);
    pump();
  }

  void on_progress(const PartitionProgress& progress) {
    PartitionLedger& ledger = partitions_[progress.partition.value];
    ledger.ids = progress.ids;
    ledger.committed = progress.committed;
    while (!ledger.uncommitted.empty() && ledger.uncommitted.front().end <= progress.committed) {
      gate_.give_back(ledger.uncommitted.front().events, ledger.uncommitted.front().bytes);
      ledger.uncommitted.pop_front();
    }
    pump();
    note_load();
  }

  [[nodiscard]] std::uint64_t ids() const {
    std::uint64_t sum = 0;
    for (const PartitionLedger& ledger : partitions_) sum += ledger.ids;
    return sum;
  }

  /// Accepted by any door, not decided yet. Nobody decides what a quarantined partition has.
  [[nodiscard]] std::uint64_t undecided() const {
    std::uint64_t sum = 0;
    for (std::uint32_t p = 0; p < partitions_.size(); ++p) {
      if (p < routes_.quarantined.size() && routes_.quarantined[p]) continue;
      const Offset reserved = setup_->log->status(PartitionId{p}).ingest_reserved;
      sum += reserved - std::min(reserved, partitions_[p].committed);
    }
    return sum;
  }

  void end_with(Error error) {
    if (!error_) error_ = std::move(error);
    ended_ = true;
    again_.clear();
  }

  void note_load() {
    if (setup_->entry) setup_->entry->load(gate_.events(), gate_.events_left());
  }

  void finish_if_done() {
    if (finished_ || !outstanding_.empty() || !given_up_.empty()) return;
    const bool read_out = ended_ && again_.empty();
    if (!read_out && !stopping_) return;
    finished_ = true;
    DoorFinished fact;
    fact.door = setup_->name;
    for (const PartitionLedger& ledger : partitions_) fact.ends.push_back(ledger.end);
    fact.events = accepted_;
    if (error_) {
      fact.result = fail(*error_);
    } else if (!read_out) {
      fact.result = fail(Errc::cancelled, "{}: stopped before its end", setup_->name);
    }
    if (const auto parent = caf::actor_cast<caf::actor>(supervisor_)) send(parent, std::move(fact));
    quit(caf::exit_reason::normal);
  }

  std::shared_ptr<DoorSetup> setup_;
  std::string who_;
  caf::actor_addr supervisor_;
  std::unique_ptr<DoorFeed> feed_;
  Routes routes_;
  std::vector<PartitionLedger> partitions_;
  CreditGate gate_;
  AppendGroup barrier_;
  std::deque<DoorGroup> again_;           // to be appended, in order: given up before, or refused
  std::deque<Outstanding> outstanding_;   // reserved, not ended
  std::deque<DoorGroup> given_up_;        // while the log still ends what was reserved behind
  std::optional<Error> error_;
  std::uint64_t next_number_ = 0;
  std::uint64_t append_generation_ = 0;
  std::uint64_t accepted_ = 0;
  int failures_ = 0;
  bool opened_ = false;
  bool told_durable_ = false;
  bool ended_ = false;
  bool failing_ = false;
  bool log_failed_ = false;  // for good: error_ is the log's
  bool stopping_ = false;
  bool finished_ = false;
  bool retry_armed_ = false;
  bool pump_asked_ = false;
  TimePoint last_group_{0};
  std::optional<TimePoint> full_since_;
  TimePoint rest_until_{};  // the feed said when to ask again
  bool wake_armed_ = false;
  bool told_ids_ = false;
  bool told_waiting_ = false;
};

}  // namespace

caf::actor spawn_door(caf::event_based_actor* supervisor, DoorSetup setup) {
  auto shared = std::make_shared<DoorSetup>(std::move(setup));
  if (shared->own_thread) return supervisor->spawn<DoorActor, caf::monitored + caf::detached>(shared, supervisor->address());
  return supervisor->spawn<DoorActor, caf::monitored>(shared, supervisor->address());
}

std::function<caf::actor(caf::event_based_actor*, std::shared_ptr<ActorEntry>)> door_spawner(DoorSetup setup) {
  return [setup = std::move(setup)](caf::event_based_actor* supervisor, std::shared_ptr<ActorEntry> entry) mutable {
    setup.entry = std::move(entry);
    return spawn_door(supervisor, setup);
  };
}

}  // namespace weir
