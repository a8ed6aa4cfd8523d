// State stores in RocksDB: one database per partition directory, so that a partition moves, is digested, restored and
// damaged alone; caches, threads and limits are shared by all of them.
//
// A flush is one sorted table file with the cursor inside, ingested atomically: no write-ahead log (the output log is
// it), no memtable. The library never starts over by itself: a directory with tables but without CURRENT is damage.
#pragma once
#include <cstdint>
#include <memory>
#include <string>

#include "runtime/base/result.h"
#include "runtime/ports/state_store.h"

namespace weir {

struct RocksdbStatesOptions {
  /// Blocks, indexes and filters of all partitions, 1 MiB .. 64 GiB. With 5 million keys indexes and filters take 8 MiB
  /// of it.
  std::size_t block_cache_bytes = 32 * 1024 * 1024;
  /// What compaction may write, 1 MiB .. 16 GiB a second. Reads and flushes are not limited. Keeps a disk shared with
  /// the log responsive; three times what one core can produce.
  std::uint64_t compaction_bytes_per_second = 128 * 1024 * 1024;
  /// Sorted runs before compaction looks at them, 4 .. 64. More: less writing, slower reads of a key that is in all of
  /// them. Flushes of 4 MiB hold about 25,000 ids: with 32 a partition writes its first 800,000 once, with 12 it wrote
  /// 300,000 a second time, which cost the path 0.35 us an event (`weir bench path`).
  int runs_max = 32;
};

/// One per node. Owns the single flush thread. Thread-safe. Every store must be closed before it goes.
class RocksdbStates {
 public:
  explicit RocksdbStates(RocksdbStatesOptions options = {});
  ~RocksdbStates();
  RocksdbStates(const RocksdbStates&) = delete;
  RocksdbStates& operator=(const RocksdbStates&) = delete;

  /// Opens the directory, making it when it is missing. `merger` must outlive the store.
  /// Errors: state_damaged (names the file), data_locked, disk_full, io_failed.
  [[nodiscard]] Result<std::unique_ptr<StateStore>> open(const std::string& directory, const StateMerger& merger);
  /// Writes nothing at all, not even a lock. A missing or empty directory is an empty state. The store refuses flushes.
  [[nodiscard]] Result<std::unique_ptr<StateStore>> open_read_only(const std::string& directory,
                                                                   const StateMerger& merger);

  /// Blocks, indexes and filters held now, of at most block_cache_bytes. Thread-safe.
  [[nodiscard]] std::uint64_t cache_bytes() const;
  /// "7.8.3": the library as it runs, not as it was compiled against.
  [[nodiscard]] static std::string library_version();

 private:
  struct Shared;
  std::shared_ptr<Shared> shared_;
};

}  // namespace weir
