// The log in memory: the whole contract of EventLog, faults on request, and every step (write, sync, completion) a task
// of an executor, so that a simulation chooses when each happens.
#pragma once
#include <cstdint>
#include <functional>
#include <memory>
#include <optional>
#include <string>
#include <vector>

#include "runtime/ports/event_log.h"
#include "runtime/ports/rng.h"

namespace weir {

/// Runs a task later, never on the caller's stack. Tasks may run in any order: the log keeps the order it owes by
/// itself.
using Executor = std::function<void(std::function<void()>)>;

struct MemoryDiskState;

/// What survives a crash. One log at a time uses it. Thread-safe.
class MemoryDisk {
 public:
  /// The log id is drawn from the rng.
  MemoryDisk(std::uint32_t partitions, Rng& rng);
  ~MemoryDisk();
  MemoryDisk(const MemoryDisk&) = delete;
  MemoryDisk& operator=(const MemoryDisk&) = delete;
  [[nodiscard]] std::uint32_t partitions() const noexcept;
  [[nodiscard]] const std::shared_ptr<MemoryDiskState>& state() const noexcept { return state_; }

 private:
  std::shared_ptr<MemoryDiskState> state_;
};

/// Faults to come. Each call arms one; thread-safe.
class MemoryLogFaults {
 public:
  virtual ~MemoryLogFaults() = default;
  /// The next append frame is given up (with everything reserved behind it): io_failed.
  virtual void fail_next_append() = 0;
  /// While true appends are refused, queued ones given up and commits answered with `failed`: disk_full.
  virtual void set_disk_full(bool full) = 0;
  /// The next commit that is current is answered with `unknown`; `applied` says whether it is in the log all the same.
  virtual void lose_next_commit_reply(bool applied) = 0;
  /// While true nothing is written, synced or answered; what was held goes on afterwards.
  virtual void set_held(bool held) = 0;
  /// The process dies: nothing is written or answered any more. What is written and not synced survives when
  /// `torn_survives` (the disk had it), else not; a commit group or append survives whole or not at all. Open another
  /// log on the same disk.
  virtual void crash(bool torn_survives) = 0;
};

struct MemoryLogOptions {
  std::uint64_t outstanding_bytes_max = std::uint64_t{256} << 20;
};

/// Thread-safe, as EventLog. With an executor of the caller, close() does not wait: run the executor until it is empty
/// first.
class MemoryEventLog : public EventLog {
 public:
  [[nodiscard]] virtual MemoryLogFaults& faults() = 0;
};

/// An empty executor: a thread of its own. Tasks that are left when the log is gone do nothing.
[[nodiscard]] std::unique_ptr<MemoryEventLog> open_memory_log(std::shared_ptr<MemoryDisk> disk, Executor executor = {},
                                                              MemoryLogOptions options = {});

}  // namespace weir
