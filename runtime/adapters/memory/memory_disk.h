// The bytes behind the memory log, and the rules they keep: pure state, guarded by its mutex.
#pragma once
#include <cstdint>
#include <deque>
#include <map>
#include <mutex>
#include <optional>
#include <string>
#include <vector>

#include "runtime/ports/event_log.h"

namespace weir {

struct MemoryPartition {
  PartitionPosition position;
  Offset ingest_begin;
  Offset ingest_end;
  CommitSequence output_begin;
  std::deque<IngestSlice> batches;
  std::deque<CommitRecord> commits;
};

/// An append that is on its way to the disk, or one that a crash cut.
struct MemoryAppend {
  AppendGroup group;
  std::vector<Offset> first;
};

struct MemoryDiskState {
  std::mutex mutex;
  Digest128 log_id;
  std::vector<MemoryPartition> partitions;
  std::map<std::string, std::string, std::less<>> sources;
  [[nodiscard]] std::uint64_t output_bytes(PartitionId partition, CommitSequence after) const;
  [[nodiscard]] std::vector<SourcePosition> positions_of(std::string_view prefix) const;
  std::vector<MemoryAppend> cut;       // lost in a crash; must never come alive again
  std::vector<MemoryAppend> unsynced;  // applied before its sync: only by a deliberate defect

  /// True when every batch begins where its partition ends.
  [[nodiscard]] bool fits(const MemoryAppend& append) const;
  /// Takes back what `unsynced` names, newest first.
  void drop_unsynced();
  void apply(const MemoryAppend& append);
  void apply(const PartitionCommit& part);
  void fence(PartitionId partition);
  void trim(const TrimPoint& point);
  [[nodiscard]] Result<std::vector<IngestSlice>> read(const IngestRead& request) const;
  [[nodiscard]] Result<std::vector<CommitRecord>> read(const OutputRead& request) const;
  /// Which parts are not current; empty: all are.
  [[nodiscard]] std::vector<PartitionPosition> not_current(const CommitGroup& group) const;
};

/// Errors: invalid_argument, as the port says.
[[nodiscard]] Result<void> check_append(const AppendGroup& group, std::size_t partitions, std::uint64_t& bytes);
[[nodiscard]] Result<void> check_commit(const CommitGroup& group, std::size_t partitions);

}  // namespace weir
