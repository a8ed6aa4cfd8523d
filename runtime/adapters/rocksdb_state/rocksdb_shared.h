// What all databases of a node share, and how they are set up. Internal to this folder and its tests.
#pragma once
#include <rocksdb/cache.h>
#include <rocksdb/db.h>
#include <rocksdb/env.h>
#include <rocksdb/merge_operator.h>
#include <rocksdb/options.h>
#include <rocksdb/rate_limiter.h>
#include <rocksdb/write_buffer_manager.h>

#include <atomic>
#include <condition_variable>
#include <deque>
#include <functional>
#include <memory>
#include <mutex>
#include <string>
#include <thread>

#include "runtime/adapters/rocksdb_state/rocksdb_states.h"
#include "runtime/base/result.h"
#include "runtime/ports/state_store.h"

namespace weir {

/// The one thread that writes table files, in the order they were asked for.
class FlushThread {
 public:
  FlushThread();
  /// Does what is queued, then ends.
  ~FlushThread();
  void run(std::function<void()> work);

 private:
  void loop();
  std::mutex mutex_;
  std::condition_variable changed_;
  std::deque<std::function<void()>> queue_;
  bool ending_ = false;
  std::thread thread_;
};

/// Caches, limits and threads of a node's databases.
struct RocksdbShared {
  RocksdbShared(RocksdbStatesOptions options, rocksdb::Env* env);

  RocksdbStatesOptions options;
  rocksdb::Env* env;
  std::shared_ptr<rocksdb::Cache> cache;
  std::shared_ptr<rocksdb::WriteBufferManager> write_buffers;
  std::shared_ptr<rocksdb::RateLimiter> rate_limiter;
  std::shared_ptr<rocksdb::Logger> logger;
  std::atomic<bool> direct_writes{true};  // until a file system refuses it: tables go past the page cache, as the journal does
  FlushThread flush_thread;

  /// Every option that matters, set here and nowhere else.
  [[nodiscard]] rocksdb::Options database(const StateMerger& merger) const;
};

[[nodiscard]] std::shared_ptr<rocksdb::MergeOperator> make_merge_operator(const StateMerger& merger);

/// A library status in weir's words. `opening`: a missing file is damage then. `directory` is named when the status
/// names no file.
[[nodiscard]] Error to_error(const rocksdb::Status& status, const std::string& directory);

/// Opens as RocksdbStates does, with an environment of the caller's (tests inject faults there).
[[nodiscard]] Result<std::unique_ptr<StateStore>> open_rocksdb_state(std::shared_ptr<RocksdbShared> shared,
                                                                     const std::string& directory,
                                                                     const StateMerger& merger, bool read_only);

}  // namespace weir
