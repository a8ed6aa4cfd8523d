// Opens the state of a partition for its owner, and gives it another one when its own is missing or damaged: the newest snapshot that
// fits and is whole, else what the log still has from its beginning. Never a part: without a base the partition is left alone.
#pragma once
#include <atomic>
#include <functional>
#include <memory>
#include <optional>
#include <set>
#include <string>
#include <vector>

#include "cluster/node/snapshot_maker.h"
#include "runtime/ports/event_log.h"
#include "runtime/ports/logbook.h"

namespace weir {

/// Different partitions side by side; each of one thread at a time, but for restored(). What `ground` points to, `logbook` and what `status` uses outlive it.
class StateOpening {
 public:
  using Status = std::function<PartitionStatus(PartitionId)>;
  StateOpening(const SnapshotGround& ground, Status status, Logbook& logbook);

  /// Errors: state_damaged (no base: says why each snapshot could not be one), data_locked, disk_full, io_failed.
  [[nodiscard]] Result<std::shared_ptr<StateStore>> open(PartitionId partition);

  /// The state that open() gave turned out to be damaged. True: opening it again gives another one. False: there is nothing else to
  /// try, or the state is not to blame: it is ahead of the log.
  [[nodiscard]] bool mend(PartitionId partition);

  /// Times that a snapshot became the state of the partition. Thread-safe.
  [[nodiscard]] std::uint64_t restored(PartitionId partition) const { return slots_.at(partition.value).restored.load(); }

 private:
  struct Slot {
    bool damaged = false;            // what lies there is not to be opened any more
    bool hopeless = false;           // the last open() found no base
    bool from_log = false;           // what is there was made from the log alone, because of damage
    std::set<std::string> spoilt;    // snapshots that were restored and turned out damaged all the same
    std::string base;                // the snapshot that what is there was restored from
    TimePoint mended_at{};
    std::atomic<std::uint64_t> restored{0};
  };
  [[nodiscard]] Result<std::unique_ptr<StateStore>> replace(PartitionId partition, const std::string& why);
  [[nodiscard]] Result<bool> restore(PartitionId partition, const StoredSnapshot& snapshot);
  [[nodiscard]] Result<void> check_restored(PartitionId partition, const SnapshotManifest& manifest, const std::string& directory) const;
  [[nodiscard]] Result<void> put_in_place(PartitionId partition, const std::string& directory);

  const SnapshotGround ground_;
  const Status status_;
  Logbook& logbook_;
  std::vector<Slot> slots_;
};

}  // namespace weir
