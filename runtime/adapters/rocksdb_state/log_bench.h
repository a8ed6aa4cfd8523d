// What a log kept in RocksDB would cost: the yardstick of `weir bench journal`. Not used by the product.
#pragma once
#include <cstdint>
#include <functional>
#include <string>

#include "runtime/base/result.h"

namespace weir {

struct RocksdbLogBenchResult {
  double cpu_ns_per_event = 0;  // of the process, user and system, background threads included
  double wall_seconds = 0;
  std::uint64_t bytes = 0;      // of the events
  std::uint64_t syncs = 0;
};

/// Writes `events` of `event_bytes` as values of 64 KiB, one synced write per `group_bytes`, FIFO compaction.
/// `directory` must not exist yet; the caller removes it. `progress` hears for every group how many events were written; it
/// may be empty. Errors: io_failed.
[[nodiscard]] Result<RocksdbLogBenchResult> bench_rocksdb_log(const std::string& directory, std::uint64_t events,
                                                              std::uint32_t event_bytes, std::uint64_t group_bytes,
                                                              const std::function<void(std::uint64_t events)>& progress = {});

}  // namespace weir
