// One flush of a partition's state: a sorted table that carries its cursor, taken into the database as a whole. Internal to
// this folder.
#pragma once
#include <rocksdb/db.h>
#include <rocksdb/sst_file_writer.h>

#include <memory>
#include <string>
#include <string_view>

#include "runtime/adapters/rocksdb_state/rocksdb_shared.h"
#include "runtime/base/result.h"
#include "runtime/ports/state_store.h"

namespace weir {

/// Sorts before every key of a state: those never start with a zero byte.
inline constexpr std::string_view kCursorKey{"\0cursor", 7};
/// The flush's own table until the database has it.
inline constexpr const char* kIncoming = "incoming.flush";

struct StateDatabase {
  std::shared_ptr<RocksdbShared> shared;  // outlives the database: its merges, caches and threads
  std::string directory;
  std::unique_ptr<rocksdb::DB> db;  // null: an empty state opened read-only
};

/// Errors: io_failed.
[[nodiscard]] Result<void> sync_directory(const std::string& directory);

/// Writes one sorted table with the flush's entries and its cursor and takes it into the database, all or nothing. Of one
/// thread; both arguments outlive it.
class StateFlushJob {
 public:
  StateFlushJob(StateDatabase& database, const StateFlush& flush) : database_(database), flush_(flush) {}

  /// Success: durable. Errors: disk_full, io_failed, state_damaged.
  [[nodiscard]] Result<void> run();
  /// False: it failed before the library knew of it.
  [[nodiscard]] bool handed_over() const noexcept { return handed_over_; }

 private:
  [[nodiscard]] std::string path() const { return database_.directory + "/" + kIncoming; }
  [[nodiscard]] rocksdb::Status write_table();
  [[nodiscard]] rocksdb::Status write_entries(rocksdb::SstFileWriter& writer);
  [[nodiscard]] rocksdb::Status take_in();

  StateDatabase& database_;
  const StateFlush& flush_;
  rocksdb::ExternalSstFileInfo info_;
  bool handed_over_ = false;
};

}  // namespace weir
