// What a journal holds: per partition its state and where every batch lies. Pure; built by applying frames in order,
// the same way when a frame has just been synced and when it is read back.
#pragma once
#include <cstdint>
#include <deque>
#include <map>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "runtime/adapters/embedded_log/frame_builder.h"
#include "runtime/adapters/embedded_log/recovery.h"
#include "runtime/base/result.h"

namespace weir::journal {

/// One batch (ingest) or commit (output) of one partition.
struct BatchPlace {
  std::uint64_t first = 0;  // offset of its first event; sequence of the commit
  std::uint64_t frame_sequence = 0;
  std::uint64_t frame_place = 0;  // in its file
  std::uint64_t generation = 0;   // of its file
  std::uint64_t from = 0;         // commit only
  std::uint64_t to = 0;
  std::uint64_t epoch = 0;
  std::uint32_t body = 0;  // place inside the frame
  std::uint32_t length = 0;
  std::uint32_t checksum = 0;
  std::uint32_t count = 0;  // events; 1 for a commit
  bool carried = false;     // lies in the partition's side file of that generation
  friend bool operator==(const BatchPlace&, const BatchPlace&) = default;
};

struct PartitionLog {
  std::uint64_t begin = 0;      // ingest: horizon. output: trimmed through
  std::uint64_t end = 0;        // ingest: end of what is durable. output: newest sequence
  std::uint64_t committed = 0;  // output only
  std::uint64_t epoch = 0;      // output only
  std::deque<BatchPlace> batches;
  /// Of batches that begin behind `position`.
  [[nodiscard]] std::uint64_t bytes_behind(std::uint64_t position) const;
};

/// Not thread-safe: its journal guards it.
class Catalog {
 public:
  Catalog(JournalKind journal, std::uint32_t partitions);

  [[nodiscard]] JournalKind journal() const noexcept { return journal_; }
  /// Errors: log_damaged, when the frame contradicts what came before it; the catalog is then of no use.
  [[nodiscard]] Result<void> apply(const Frame& frame);
  /// A batch that lies in a side file; all of a partition's in order, before anything is read.
  void add_carried(std::uint32_t partition, const BatchPlace& place);
  /// Forgets batches wholly below.
  void trim(std::uint32_t partition, std::uint64_t begin);
  /// After carry-over: the partition's batches of that segment now lie at these places of its side file.
  void carried(std::uint32_t partition, std::uint64_t generation, const std::vector<BatchPlace>& places);

  /// The state entries of a head. The strings put into `bodies` must outlive the builder's build().
  void fill_state(FrameBuilder& frame, std::deque<std::string>& bodies) const;
  /// One partition's state entry, with another horizon.
  [[nodiscard]] DirectoryEntry state_entry(std::uint32_t partition, std::uint64_t begin) const;

  /// Batches from the one that holds `position` on (ingest), or with a greater sequence (output), until `bytes_max` is
  /// reached; at least one where there is one. Errors: log_damaged when a batch is missing (a hole).
  [[nodiscard]] Result<std::vector<BatchPlace>> find(std::uint32_t partition, std::uint64_t position,
                                                     std::size_t bytes_max) const;
  /// The first batch missing between begin and end, if any: [from, to).
  [[nodiscard]] std::optional<std::pair<std::uint64_t, std::uint64_t>> hole(std::uint32_t partition) const;

  [[nodiscard]] const PartitionLog& partition(std::uint32_t partition) const { return partitions_[partition]; }
  [[nodiscard]] PartitionLog& partition(std::uint32_t partition) { return partitions_[partition]; }
  [[nodiscard]] std::uint32_t partitions() const noexcept { return static_cast<std::uint32_t>(partitions_.size()); }
  [[nodiscard]] const std::map<std::string, std::string, std::less<>>& sources() const noexcept { return sources_; }
  /// An empty position forgets the source: it is not in the next head any more.
  void set_source(std::string_view source, std::string_view position) {
    if (!position.empty()) {
      sources_[std::string(source)] = position;
    } else if (const auto known = sources_.find(source); known != sources_.end()) {
      sources_.erase(known);
    }
  }
  /// True once a head or a checkpoint has set the state of every partition.
  [[nodiscard]] bool begun() const noexcept { return begun_; }
  void set_begun() noexcept { begun_ = true; }

 private:
  [[nodiscard]] Result<void> apply_entry(const Frame& frame, const DirectoryEntry& entry);
  [[nodiscard]] Result<void> apply_state(const Frame& frame, const DirectoryEntry& entry);

  JournalKind journal_;
  bool begun_ = false;
  std::vector<PartitionLog> partitions_;
  std::map<std::string, std::string, std::less<>> sources_;
};

/// Bytes of the batches and commits among the entries.
[[nodiscard]] std::uint64_t batch_bytes(const std::vector<DirectoryEntry>& entries) noexcept;

}  // namespace weir::journal
