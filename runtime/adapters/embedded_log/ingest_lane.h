// The ingest side of the embedded log: offsets are given at once, one writer thread makes frames of what is queued.
#pragma once
#include <atomic>
#include <chrono>
#include <condition_variable>
#include <cstdint>
#include <deque>
#include <mutex>
#include <optional>
#include <string>
#include <thread>
#include <utility>
#include <vector>

#include "runtime/adapters/embedded_log/journal.h"
#include "runtime/ports/event_log.h"

namespace weir::journal {

struct LaneOptions {
  std::uint64_t frame_bytes_max = std::uint64_t{1}
                                  << 20;  // queued groups are merged up to here; one alone may be larger
  std::uint64_t outstanding_bytes_max = std::uint64_t{256} << 20;  // beyond: log_busy
  std::chrono::milliseconds seal_delay{100};
  std::optional<std::int64_t> retain_micros;  // empty: never trim
};

/// Thread-safe. The journal must outlive it and is used by its thread alone (the catalog under its mutex by all).
class IngestLane {
 public:
  IngestLane(Journal& journal, LaneOptions options);
  ~IngestLane();
  IngestLane(const IngestLane&) = delete;
  IngestLane& operator=(const IngestLane&) = delete;

  [[nodiscard]] Result<AppendReceipt> append(AppendGroup group, AppendDone done);
  [[nodiscard]] std::uint64_t generation() const;
  /// Horizons wanted, per partition.
  void trim(std::vector<std::uint64_t> wanted);
  /// Writes what is queued, closes the journal; later appends are refused.
  void close();
  [[nodiscard]] Offset reserved(PartitionId partition) const;
  [[nodiscard]] std::uint64_t outstanding_bytes() const;

 private:
  struct Item {
    AppendGroup group;
    AppendDone done;
    std::uint64_t bytes = 0;
    std::vector<Offset> first;
  };
  void run();
  void write(std::vector<Item>& items);
  void fill(const std::vector<Item>& items, std::vector<std::pair<std::string, std::string>>& sources);
  [[nodiscard]] bool hold_back(std::vector<Item>& items);
  void write_held();
  void give_up(std::vector<Item>& items, std::size_t completed, const WriteResult& result);
  [[nodiscard]] std::uint64_t take(std::vector<Item>& items);
  [[nodiscard]] bool wait_for_space();
  [[nodiscard]] Result<void> check(const AppendGroup& group, std::uint64_t& bytes) const;

  Journal& journal_;
  LaneOptions options_;
  mutable std::mutex mutex_;
  std::condition_variable wake_;
  std::condition_variable closed_signal_;
  std::deque<Item> queue_;
  std::vector<Offset> reserved_;
  std::uint64_t generation_ = 0;  // appends were given up so often
  std::uint64_t outstanding_bytes_ = 0;
  std::vector<std::uint64_t> trim_wanted_;
  bool trim_asked_ = false;
  bool space_asked_ = false;
  bool short_of_space_ = false;
  bool failed_ = false;
  bool closing_ = false;
  bool closed_ = false;
  FrameBuilder frame_;  // writer thread only, as the following
  std::deque<std::string> bodies_;
  std::vector<Item> unsynced_;  // held back: only by a deliberate defect
  std::thread thread_;
};

}  // namespace weir::journal
