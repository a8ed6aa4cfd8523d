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
#pragma once
#include <chrono>
#include <cstdint>
#include <deque>
#include <functional>
#include <map>
#include <memory>
#include <optional>
#include <span>
#include <string>
#include <utility>
#include <vector>

#include "runtime/base/result.h"
#include "runtime/engine/dedupe_index.h"
#include "runtime/engine/in_flight_ids.h"
#include "runtime/engine/poison_book.h"
#include "runtime/engine/view_set.h"
#include "runtime/event/chain_batch.h"
#include "runtime/event/commit_body.h"
#include "runtime/event/ingest_batch.h"
#include "runtime/ports/clock.h"
#include "runtime/ports/event_log.h"
#include "runtime/ports/pipeline_config.h"

namespace weir {

struct WindowLimits {
  std::uint32_t events_max = 4'096;               // admitted and not committed
  std::size_t bytes_max = 8 * 1024 * 1024;        // of ingest batches admitted and not committed
  std::size_t commit_bytes_max = 16 * 1024 * 1024;  // of one prepared commit; one batch is always taken
  std::uint32_t batch_events_max = kChainEventsMax;  // driven through the stages together; fewer where they may be split
  std::size_t batch_bytes_max = 16 * 1024 * 1024;  // of what they become; where they become more, fewer are taken together
  std::uint32_t rounds_max = 3;                   // with the stages at a time: their memory is used again while it is cached
  std::uint64_t event_bytes_max = 900 * 1024;     // an event with longer records is dead-lettered: output_too_large
};

/// WindowLimits::batch_events_max of a chain that splits events: each may become kEventPartsMax parts, all in memory at once.
inline constexpr std::uint32_t kSplitEventsMax = 32;

/// The pipeline's rules that the window itself applies.
struct WindowRules {
  OnConflict on_conflict = OnConflict::dead_letter;
  LateConfig late;
};

/// How far ahead of the owner's own clock a door's stamp may move partition time.
inline constexpr std::chrono::microseconds kPartitionTimeSlack = std::chrono::minutes(1);

class ChainEncoder;

/// What decides events: one state of the stages and of the files they read.
struct RulesVersion {
  Digest128 hash;                               // of all rules; goes into every commit
  std::shared_ptr<const ChainEncoder> encoder;  // keeps alive what it and the verdicts of its stages point into
};

/// Events of one window batch to be driven through the stages together.
struct ChainRound {
  std::uint64_t drive = 0;  // results of an older drive are ignored
  std::uint64_t serial = 0;
  std::uint32_t round = 0;
  std::shared_ptr<ChainBatch> batch;
  std::shared_ptr<const RulesVersion> version;  // whose stages are to run
};

/// A stage crashed while it worked on a round.
struct StageCrash {
  std::uint64_t drive = 0;
  std::uint64_t serial = 0;
  std::uint32_t round = 0;
  std::optional<Offset> event;  // the one it had in its hands, where that is known
  std::string stage;
  std::string cause;
};

/// What a crash is to whom: an accident of the stage, or of one event.
struct CrashBlame {
  bool of_event = false;              // one event alone is blamed
  std::optional<std::string> poison;  // the id of that event, which no stage will see again
};

/// Writes the output of one decided event of a chain batch (all its parts) into the builder; false when they are together longer
/// than event_bytes_max (then nothing of it counts). Implemented by the chain plan.
class ChainEncoder {
 public:
  virtual ~ChainEncoder() = default;
  /// `tokens` (may be null) gets one row per record, in order.
  [[nodiscard]] virtual bool encode(const ChainBatch& batch, std::span<const ChainEvent> parts, OutcomeBatchBuilder& out,
                                    TokenTable* tokens) const = 0;
  /// An empty table for one packed batch, or null when no view wants values.
  [[nodiscard]] virtual std::shared_ptr<TokenTable> token_table() const = 0;
};

/// One partition's part of a commit group, ready to go.
struct PreparedCommit {
  PartitionCommit part;
  std::shared_ptr<const CommitBody> body;  // what `part` encodes
  std::vector<std::shared_ptr<const TokenTable>> tables;  // of body->batches
  std::shared_ptr<const DedupeBlocks> dedupe;  // by committed(): what the index made of it
  std::size_t bytes = 0;
};

/// Not thread-safe. The references must outlive it.
class PartitionWindow {
 public:
  /// `poison`: what is known of events that crash stages; null: nothing, and it keeps its own.
  PartitionWindow(PartitionId partition, WindowLimits limits, WindowRules rules, std::shared_ptr<const RulesVersion> version,
                  DedupeIndex& index, PoisonBook* poison = nullptr);

  /// Starts (again) from what the log says is current and the head of the newest applied commit. Everything in the window is
  /// forgotten; results of earlier rounds are ignored from now on. The index must hold exactly what is committed.
  void restart(const PartitionPosition& position, const CommitMeta& meta, std::uint64_t incarnation);

  /// Batches admitted from now on are decided by this version, all rounds of them. Those already here keep theirs; a commit
  /// holds outcomes of one version only.
  void set_version(std::shared_ptr<const RulesVersion> version) noexcept { version_ = std::move(version); }
  /// Whether an admitted batch has still to be decided by this version, or a coming one will be.
  [[nodiscard]] bool uses(const RulesVersion& version) const noexcept;

  /// The next offset to admit.
  [[nodiscard]] Offset expected() const noexcept { return expected_; }
  [[nodiscard]] bool has_room() const noexcept { return events_ < limits_.events_max && bytes_ < limits_.bytes_max; }
  /// `first` <= expected() < first + count (asserted): events below expected() are left out. `wall`: the owner's clock, which
  /// bounds partition time. Errors: of the index.
  [[nodiscard]] Result<void> admit(Offset first, IngestBatch batch, UnixMicros wall);
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
  enum class Admission : std::uint8_t { run, duplicate, conflict, waits };
  /// The entry an event is judged against, or leaves behind: an id's digest and state.
  struct Entry {
    Digest128 digest;
    DedupeState state = DedupeState::done;
    std::string reason;
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
    [[nodiscard]] Offset end() const { return first + events.size(); }
  };

  [[nodiscard]] Batch& at(std::uint64_t serial) { return batches_[serial - batches_.front().serial]; }
  [[nodiscard]] bool in_window(std::uint64_t serial) const {
    return !batches_.empty() && serial >= batches_.front().serial && serial <= batches_.back().serial;
  }
  [[nodiscard]] std::string_view id_of(const Batch& batch, std::uint32_t index) const;
  [[nodiscard]] Result<void> judge(Batch& batch, std::uint32_t index, std::vector<std::uint32_t>& run);
  void run_new(Batch& batch, std::uint32_t index, std::vector<std::uint32_t>& run);
  void judge_against(Batch& batch, std::uint32_t index, Entry prior, std::vector<std::uint32_t>& run);
  [[nodiscard]] Result<std::optional<Entry>> entry_after(const EventPlace& place, std::uint64_t hash, std::string_view id);
  [[nodiscard]] bool decided(const EventPlace& place);
  [[nodiscard]] bool judged(const Batch& batch, std::uint32_t index) const;
  void start_round(Batch& batch, std::vector<std::uint32_t> events);
  void fill(Round& round, Batch& batch);
  [[nodiscard]] bool left_to_drive(Batch& batch, Round& round);
  void drive_again();
  [[nodiscard]] bool is_poison(Batch& batch, std::uint32_t index) const;
  [[nodiscard]] Result<void> advance();
  [[nodiscard]] Result<bool> resolve_waiting(Batch& batch);
  /// How many of its events fit into batch_bytes_max together, at least one; sealed when all do.
  [[nodiscard]] std::uint32_t seal(Batch& batch);
  /// `from`: where in the round's events to look first; moved behind the event's parts. `greatest`: M in front of the event.
  /// Returns M behind it.
  std::int64_t seal_run(const Batch& batch, std::uint32_t index, OutcomeBatchBuilder& out, const OutcomeBatchBuilder::Event& head,
                        TokenTable* tokens, std::size_t& from, std::int64_t greatest) const;
  [[nodiscard]] bool late_applies() const noexcept { return rules_.late.then != OnLate::accept; }
  [[nodiscard]] bool is_late(std::span<const ChainEvent> parts, std::int64_t greatest) const;
  void seal_late(const Batch& batch, std::uint32_t index, OutcomeBatchBuilder& out, const OutcomeBatchBuilder::Event& head,
                 std::int64_t event_time, std::int64_t greatest) const;
  [[nodiscard]] std::int64_t last_partition_time() const noexcept;
  [[nodiscard]] PreparedCommit prepare_to(Offset to, std::shared_ptr<CommitBody> body, UnixMicros wall);
  [[nodiscard]] std::int64_t greatest_before(const Batch& batch) const;
  [[nodiscard]] bool find_greatest(Batch& batch, std::uint32_t index);
  [[nodiscard]] static Sums sums_of(const Batch& batch, const OutcomeBatch& sealed);
  [[nodiscard]] std::shared_ptr<ChainBatch> fresh_chain_batch();

  PartitionId partition_;
  WindowLimits limits_;
  WindowRules rules_;
  std::shared_ptr<const RulesVersion> version_;
  DedupeIndex* index_;
  std::unique_ptr<PoisonBook> own_poison_;
  PoisonBook* poison_;

  PartitionPosition position_;
  CommitMeta meta_;
  std::uint64_t incarnation_ = 0;
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
};

}  // namespace weir
