// The memory twin of the state store: the same promises without a disk, with faults on request.
#pragma once
#include <cstdint>
#include <functional>
#include <map>
#include <memory>
#include <mutex>
#include <string>
#include <thread>

#include "runtime/ports/state_store.h"

namespace weir {

/// What survives a MemoryState: one partition's entries and cursor, as a disk would hold them. Thread-safe.
class MemoryStateDisk {
 public:
  struct Picture {
    std::map<std::string, std::string, std::less<>> entries;
    std::string cursor;
  };
  [[nodiscard]] std::shared_ptr<const Picture> picture() const;
  void replace(std::shared_ptr<const Picture> picture);
  /// What a checkpoint put there, as a disk of its own; null: there is none.
  [[nodiscard]] std::shared_ptr<MemoryStateDisk> checkpoint(const std::string& directory) const;

 private:
  friend class MemoryState;
  mutable std::mutex mutex_;
  std::map<std::string, std::shared_ptr<MemoryStateDisk>> checkpoints_;
  std::shared_ptr<const Picture> picture_ = std::make_shared<Picture>();
};

/// Runs a piece of the store's work later: in a simulation the seeded scheduler, which may delay it for as long as it
/// likes.
using MemoryStateExecutor = std::function<void(std::function<void()>)>;

class MemoryState final : public StateStore {
 public:
  /// `merger` must outlive it. Without an executor a thread of its own does the flushes.
  MemoryState(std::shared_ptr<MemoryStateDisk> disk, const StateMerger& merger, MemoryStateExecutor executor = {});
  ~MemoryState() override;
  MemoryState(const MemoryState&) = delete;
  MemoryState& operator=(const MemoryState&) = delete;

  [[nodiscard]] Result<std::shared_ptr<const StateSnapshot>> snapshot() const override;
  void flush(StateFlush flush, StateFlushDone done) override;
  [[nodiscard]] Result<void> checkpoint(const std::string& directory) const override;
  [[nodiscard]] Result<void> verify() const override;
  /// With an executor a flush that still waits there is done now, by the caller.
  void close() override;

  // Faults. Each may be called at any time from any thread.
  /// The next `count` flushes fail with `code` and apply nothing.
  void fail_flushes(Errc code, std::uint32_t count = 1);
  /// While on, every flush fails with disk_full.
  void set_disk_full(bool full);
  /// The next flush is applied, but reported as io_failed: a sync whose success was never heard of.
  void lose_next_reply();
  /// The process died: a flush under way is lost, its completion never comes, the store is closed.
  void crash();
  /// From now on reads and verify() report damage at this key.
  void damage(std::string key);

 private:
  struct Shared;
  std::shared_ptr<Shared> shared_;
  MemoryStateExecutor executor_;
  std::thread worker_;
};

}  // namespace weir
