// The in-flight window of one partition: every event between the committed position and what was admitted, with what dedupe
// said of it. A decider: batches and chain results come in, work for the stages and prepared commits go out.
//
// One ingest batch is one window batch. Events that dedupe lets through run the stages in rounds: round 0 holds all that need
// not wait. An event whose id is in flight with other bytes waits until that one is decided, then is judged as if it had come
// alone (design: "same id, other bytes"); such events run in later rounds. Batches are finished in order, so a decision only
// ever depends on what stands before it in the partition, whatever the timing. That goes for late events, too: the greatest
// event time that an event is held against is that of the events in front of it, not of the newest commit, whose place is chance.
//
//   admitted -> rounds -> sealed (an OutcomeBatch) -> prepared (in one commit, once its ingest is durable) -> committed
//
// What a stage cannot decide now is parked: a commit puts it into the retry set, and the position passes it. When it is due it is
// admitted again, as a batch of its own behind what is here. Events of its id wait in the retry set behind it, and with blocking order
// those of its ordering key as well; what was running when it failed is held when its turn to be sealed comes.
#pragma once
#include <cstdint>
#include <deque>
#include <map>
#include <memory>
#include <optional>
#include <span>
#include <string>
#include <utility>
#include <vector>

#include "actors/partition/parking.h"
#include "actors/partition/window_rules.h"
#include "runtime/base/result.h"
#include "runtime/engine/dedupe_index.h"
#include "runtime/engine/in_flight_ids.h"
#include "runtime/engine/letters.h"
#include "runtime/engine/poison_book.h"
#include "runtime/engine/view_set.h"
#include "runtime/event/chain_batch.h"
#include "runtime/event/commit_body.h"
#include "runtime/event/ingest_batch.h"
#include "runtime/ports/clock.h"
#include "runtime/ports/event_log.h"

namespace weir {

/// Not thread-safe. The references must outlive it.
class PartitionWindow {
 public:
  /// `poison`: what is known of events that crash stages; null: nothing, and it keeps its own. `retries`: likewise, the events parked.
  PartitionWindow(PartitionId partition, WindowLimits limits, WindowRules rules, std::shared_ptr<const RulesVersion> version,
                  DedupeIndex& index, PoisonBook* poison = nullptr, RetrySet* retries = nullptr);

  /// Starts (again) from what the log says is current and the head of the newest applied commit. Everything in the window is
  /// forgotten; results of earlier rounds are ignored from now on. Index and retries must hold exactly what is
  /// committed.
  void restart(const PartitionPosition& position, const CommitMeta& meta, CommitOwner owner);

  /// Batches admitted from now on are decided by this version, all rounds of them. Those already here keep theirs; a commit
  /// holds outcomes of one version only.
  void set_version(std::shared_ptr<const RulesVersion> version) noexcept { version_ = std::move(version); }
  /// Whether an admitted batch has still to be decided by this version, or a coming one will be.
  [[nodiscard]] bool uses(const RulesVersion& version) const noexcept;

  /// The next offset to admit.
  [[nodiscard]] Offset expected() const noexcept { return expected_; }
  [[nodiscard]] bool has_room() const noexcept { return !parking_.full() && events_ < limits_.events_max && bytes_ < limits_.bytes_max; }
  /// Too much is parked: nothing new is admitted until there is less.
  [[nodiscard]] bool parked_full() const noexcept { return parking_.full(); }
  /// The owner's clock: what retries count from. Never back.
  void set_time(UnixMicros wall) noexcept { wall_ = std::max(wall_, wall); }
  /// `first` <= expected() < first + count (asserted): events below expected() are left out. `wall`: the owner's clock, which
  /// bounds partition time. Errors: of the index.
  [[nodiscard]] Result<void> admit(Offset first, IngestBatch batch, UnixMicros wall);
  /// Admits parked events that are due, each once, as far as half a window holds them: beside what comes new. Errors: of the index.
  [[nodiscard]] Result<void> admit_due(UnixMicros wall);
  /// When the next parked event that is not here is due (in the past: now); nothing: there is none.
  [[nodiscard]] std::optional<UnixMicros> next_due() const { return parking_.next_due(); }
  /// Rounds to be sent to the stages, in order; more when some have come back.
  [[nodiscard]] std::vector<ChainRound> take_rounds();
  /// A round has come back with its verdicts. Old drives are ignored. Errors: of the index.
  [[nodiscard]] Result<void> round_done(std::uint64_t drive, std::uint64_t serial, std::uint32_t round);
  /// A stage crashed, and redrive() will come. A round that crashes a stage twice is driven event by event, until the one to
  /// blame stands alone; an event that is blamed limits.poison_crashes_max times is dead-lettered (reason poison) unseen, its
  /// neighbours go on. Of an older drive: nothing.
  CrashBlame crashed(const StageCrash& crash);
  /// A stage died: every outstanding round is taken up again from the input; results of the old drive are ignored. Errors: of the
  /// index.
  [[nodiscard]] Result<void> redrive();
  /// Forgets batches at or after `from`, which the door gave up before they were durable; `from` is expected next. Their
  /// successors went with them. Never touches what is prepared, because that is durable. The window itself does so with a batch
  /// whose events become too long, and with what is behind it: expected() may go back with every call, and it is read again.
  void withdraw(Offset from);

  /// Ingest is durable below `end`.
  void durable(Offset end) noexcept;
  /// The next commit, when none is outstanding and something durable is sealed. `wall`: the owner's clock, for people.
  [[nodiscard]] std::optional<PreparedCommit> prepare(UnixMicros wall);
  /// A commit of no events that moves partition time to `wall`, when the window is empty and that makes ids leave
  /// dedupe.remember: they would stay for as long as nobody sends anything, and with them the memory they take.
  [[nodiscard]] std::optional<PreparedCommit> let_time_pass(UnixMicros wall);
  /// A commit that does with dead letters what somebody ordered (order.offsets is ignored), when none is outstanding (asserted). `letters`:
  /// as the state has them at a commit since which no order was carried out. `payload`: of edit, not empty. One fate each; when none is
  /// `changed`, there is no commit. Errors: of the index, state_damaged.
  [[nodiscard]] Result<std::vector<LetterFate>> change_letters(LetterOrder order, std::string_view payload, std::span<const LetterCopy> letters,
                                                               UnixMicros wall);
  /// The outstanding commit is durable: hands it out for the views; the index has applied it.
  [[nodiscard]] PreparedCommit committed();
  /// Events that became dead letters because they crash stages, with the commits that were handed out since the last call.
  struct Poisoned {
    std::string id;
    Suspect suspect;
  };
  [[nodiscard]] std::vector<Poisoned> take_poisoned() noexcept { return std::exchange(poisoned_, {}); }
  /// The outstanding commit: was not written and may be tried again unchanged (disk full).
  [[nodiscard]] PreparedCommit outstanding() const;

  [[nodiscard]] bool commit_outstanding() const noexcept { return prepared_.has_value(); }
  [[nodiscard]] const PartitionPosition& position() const noexcept { return position_; }
  [[nodiscard]] const CommitMeta& meta() const noexcept { return meta_; }
  [[nodiscard]] bool idle() const noexcept { return batches_.empty(); }
  [[nodiscard]] std::uint32_t events() const noexcept { return events_; }
  [[nodiscard]] std::size_t bytes() const noexcept { return bytes_; }
  /// Whether commits of events that waited or were judged again happened: counters for the probe.
  [[nodiscard]] std::uint64_t waited() const noexcept { return waited_; }

 private:
  enum class Admission : std::uint8_t { run, duplicate, conflict, waits, held };
  /// The entry an event is judged against, or leaves behind: an id's digest and state.
  struct Entry {
    Digest128 digest;
    DedupeState state = DedupeState::done;
    std::string reason;
    bool behind = false;  // of retrying: it waits for its id itself, so the next one does, too, whatever its bytes are
  };
  struct WindowEvent {
    Digest128 digest;
    EventPlace predecessor;           // of waits
    std::uint32_t round = 0;          // of run
    Admission admission = Admission::run;
    std::uint8_t flags = 0;           // outcome_flag bits
    bool tracked = false;             // stands or stood in in_flight_
  };
  /// What a sealed batch adds to the ledger and to the sum of states. Counts may go below zero and wrap round.
  struct Sums {
    Ledger ledger;
    Digest128 state_sum;
  };
  struct Round {
    std::shared_ptr<ChainBatch> batch;
    std::vector<std::uint32_t> events;
    bool done = false;
    bool parted = false;           // driven event by event, results thrown away; then, without the poison, as a whole
    std::uint32_t next_alone = 0;  // of parted: whose turn it is, in `events`
  };
  struct Batch {
    std::uint64_t serial = 0;
    Offset first;                     // of events[0] here
    std::uint32_t skipped = 0;        // events of the ingest batch in front of it
    IngestBatch input;
    std::shared_ptr<const RulesVersion> version;
    std::vector<WindowEvent> events;
    std::vector<std::uint64_t> hashes;  // of the ids of `events`, as the index wants them
    std::vector<Offset> again;          // of `events`, where they are parked ones that are due; empty: they came new
    std::vector<std::string> keys;      // of `events`, what they are ordered by; empty: by nothing but the id
    std::vector<std::uint32_t> waiting;
    std::map<std::uint32_t, Entry> priors;  // what an event was judged against, where somebody may ask again
    std::map<std::uint32_t, Suspect> poison;  // events that no stage sees any more; decided once, whatever the book forgets
    std::vector<Round> rounds;
    std::optional<OutcomeBatch> sealed;
    Sums sums;                        // of sealed
    std::shared_ptr<TokenTable> tokens;
    std::int64_t partition_time = kNoTime;  // at this batch
    std::int64_t event_time_max = kNoTime;  // of sealed: M behind it
    std::vector<std::int64_t> greatest;     // not of sealed: M in front of its first events, as far as somebody asked
    BatchParks parks;                       // keys: as far as `greatest`; all of it: of sealed
    [[nodiscard]] Offset end() const { return is_again() ? first : first + events.size(); }
    [[nodiscard]] Offset offset(std::uint32_t index) const { return is_again() ? again[index] : first + index; }
    [[nodiscard]] bool is_again() const noexcept { return parks.again; }
    [[nodiscard]] std::string_view key(std::uint32_t index) const { return keys.empty() ? std::string_view{} : std::string_view(keys[index]); }
  };

  [[nodiscard]] Batch& at(std::uint64_t serial) { return batches_[serial - batches_.front().serial]; }
  [[nodiscard]] bool in_window(std::uint64_t serial) const {
    return !batches_.empty() && serial >= batches_.front().serial && serial <= batches_.back().serial;
  }
  [[nodiscard]] std::string_view id_of(const Batch& batch, std::uint32_t index) const;
  /// Its share of the bytes of its ingest batch.
  [[nodiscard]] static std::size_t bytes_of(const Batch& batch) {
    return batch.input.bytes().size() * batch.events.size() / batch.input.count();
  }
  [[nodiscard]] Result<void> judge(Batch& batch, std::uint32_t index, std::vector<std::uint32_t>& run);
  [[nodiscard]] Result<void> judge_again(Batch& batch, std::uint32_t index, std::vector<std::uint32_t>& run);
  void let_run(Batch& batch, std::uint32_t index, std::vector<std::uint32_t>& run);
  void judge_against(Batch& batch, std::uint32_t index, Entry prior, std::vector<std::uint32_t>& run);
  [[nodiscard]] Result<std::optional<Entry>> committed_entry(std::uint64_t hash, std::string_view id) const;
  [[nodiscard]] Result<std::optional<Entry>> entry_after(EventPlace place, std::uint64_t hash, std::string_view id);
  [[nodiscard]] bool decided(const EventPlace& place);
  [[nodiscard]] bool judged(const Batch& batch, std::uint32_t index) const;
  Batch& add_batch(const IngestBatch& input, std::uint32_t skip, std::uint32_t count);
  [[nodiscard]] Result<void> admit_again(std::span<const ParkedEvent* const> events);
  void drop_from(std::size_t position);
  void start_round(Batch& batch, std::vector<std::uint32_t> events);
  void fill(Round& round, Batch& batch);
  [[nodiscard]] bool left_to_drive(Batch& batch, Round& round);
  void drive_again();
  /// Of the bytes that stages are given, by which a crash is remembered: of an edited event, the edited ones.
  [[nodiscard]] std::uint64_t given_fingerprint(const Batch& batch, std::uint32_t index) const;
  [[nodiscard]] bool is_poison(Batch& batch, std::uint32_t index) const;
  [[nodiscard]] Result<void> advance();
  [[nodiscard]] Result<bool> resolve_waiting(Batch& batch);
  /// How many of its events fit into batch_bytes_max together, at least one; sealed when all do.
  [[nodiscard]] std::uint32_t seal(Batch& batch);
  /// `from`: where in the round's events to look first; moved behind the event's parts. `greatest`: M in front of the event.
  /// Returns M behind it.
  std::int64_t seal_run(const Batch& batch, std::uint32_t index, OutcomeBatchBuilder& out, const OutcomeBatchBuilder::Event& head,
                        TokenTable* tokens, std::size_t& from, std::int64_t greatest) const;
  /// What a dead letter or a parked event says of where it came from.
  [[nodiscard]] LetterView letter_of(const Batch& batch, std::uint32_t index, std::string_view stage, std::string_view reason,
                                     std::string_view details) const;
  [[nodiscard]] bool late_applies() const noexcept { return rules_.late.then != OnLate::accept; }
  [[nodiscard]] bool is_late(std::span<const ChainEvent> parts, std::int64_t greatest) const;
  void seal_late(const Batch& batch, std::uint32_t index, OutcomeBatchBuilder& out, const OutcomeBatchBuilder::Event& head,
                 std::int64_t event_time, std::int64_t greatest) const;
  [[nodiscard]] std::int64_t last_partition_time() const noexcept;
  [[nodiscard]] PreparedCommit prepare_to(Offset to, std::shared_ptr<CommitBody> body, UnixMicros wall);
  [[nodiscard]] std::int64_t greatest_before(const Batch& batch) const;
  [[nodiscard]] bool look_ahead(Batch& batch, std::uint32_t index);
  [[nodiscard]] Sums sums_of(const Batch& batch, const OutcomeBatch& sealed) const;
  // Parking.
  /// What an event is in the retry set; null: it came new.
  [[nodiscard]] const ParkedEvent* parked_of(const Batch& batch, std::uint32_t index) const;
  // Orders for dead letters.
  [[nodiscard]] bool on_its_way(std::string_view id);
  [[nodiscard]] Result<LetterFate> fate_of(const LetterOrder& order, const StoredLetter& letter, Offset offset);
  void park_redriven(LetterView letter, OutcomeBatchBuilder& out);
  /// An event in front of this one is parked with its ordering key.
  [[nodiscard]] bool key_is_held(const Batch& batch, std::uint32_t index) const;
  void note_key(Batch& batch, std::uint32_t index);
  void seal_held(const Batch& batch, std::uint32_t index, OutcomeBatchBuilder& out, const OutcomeBatchBuilder::Event& head) const;
  void seal_retry(const Batch& batch, std::uint32_t index, OutcomeBatchBuilder& out, const OutcomeBatchBuilder::Event& head,
                  const Rejection& why) const;
  [[nodiscard]] std::shared_ptr<ChainBatch> fresh_chain_batch();

  PartitionId partition_;
  WindowLimits limits_;
  WindowRules rules_;
  std::shared_ptr<const RulesVersion> version_;
  DedupeIndex* index_;
  std::unique_ptr<PoisonBook> own_poison_;
  PoisonBook* poison_;
  std::unique_ptr<RetrySet> own_retries_;
  Parking parking_;

  PartitionPosition position_;
  CommitMeta meta_;
  CommitOwner owner_;
  Offset expected_;
  Offset durable_;
  std::uint64_t drive_ = 1;
  std::uint64_t next_serial_ = 1;
  std::deque<Batch> batches_;
  std::size_t prepared_batches_ = 0;  // in front of batches_, part of prepared_
  std::size_t sealed_batches_ = 0;    // in front of batches_
  std::optional<PreparedCommit> prepared_;
  InFlightIds in_flight_;
  std::deque<std::pair<std::uint64_t, std::uint32_t>> ready_;  // rounds to be driven: serial, number
  std::uint32_t driving_ = 0;                                  // rounds of this drive that have not come back
  std::vector<std::shared_ptr<ChainBatch>> pool_;
  std::uint32_t events_ = 0;
  std::size_t bytes_ = 0;
  std::uint32_t batch_events_;  // of the next batch at most: batch_events_max, or fewer while events become long
  std::uint64_t waited_ = 0;
  std::vector<Poisoned> poisoned_;
  UnixMicros wall_ = 0;
  std::vector<std::string> changed_ids_;  // by the orders of prepared_
};

}  // namespace weir
