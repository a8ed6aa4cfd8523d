// The output side of the embedded log: the single writer that checks every commit and makes it true.
#pragma once
#include <condition_variable>
#include <cstdint>
#include <deque>
#include <mutex>
#include <thread>
#include <vector>

#include "runtime/adapters/embedded_log/ingest_lane.h"
#include "runtime/adapters/embedded_log/journal.h"
#include "runtime/ports/event_log.h"

namespace weir::journal {

/// Thread-safe. Both journals must outlive it; it writes `output` and reads the durable ends of `ingest`.
class OutputLane {
 public:
  OutputLane(Journal& output, Journal& ingest, LaneOptions options);
  ~OutputLane();
  OutputLane(const OutputLane&) = delete;
  OutputLane& operator=(const OutputLane&) = delete;

  void commit(CommitGroup group, CommitDone done);
  void fence(std::vector<PartitionId> partitions, FenceDone done);
  void trim(std::vector<std::uint64_t> wanted);
  /// Decides what is queued, closes the journal; later requests are answered with log_closed.
  void close();

 private:
  /// A commit, or a fence where `fenced` is set.
  /// What a deliberate fault takes away.
  enum class Lost : std::uint8_t { nothing, commit, reply };
  struct Item {
    CommitGroup group;
    CommitDone done;
    std::vector<PartitionId> fence;
    FenceDone fenced;
    std::uint64_t bytes = 0;
    // Filled when it is decided:
    bool written = false;
    Lost lost = Lost::nothing;
    CommitOutcome outcome;
    std::vector<PartitionPosition> positions;
  };
  void push(Item item);
  void run();
  void write(std::vector<Item>& items);
  [[nodiscard]] Lost lose_reply();
  void decide(Item& item, std::vector<PartitionPosition>& ahead, const std::vector<Offset>& ingest_durable);
  void answer(Item& item, const WriteResult& result);
  void refuse_all(std::vector<Item>& items);
  void take(std::vector<Item>& items);
  [[nodiscard]] bool wait_for_space();

  Journal& journal_;
  Journal& ingest_;
  LaneOptions options_;
  std::mutex mutex_;
  std::condition_variable wake_;
  std::condition_variable closed_signal_;
  std::deque<Item> queue_;
  std::vector<std::uint64_t> trim_wanted_;
  bool trim_asked_ = false;
  bool closing_ = false;
  bool closed_ = false;
  bool stopping_ = false;
  FrameBuilder frame_;         // writer thread only
  std::uint64_t commits_ = 0;  // writer thread only; counted for a deliberate fault
  std::thread thread_;
};

}  // namespace weir::journal
