// The working batch of one partition: the events of one ingest batch on their way through the stages. It travels by
// reference; stages change it in place and give each event a verdict.
#pragma once
#include <cstdint>
#include <memory>
#include <span>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "runtime/base/ids.h"
#include "runtime/event/chain_arena.h"
#include "runtime/event/cloud_event.h"
#include "runtime/event/document.h"
#include "runtime/event/document_parser.h"
#include "runtime/event/ingest_batch.h"
#include "runtime/event/sha256.h"

namespace weir {

inline constexpr std::uint32_t kChainEventsMax = 512;   // of one ChainBatch, splits not counted
inline constexpr std::uint32_t kEventPartsMax = 4'096;  // of one event, over all its splits

/// What the stages so far say about an event.
enum class Verdict : std::uint8_t { pass, filter, reject, retry };

/// When a retry makes sense, as far as the stage knows.
struct RetryHint {
  std::int64_t not_before = 0;  // microseconds since 1970; in the past: whenever the pipeline's policy says
  bool attempted = true;        // false: nobody was asked (a breaker is open), so it counts as no attempt
};

/// The attempts that an event has behind it.
struct RetryHistory {
  std::uint32_t attempts = 0;  // made and failed
  std::int64_t first_at = 0;   // when the first of them was made, microseconds since 1970; of none: 0
};

/// Why an event leaves: one dead letter or one retry. Texts live as long as the batch (or for ever).
struct Rejection {
  std::string_view stage;    // name of the stage; "parse" and "encode" for the two ends of the chain
  std::string_view reason;   // of the closed list in the interface
  std::string_view details;  // a JSON array of strings
  RetryHint retry{};         // of a retry
};

/// One event, or one part of an event that a stage has split: parts of one event stand next to each other, with the
/// same `index` and `part` counting from 0. One rejected part rejects the event.
struct ChainEvent {
  Document document;
  std::int64_t event_time = 0;           // microseconds since 1970
  std::uint64_t fingerprint = 0;         // of the bytes that stages are given
  const Rejection* rejection = nullptr;  // of reject and retry
  const CloudEvent* envelope = nullptr;  // of CloudEvents
  std::uint32_t index = 0;               // in the ingest batch
  std::uint16_t part = 0;
  Verdict verdict = Verdict::pass;
  bool split = false;  // it is a part: what it is rejected for says which one
};

/// Not thread-safe: owned by one partition, lent to one stage at a time. Reused between batches without allocation in
/// steady state. Everything that values point to (frame bytes, arena) lives until the next begin().
class ChainBatch {
 public:
  /// Starts over with the events of `input`, the first of which has offset `first` in the ingest log; none is active yet.
  /// `history`: of all of them, attempts alike, the oldest first one. `offsets`: of each event of the input, where they do not follow
  /// each other.
  void begin(IngestBatch input, PartitionId partition, Offset first = {}, RetryHistory history = {}, std::span<const Offset> offsets = {});
  /// Adds event `index` of the input (those that dedupe lets through, ascending). At most kChainEventsMax (asserted).
  void add(std::uint32_t index, std::uint64_t fingerprint = 0);

  [[nodiscard]] const IngestBatch& input() const noexcept { return input_; }
  [[nodiscard]] PartitionId partition() const noexcept { return partition_; }
  [[nodiscard]] std::span<ChainEvent> events() noexcept { return events_; }
  [[nodiscard]] std::span<const ChainEvent> events() const noexcept { return events_; }
  [[nodiscard]] Offset offset(const ChainEvent& event) const noexcept { return offsets_.empty() ? first_ + event.index : offsets_[event.index]; }
  [[nodiscard]] const RetryHistory& history() const noexcept { return history_; }
  [[nodiscard]] RawEvent raw(const ChainEvent& event) const noexcept { return input_.event(event.index); }
  [[nodiscard]] ChainArena& arena() noexcept { return arena_; }
  /// For one text at a time.
  [[nodiscard]] Sha256& sha256() noexcept { return sha256_; }
  /// `@type`: what the pipeline says, else what the CloudEvent says, else nothing.
  [[nodiscard]] std::string_view type(const ChainEvent& event) const noexcept {
    return type_.empty() && event.envelope != nullptr ? event.envelope->type : type_;
  }
  /// `@source`: what the CloudEvent says, else the door.
  [[nodiscard]] std::string_view source(const ChainEvent& event) const noexcept {
    return event.envelope != nullptr ? event.envelope->source : input_.header().door;
  }
  /// The pipeline's record type; set by the chain plan.
  void set_type(std::string_view type) noexcept { type_ = type; }

  /// Verdict reject with one reason and its details, given as plain texts (each becomes a string of the JSON array).
  void reject(ChainEvent& event, std::string_view stage, std::string_view reason,
              std::span<const std::string_view> details);
  void reject(ChainEvent& event, std::string_view stage, std::string_view reason, std::string_view detail) {
    reject(event, stage, reason, {&detail, 1});
  }
  /// What values of its events point to beside the batch itself lives as long as they do.
  void keep(std::shared_ptr<const void> kept) { kept_.push_back(std::move(kept)); }
  void filter(ChainEvent& event) noexcept { event.verdict = Verdict::filter; }
  /// Temporary: to be tried again later, by the pipeline's `retry`.
  void retry(ChainEvent& event, std::string_view stage, std::string_view reason, std::string_view detail, RetryHint hint = {});

 private:
  friend class ChainSplit;
  void decide(ChainEvent& event, Verdict verdict, std::string_view stage, std::string_view reason,
              std::span<const std::string_view> details, RetryHint hint = {});
  IngestBatch input_;
  PartitionId partition_;
  Offset first_;
  RetryHistory history_;
  std::vector<Offset> offsets_;
  std::vector<ChainEvent> events_;
  std::vector<ChainEvent> spare_;  // of the next split
  ChainArena arena_;
  std::vector<std::shared_ptr<const void>> kept_;
  Sha256 sha256_;
  ByteArena text_;  // where details are put together
  std::string_view type_;
};

/// How a stage splits events: one walk over batch.events() that keeps each event or replaces it by its parts, in order.
/// Until finish() the batch's own list stays as it was. One at a time for a batch; `plan` is that of its documents.
///
///   ChainSplit split(batch, plan);
///   for (ChainEvent& event : batch.events()) split.keep(event);  // or add_part(event) for each part, or reject(event)
///   split.finish();
class ChainSplit {
 public:
  ChainSplit(ChainBatch& batch, const FieldPlan& plan);

  /// The event (or part) goes on as one.
  void keep(const ChainEvent& event);
  /// One more part of `event`: a copy whose document changes on its own, valid until the next call. nullptr when the
  /// event would have more than kEventPartsMax parts.
  [[nodiscard]] ChainEvent* add_part(const ChainEvent& event);
  /// `event` (or a part of it) has been rejected, so the whole event is: it alone stands for all its parts, and what
  /// comes of them later is left out. A reference that add_part returned may be given.
  void reject(const ChainEvent& event);
  /// batch.events() is now what was kept and added.
  void finish();

 private:
  [[nodiscard]] bool left_out(const ChainEvent& event) const noexcept {
    return rejected_ && !parts_.empty() && parts_.back().index == event.index;
  }
  /// Room for one more part of this event; where its parts begin is known afterwards.
  void append(const ChainEvent& event);
  ChainBatch& batch_;
  std::vector<ChainEvent>& parts_;
  std::size_t slots_;
  std::size_t first_ = 0;  // of the parts of parts_.back()'s event
  bool rejected_ = false;  // that event
  ChainEvent left_over_;   // takes the parts of a rejected event
};

}  // namespace weir
