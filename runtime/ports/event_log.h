// The log: durable, ordered, per partition. Ingest is what was accepted, output is what the stages decided.
//
// Rules of every implementation (tests/contract/event_log runs the same suite on all of them):
//  - Asynchronous. A completion comes exactly once, in order per operation kind, never on the caller's stack; on a thread of
//    the log, so it must be short and must not call back into the log. Shells turn it into a message to their actor.
//  - Nothing is acknowledged before it is synced, unless the caller asked for Durability::buffered.
//  - Only a commit that is current (epoch, sequence, from) is written; it is written whole or not at all.
//  - Damage is named, never skipped, never served.
#pragma once
#include <cstdint>
#include <functional>
#include <memory>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "runtime/base/bytes.h"
#include "runtime/base/ids.h"
#include "runtime/base/result.h"
#include "runtime/event/log_records.h"

namespace weir {

/// What an acknowledgement promises. durable: synced to disk (or acked by all in-sync replicas). buffered: survives a crash
/// of the process only.
enum class Durability : std::uint8_t { durable = 1, buffered = 2 };

/// One encoded IngestBatch (runtime/event/ingest_batch.h) for one partition; the log does not look inside.
struct PartitionBatch {
  PartitionId partition;
  std::uint32_t count = 0;  // events inside, 1..65'535
  SharedBytes bytes;        // at most 64 MiB
};

/// Where a door stands in its source. Becomes durable in the same frame as the batches beside it; the newest wins.
struct SourcePosition {
  std::string source;    // identity of the source, at most 1 KiB
  std::string position;  // opaque to the log, at most 4 KiB; empty: the source is forgotten
};

/// What a door appends at once: all of it becomes durable, or nothing. May hold positions alone.
struct AppendGroup {
  std::vector<PartitionBatch> batches;
  std::vector<SourcePosition> positions;
  Durability durability = Durability::durable;
  /// What append_generation() said when the caller last knew of every given-up append of its own. When another was given up
  /// since, this one is refused (log_busy): it would overtake what the caller is about to append again. Empty: order does not
  /// matter to the caller.
  std::optional<std::uint64_t> generation = {};
};

/// Offsets are given when the append is reserved, before it is durable: first[i] belongs to batches[i].
struct AppendReceipt {
  std::vector<Offset> first;
};

/// Success: durable (or buffered, if asked for). Error: the append is given up; so is every append reserved after it (they
/// complete with the same error, in order), none of them will ever be visible, and the offsets are given anew from the
/// durable end. Whoever was handed the batches ahead of their sync sees by append_generation() that they are void.
/// One exception: outcome_unknown, when the disk refused to say what it holds and the log has failed for good (everything after
/// it gets log_closed): only opening the log again tells whether that append is there.
using AppendDone = std::function<void(Result<void>)>;

struct CommitGroup {
  std::vector<PartitionCommit> parts;  // at least one; each partition at most once
};

using CommitDone = std::function<void(CommitOutcome)>;

/// Durable epoch + 1 for each partition, and the position read under it. Commits handed in earlier are decided first.
/// Errors: disk_full, log_closed, invalid_argument (no such partition): no epoch has changed; outcome_unknown: fence again.
using FenceDone = std::function<void(Result<std::vector<PartitionPosition>>)>;

struct IngestRead {
  PartitionId partition;
  Offset from;                          // the first batch returned is the one that contains it
  std::size_t bytes_max = 1024 * 1024;  // at least one batch is returned where there is one
};
/// Empty: nothing durable at or after `from` yet. Errors: below_horizon, log_damaged (names frame and partition), io_failed.
using IngestReadDone = std::function<void(Result<std::vector<IngestSlice>>)>;

struct OutputRead {
  PartitionId partition;
  CommitSequence after;  // commits with a greater sequence, in order
  std::size_t bytes_max = 1024 * 1024;
};
using OutputReadDone = std::function<void(Result<std::vector<CommitRecord>>)>;

/// A partition as the log sees it now. Read from memory, at any time, from any thread.
struct PartitionStatus {
  PartitionPosition position;
  Offset ingest_begin;           // the horizon of ingest: offsets below are trimmed
  Offset ingest_durable;         // end of what is durable
  Offset ingest_reserved;        // end of what was given out
  CommitSequence output_begin;   // commits up to and including this one are trimmed (0: none)
};

/// What no one needs any more: at most the committed position and the newest sequence (a broken promise otherwise). The horizon
/// follows in time, and never past what `log.retain` keeps. Space is given back when a whole segment is needed by nobody; what lagging partitions still
/// need of an old segment is carried over into a side file of their own.
struct TrimPoint {
  PartitionId partition;
  Offset ingest_below;
  CommitSequence output_through;
};

class EventLog {
 public:
  virtual ~EventLog() = default;

  /// Drawn once when the log is created.
  [[nodiscard]] virtual Digest128 log_id() const = 0;
  [[nodiscard]] virtual std::uint32_t partitions() const = 0;

  /// Reserves space, order and offsets at once (no I/O on the caller's stack); `done` follows when it is durable or given up.
  /// Errors (nothing reserved, `done` is never called): log_busy (bounded queue: wait for a completion), disk_full,
  /// log_closed, invalid_argument (a size limit above).
  [[nodiscard]] virtual Result<AppendReceipt> append(AppendGroup group, AppendDone done) = 0;
  /// Counts the times that appends were given up, since the log was opened.
  [[nodiscard]] virtual std::uint64_t append_generation() const = 0;
  virtual void commit(CommitGroup group, CommitDone done) = 0;
  virtual void fence(std::vector<PartitionId> partitions, FenceDone done) = 0;
  virtual void read_ingest(IngestRead request, IngestReadDone done) = 0;
  virtual void read_output(OutputRead request, OutputReadDone done) = 0;
  virtual void trim(std::vector<TrimPoint> points) = 0;

  [[nodiscard]] virtual PartitionStatus status(PartitionId partition) const = 0;
  /// Bytes of the commits with a greater sequence, as they lie in the log. From memory, from any thread; looks at each of them.
  [[nodiscard]] virtual std::uint64_t output_bytes(PartitionId partition, CommitSequence after) const = 0;
  /// The newest durable position of a source; none: it never had one, or was forgotten.
  [[nodiscard]] virtual std::optional<std::string> source_position(std::string_view source) const = 0;
  /// The newest durable positions of all sources whose name begins with `prefix`, by name.
  [[nodiscard]] virtual std::vector<SourcePosition> source_positions(std::string_view prefix) const = 0;

  /// Finishes what is queued, seals and closes. Completions still owed come first. Idempotent; blocks.
  virtual void close() = 0;
};

}  // namespace weir
