#include <rocksdb/convenience.h>
#include <rocksdb/snapshot.h>
#include <rocksdb/utilities/checkpoint.h>

#include <algorithm>
#include <exception>
#include <filesystem>
#include <limits>
#include <utility>

#include "runtime/adapters/rocksdb_state/flush_job.h"
#include "runtime/adapters/rocksdb_state/rocksdb_shared.h"
#include "runtime/adapters/rocksdb_state/table_guard.h"
#include "runtime/base/invariant.h"

namespace weir {

namespace {

namespace fs = std::filesystem;

rocksdb::ReadOptions read_options(const rocksdb::Snapshot* snapshot) {
  rocksdb::ReadOptions options;
  options.snapshot = snapshot;
  options.verify_checksums = true;
  options.fill_cache = true;
  options.async_io = false;
  options.total_order_seek = true;
  return options;
}

/// `snapshot` null: what the newest flush left.
Result<std::optional<std::string>> read_value(const StateDatabase& database, const rocksdb::Snapshot* snapshot,
                                              std::string_view key) {
  if (!database.db) return std::nullopt;
  std::string value;
  const rocksdb::Status status = database.db->Get(read_options(snapshot), key, &value);
  if (status.IsNotFound()) return std::nullopt;
  if (!status.ok()) return fail(to_error(status, database.directory));
  return value;
}

class RocksdbScan final : public StateScan {
 public:
  RocksdbScan(const StateDatabase& database, const rocksdb::Snapshot* snapshot, std::string_view from, std::string_view to)
      : directory_(database.directory), from_(from.empty() ? std::string_view("\x01", 1) : from), to_(to), upper_(to_) {
    if (!database.db) return;
    rocksdb::ReadOptions options = read_options(snapshot);
    options.fill_cache = false;  // a walk over everything must not push out what is asked for
    if (!to_.empty()) options.iterate_upper_bound = &upper_;
    iterator_.reset(database.db->NewIterator(options));
    RocksdbScan::seek(from_);
  }
  [[nodiscard]] bool valid() const override { return iterator_ && iterator_->Valid(); }
  [[nodiscard]] std::string_view key() const override { return iterator_->key().ToStringView(); }
  [[nodiscard]] std::string_view value() const override { return iterator_->value().ToStringView(); }
  void next() override { iterator_->Next(); }
  void seek(std::string_view key) override {
    if (iterator_) iterator_->Seek(key < from_ ? std::string_view{from_} : key);
  }
  [[nodiscard]] Result<void> status() const override {
    if (!iterator_ || iterator_->status().ok()) return {};
    return fail(to_error(iterator_->status(), directory_));
  }

 private:
  std::string directory_;
  std::string from_;
  std::string to_;
  rocksdb::Slice upper_;
  std::unique_ptr<rocksdb::Iterator> iterator_;
};

class RocksdbSnapshot final : public StateSnapshot {
 public:
  explicit RocksdbSnapshot(std::shared_ptr<const StateDatabase> database) : database_(std::move(database)) {
    if (database_->db) snapshot_ = database_->db->GetSnapshot();
  }
  ~RocksdbSnapshot() override {
    if (snapshot_ != nullptr) database_->db->ReleaseSnapshot(snapshot_);
  }
  RocksdbSnapshot(const RocksdbSnapshot&) = delete;
  RocksdbSnapshot& operator=(const RocksdbSnapshot&) = delete;

  [[nodiscard]] Result<void> read_cursor() {
    WEIR_ASSIGN(auto stored, get(kCursorKey));
    if (stored) cursor_ = std::move(*stored);
    return {};
  }
  [[nodiscard]] const std::string& cursor() const override { return cursor_; }

  [[nodiscard]] Result<std::optional<std::string>> get(std::string_view key) const override {
    return read_value(*database_, snapshot_, key);
  }
  [[nodiscard]] Result<std::vector<std::optional<std::string>>> get_many(
      const std::vector<std::string_view>& keys) const override {
    std::vector<std::optional<std::string>> values(keys.size());
    if (!database_->db || keys.empty()) return values;
    const std::vector<rocksdb::Slice> slices(keys.begin(), keys.end());
    std::vector<rocksdb::PinnableSlice> found(keys.size());
    std::vector<rocksdb::Status> statuses(keys.size());
    database_->db->MultiGet(read_options(snapshot_), database_->db->DefaultColumnFamily(), slices.size(), slices.data(),
                            found.data(), statuses.data(), false);
    for (std::size_t i = 0; i < keys.size(); ++i) {
      if (statuses[i].IsNotFound()) continue;
      if (!statuses[i].ok()) return fail(to_error(statuses[i], database_->directory));
      values[i] = found[i].ToString();
    }
    return values;
  }
  [[nodiscard]] std::unique_ptr<StateScan> open_scan(std::string_view from, std::string_view to) const override {
    return std::make_unique<RocksdbScan>(*database_, snapshot_, from, to);
  }

 private:
  std::shared_ptr<const StateDatabase> database_;
  const rocksdb::Snapshot* snapshot_ = nullptr;
  std::string cursor_;
};

/// The number of the table the library misses, as its message names it ("…/000009.ldb: No such file"); empty: another
/// trouble.
std::string missing_table(const std::string& message) {
  for (std::size_t at = message.find(".ldb"); at != std::string::npos; at = message.find(".ldb", at + 1)) {
    const std::size_t slash = message.rfind('/', at);
    if (slash == std::string::npos) continue;
    std::string number = message.substr(slash + 1, at - slash - 1);
    if (!number.empty() && number.find_first_not_of("0123456789") == std::string::npos) return number;
  }
  return {};
}

/// Opens for writing. After a sync of the MANIFEST failed, the library has removed a table that the MANIFEST may name
/// all the same; the flush's own link to it is still there and is put back. The library checks its size and unique id.
rocksdb::Status open_database(StateDatabase& database, const rocksdb::Options& options) {
  rocksdb::DB* raw = nullptr;
  rocksdb::Status status = rocksdb::DB::Open(options, database.directory, &raw);
  const std::string incoming = database.directory + "/" + kIncoming;
  if (!status.ok() && options.env->FileExists(incoming).ok()) {
    const std::string number = missing_table(status.ToString());
    const std::string table = database.directory + "/" + number + ".sst";
    if (!number.empty() && !options.env->FileExists(table).ok() && options.env->LinkFile(incoming, table).ok()) {
      const rocksdb::Status again = rocksdb::DB::Open(options, database.directory, &raw);
      if (again.ok()) {
        status = again;
      } else {
        static_cast<void>(options.env->DeleteFile(table));
      }
    }
  }
  if (status.ok()) static_cast<void>(options.env->DeleteFile(incoming));
  database.db.reset(raw);
  return status;
}

class RocksdbState final : public StateStore {
 public:
  RocksdbState(std::shared_ptr<StateDatabase> database, rocksdb::Options options, bool read_only)
      : database_(std::move(database)),
        shared_(database_->shared),
        directory_(database_->directory),
        options_(std::move(options)),
        read_only_(read_only) {}
  ~RocksdbState() override { RocksdbState::close(); }
  RocksdbState(const RocksdbState&) = delete;
  RocksdbState& operator=(const RocksdbState&) = delete;

  [[nodiscard]] Result<std::shared_ptr<const StateSnapshot>> snapshot() const override {
    std::shared_ptr<RocksdbSnapshot> snapshot;
    {
      WEIR_ASSIGN(auto database, current());
      snapshot = std::make_shared<RocksdbSnapshot>(std::move(database));
    }
    WEIR_TRY(snapshot->read_cursor());
    return snapshot;
  }

  /// Without the snapshot and the cursor that a picture of several reads needs: dedupe asks here what its marks cannot tell.
  [[nodiscard]] Result<std::optional<std::string>> get(std::string_view key) const override {
    WEIR_ASSIGN(const auto database, current());
    return read_value(*database, nullptr, key);
  }

  void flush(StateFlush flush, StateFlushDone done) override {
    {
      const std::lock_guard lock(mutex_);
      INVARIANT(!flushing_, "a state store does one flush at a time");
      flushing_ = true;
      ++telling_;
    }
    shared_->flush_thread.run([this, flush = std::move(flush), done = std::move(done)]() mutable {
      const Result<void> result = apply(flush);
      flush = {};
      {
        const std::lock_guard lock(mutex_);
        flushing_ = false;  // what the completion wakes may hand in the next flush at once
      }
      done(result);
      const std::lock_guard lock(mutex_);
      --telling_;
      told_.notify_all();
    });
  }

  [[nodiscard]] Result<void> checkpoint(const std::string& directory) const override;
  [[nodiscard]] Result<void> verify() const override;
  void close() override;

 private:
  /// The open database. Errors: cancelled (closed), or why it could not be opened again.
  [[nodiscard]] Result<std::shared_ptr<StateDatabase>> current() const {
    const std::lock_guard lock(mutex_);
    if (database_) return database_;
    if (broken_) return fail(*broken_);
    return fail(Errc::cancelled, "the state store is closed");
  }
  [[nodiscard]] Result<void> apply(const StateFlush& flush);
  [[nodiscard]] Result<void> reopen();

  std::shared_ptr<StateDatabase> database_;  // null: closed or broken
  const std::shared_ptr<RocksdbShared> shared_;
  const std::string directory_;
  const rocksdb::Options options_;
  const bool read_only_;
  mutable std::mutex mutex_;
  std::condition_variable told_;
  std::optional<Error> broken_;
  bool closed_ = false;
  bool flushing_ = false;
  int telling_ = 0;
  bool stopped_ = false;  // flush thread only: the library may have stopped after the last flush's error
};

/// Makes the library work again after an error by opening the database anew. Its own DB::Resume is not used: after a
/// full disk at the MANIFEST it reports success and the next ingest ends the process on an assert (file number 0).
Result<void> RocksdbState::reopen() {
  const std::lock_guard lock(mutex_);  // readers wait for these milliseconds
  if (closed_) return fail(Errc::cancelled, "the state store is closed");
  if (database_ && database_.use_count() != 1)
    return fail(Errc::io_failed,
                "state {}: is opened anew after an error when its readers are done; hand the flush in again",
                directory_);
  database_.reset();
  auto anew = std::make_shared<StateDatabase>();
  anew->shared = shared_;
  anew->directory = directory_;
  if (const rocksdb::Status status = open_database(*anew, options_); !status.ok()) {
    Error error = to_error(status, directory_);
    // Reading goes on while the disk is full.
    rocksdb::DB* raw = nullptr;
    if (rocksdb::DB::OpenForReadOnly(options_, directory_, &raw).ok()) {
      anew->db.reset(raw);
      database_ = std::move(anew);
    } else {
      broken_ = error;
    }
    return fail(std::move(error));
  }
  broken_.reset();
  database_ = std::move(anew);
  return {};
}

Result<void> RocksdbState::apply(const StateFlush& flush) {
  if (read_only_) return fail(Errc::invalid_argument, "state {} is opened read-only", directory_);
  try {
    if (stopped_) WEIR_TRY(reopen());
    WEIR_ASSIGN(const auto database, current());
    // An error may have hit behind the point of no return: what is there decides, so that nothing is merged twice.
    WEIR_ASSIGN(const std::string stored, cursor());
    if (!stored.empty() && stored == flush.cursor) {
      stopped_ = false;
      return sync_directory(directory_);
    }
    StateFlushJob job(*database, flush);
    Result<void> result = job.run();
    stopped_ = !result.has_value() && job.handed_over();
    return result;
  } catch (const std::exception& e) {
    stopped_ = true;
    return fail(Errc::io_failed, "state {}: {}", directory_, e.what());
  }
}

Result<void> RocksdbState::checkpoint(const std::string& directory) const {
  if (read_only_) return fail(Errc::invalid_argument, "state {} is opened read-only: no checkpoint can be made of it", directory_);
  WEIR_ASSIGN(const auto database, current());
  std::error_code error;
  if (fs::exists(directory, error)) return fail(Errc::invalid_argument, "state {}: the place of the checkpoint is there already: {}", directory_, directory);
  try {
    rocksdb::Checkpoint* raw = nullptr;
    rocksdb::Status status = rocksdb::Checkpoint::Create(database->db.get(), &raw);
    const std::unique_ptr<rocksdb::Checkpoint> maker(raw);
    // Nothing of ours is ever in a memtable or a log of the library: there is nothing to flush.
    if (status.ok()) status = maker->CreateCheckpoint(directory, std::numeric_limits<std::uint64_t>::max());
    if (status.ok()) return {};
    // The library makes it aside, under a name of its own, and may fail after it has renamed it.
    fs::remove_all(directory + ".tmp", error);
    fs::remove_all(directory, error);
    return fail(to_error(status, directory_));
  } catch (const std::exception& e) {
    return fail(Errc::io_failed, "state {}: {}", directory_, e.what());
  }
}

Result<void> RocksdbState::verify() const {
  WEIR_ASSIGN(const auto database, current());
  if (!database->db) return {};
  WEIR_TRY(guard_tables(directory_));
  try {
    // A second, read-only instance reads everything anew: CURRENT, MANIFEST, and every table whole. What is in memory
    // of the first one proves nothing about the disk. Files that a compaction replaces meanwhile stay until this is
    // done.
    if (!read_only_) {
      if (const auto status = database->db->DisableFileDeletions(); !status.ok())
        return fail(to_error(status, directory_));
    }
    rocksdb::DB* raw = nullptr;
    rocksdb::Status status = rocksdb::DB::OpenForReadOnly(options_, directory_, &raw);
    const std::unique_ptr<rocksdb::DB> again(raw);
    if (status.ok()) status = again->VerifyFileChecksums(read_options(nullptr));
    if (status.ok()) status = again->VerifyChecksum(read_options(nullptr));
    if (!read_only_) static_cast<void>(database->db->EnableFileDeletions(false));
    if (!status.ok()) return fail(to_error(status, directory_));
    return {};
  } catch (const std::exception& e) {
    return fail(Errc::state_damaged, "state {}: {}", directory_, e.what());
  }
}

void RocksdbState::close() {
  std::shared_ptr<StateDatabase> database;
  {
    std::unique_lock lock(mutex_);
    told_.wait(lock, [this] { return telling_ == 0; });
    closed_ = true;
    broken_.reset();
    database = std::exchange(database_, nullptr);
  }
  if (!database || !database->db) return;
  rocksdb::CancelAllBackgroundWork(database->db.get(), true);
  // A snapshot that is still held keeps the database (and its lock) until it goes.
  if (database.use_count() == 1) static_cast<void>(database->db->Close());
}

/// What lies in a directory that is about to be opened.
struct Inventory {
  bool current = false;
  bool tables = false;
  bool anything = false;
};

Result<Inventory> look_into(const std::string& directory) {
  Inventory found;
  std::error_code error;
  fs::directory_iterator it(directory, error);
  if (error == std::errc::no_such_file_or_directory) return found;
  for (; !error && it != fs::directory_iterator(); it.increment(error)) {
    const std::string name = it->path().filename().string();
    found.anything = true;
    found.current = found.current || name == "CURRENT";
    found.tables = found.tables || name.ends_with(".sst");
  }
  if (error) return fail(Errc::io_failed, "state {}: {}", directory, error.message());
  return found;
}

}  // namespace

Result<std::unique_ptr<StateStore>> open_rocksdb_state(std::shared_ptr<RocksdbShared> shared,
                                                       const std::string& directory, const StateMerger& merger,
                                                       bool read_only) {
  WEIR_ASSIGN(const Inventory found, look_into(directory));
  // Without CURRENT the library would begin a new database over the old one's files.
  if (found.tables && !found.current)
    return fail(Errc::state_damaged,
                "state {}/CURRENT is missing; the partition's state must be rebuilt from a snapshot or the log",
                directory);
  WEIR_TRY(guard_tables(directory));
  auto database = std::make_shared<StateDatabase>();
  database->shared = std::move(shared);
  database->directory = directory;
  rocksdb::Options options = database->shared->database(merger);
  options.create_if_missing = false;
  options.error_if_exists = false;
  if (read_only && !found.current) return std::make_unique<RocksdbState>(std::move(database), options, true);
  try {
    rocksdb::Status status;
    if (read_only) {
      rocksdb::DB* raw = nullptr;
      status = rocksdb::DB::OpenForReadOnly(options, directory, &raw, false);
      database->db.reset(raw);
    } else {
      std::error_code error;
      fs::create_directories(directory, error);
      if (error)
        return fail(error == std::errc::no_space_on_device ? Errc::disk_full : Errc::io_failed, "state {}: {}",
                    directory, error.message());
      rocksdb::Options opening = options;
      opening.create_if_missing = !found.current;
      status = open_database(*database, opening);
    }
    if (!status.ok()) return fail(to_error(status, directory));
  } catch (const std::exception& e) {
    return fail(Errc::state_damaged, "state {}: {}", directory, e.what());
  }
  return std::make_unique<RocksdbState>(std::move(database), std::move(options), read_only);
}

}  // namespace weir
