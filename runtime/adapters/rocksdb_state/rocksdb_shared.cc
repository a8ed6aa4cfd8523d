#include "runtime/adapters/rocksdb_state/rocksdb_shared.h"

#include <rocksdb/filter_policy.h>
#include <rocksdb/listener.h>
#include <rocksdb/table.h>
#include <rocksdb/universal_compaction.h>
#include <rocksdb/version.h>

#include <algorithm>
#include <string_view>
#include <utility>

#include "runtime/adapters/rocksdb_state/file_checksum.h"

namespace weir {

namespace {

constexpr std::size_t kMiB = 1024 * 1024;

/// The library's own messages are not weir's: what goes wrong comes back as a status.
class SilentLogger final : public rocksdb::Logger {
 public:
  SilentLogger() : Logger(rocksdb::InfoLogLevel::FATAL_LEVEL) {}
  using rocksdb::Logger::Logv;
  void Logv(const char*, va_list) override {}
};

/// The library would try again by itself, every five seconds and behind everybody's back: the next flush does that
/// instead.
class NoAutomaticRecovery final : public rocksdb::EventListener {
 public:
  void OnErrorRecoveryBegin(rocksdb::BackgroundErrorReason, rocksdb::Status, bool* auto_recovery) override {
    if (auto_recovery != nullptr) *auto_recovery = false;
  }
};

/// Our merges are associative, so the library may combine operands before it knows the value.
class MergeByState final : public rocksdb::AssociativeMergeOperator {
 public:
  explicit MergeByState(const StateMerger& merger) : merger_(merger) {}
  bool Merge(const rocksdb::Slice& key, const rocksdb::Slice* existing, const rocksdb::Slice& operand, std::string* out,
             rocksdb::Logger*) const override {
    std::optional<std::string_view> held;
    if (existing != nullptr) held = existing->ToStringView();
    out->clear();
    try {
      return merger_.merge(key.ToStringView(), held, operand.ToStringView(), *out);
    } catch (const std::exception&) {
      return false;  // nothing may fly through the library
    }
  }
  const char* Name() const override { return "weir.state"; }

 private:
  const StateMerger& merger_;
};

rocksdb::BlockBasedTableOptions table_options(const std::shared_ptr<rocksdb::Cache>& cache) {
  rocksdb::BlockBasedTableOptions table;
  table.format_version = 5;
  table.checksum = rocksdb::kXXH3;
  table.block_size = 16 * 1024;  // few index entries; rows are read in ranges or rarely
  table.block_restart_interval = 16;
  table.index_block_restart_interval = 1;
  table.index_type = rocksdb::BlockBasedTableOptions::kBinarySearch;
  table.data_block_index_type = rocksdb::BlockBasedTableOptions::kDataBlockBinarySearch;
  table.filter_policy.reset(rocksdb::NewBloomFilterPolicy(10, false));
  table.whole_key_filtering = true;
  table.optimize_filters_for_memory = false;
  table.no_block_cache = false;
  table.block_cache = cache;
  // Indexes and filters count against the cache's limit instead of growing with the state.
  table.cache_index_and_filter_blocks = true;
  table.cache_index_and_filter_blocks_with_high_priority = true;
  table.pin_l0_filter_and_index_blocks_in_cache = false;
  table.pin_top_level_index_and_filter = false;
  table.verify_compression = false;
  table.enable_index_compression = false;
  table.block_align = false;
  return table;
}

/// Damage is looked for at every opening and every read.
void set_checks(rocksdb::Options& o) {
  o.paranoid_checks = true;
  o.force_consistency_checks = true;
  o.flush_verify_memtable_count = true;
  o.skip_checking_sst_file_sizes_on_db_open = false;
  o.best_efforts_recovery = false;
  o.verify_sst_unique_id_in_manifest = true;
  o.paranoid_file_checks = false;
}

/// Flushes arrive as finished tables: no memtable and no log of the library is ever written. The smallest there are.
void set_memtables(rocksdb::Options& o) {
  o.write_buffer_size = 64 * 1024;
  o.arena_block_size = 4 * 1024;
  o.max_write_buffer_number = 2;
  o.min_write_buffer_number_to_merge = 1;
  o.max_total_wal_size = kMiB;
  o.recycle_log_file_num = 0;
  o.wal_recovery_mode = rocksdb::WALRecoveryMode::kAbsoluteConsistency;
  o.avoid_flush_during_recovery = true;
  o.avoid_flush_during_shutdown = true;
  o.track_and_verify_wals_in_manifest = false;  // broken in this version, and there is nothing in any of them
  o.manifest_preallocation_size = 64 * 1024;
  o.max_manifest_file_size = 4 * kMiB;
}

void set_files_and_threads(rocksdb::Options& o) {
  o.max_open_files = 64;
  o.max_file_opening_threads = 1;
  o.max_background_jobs = 2;
  o.max_subcompactions = 1;
  o.keep_log_file_num = 1;
  o.stats_dump_period_sec = 0;
  o.stats_persist_period_sec = 0;
  o.statistics = nullptr;
  o.skip_stats_update_on_db_open = true;
  o.use_fsync = false;  // fdatasync: file lengths are part of the data it syncs
  o.bytes_per_sync = kMiB;
  o.strict_bytes_per_sync = false;
  o.compaction_readahead_size = 2 * kMiB;
  o.allow_mmap_reads = false;
  o.allow_mmap_writes = false;
  o.use_direct_reads = false;
  o.use_direct_io_for_flush_and_compaction = false;
  o.advise_random_on_open = true;
  o.delete_obsolete_files_period_micros = 6ull * 3600 * 1000 * 1000;
  o.listeners = {std::make_shared<NoAutomaticRecovery>()};
  o.max_bgerror_resume_count = 0;
}

/// Sorted runs of random keys overlap everywhere: merging them in runs of like size writes a row log(n) times, levels
/// would write it ten times a level.
void set_compaction(rocksdb::Options& o, int runs_max) {
  o.compaction_style = rocksdb::kCompactionStyleUniversal;
  o.num_levels = 7;
  o.level0_file_num_compaction_trigger = runs_max;
  o.level0_slowdown_writes_trigger = 1'000;
  o.level0_stop_writes_trigger = 2'000;
  o.soft_pending_compaction_bytes_limit = 0;
  o.hard_pending_compaction_bytes_limit = 0;
  o.target_file_size_base = 64 * kMiB;
  o.max_compaction_bytes = 0;
  o.periodic_compaction_seconds = 0;
  o.ttl = 0;
  o.disable_auto_compactions = false;
  o.compaction_options_universal.size_ratio = 20;
  o.compaction_options_universal.min_merge_width = 4;
  o.compaction_options_universal.max_merge_width = 1'000;
  o.compaction_options_universal.max_size_amplification_percent = 400;
  o.compaction_options_universal.compression_size_percent = -1;
  o.compaction_options_universal.stop_style = rocksdb::kCompactionStopStyleTotalSize;
  o.compaction_options_universal.allow_trivial_move = false;
  o.compaction_options_universal.incremental = false;

  // A flush is written once and soon rewritten: compressed only then.
  o.compression = rocksdb::kLZ4Compression;
  o.bottommost_compression = rocksdb::kLZ4Compression;
}

}  // namespace

FlushThread::FlushThread() : thread_([this] { loop(); }) {}

FlushThread::~FlushThread() {
  {
    const std::lock_guard lock(mutex_);
    ending_ = true;
  }
  changed_.notify_one();
  thread_.join();
}

void FlushThread::run(std::function<void()> work) {
  {
    const std::lock_guard lock(mutex_);
    queue_.push_back(std::move(work));
  }
  changed_.notify_one();
}

/// At the path's own priority: one that yields always lags on a busy machine, and every partition then holds two full deltas
/// instead of half of one.
void FlushThread::loop() {
  std::unique_lock lock(mutex_);
  for (;;) {
    changed_.wait(lock, [this] { return ending_ || !queue_.empty(); });
    if (queue_.empty()) return;
    std::function<void()> work = std::move(queue_.front());
    queue_.pop_front();
    lock.unlock();
    work();
    work = nullptr;
    lock.lock();
  }
}

RocksdbShared::RocksdbShared(RocksdbStatesOptions options_in, rocksdb::Env* env_in) : options(options_in), env(env_in) {
  options.block_cache_bytes = std::clamp<std::size_t>(options.block_cache_bytes, kMiB, 65'536 * kMiB);
  options.compaction_bytes_per_second =
      std::clamp<std::uint64_t>(options.compaction_bytes_per_second, kMiB, 16'384 * kMiB);
  options.runs_max = std::clamp(options.runs_max, 4, 64);
  cache = rocksdb::NewLRUCache(options.block_cache_bytes, 2, false, 0.5);
  write_buffers = std::make_shared<rocksdb::WriteBufferManager>(8 * kMiB, cache);
  rate_limiter.reset(rocksdb::NewGenericRateLimiter(static_cast<std::int64_t>(options.compaction_bytes_per_second),
                                                    100'000, 10, rocksdb::RateLimiter::Mode::kWritesOnly, false));
  logger = std::make_shared<SilentLogger>();
  // One compaction at a time for all partitions together: on two cores the path needs the other one.
  env->SetBackgroundThreads(1, rocksdb::Env::Priority::LOW);
  env->SetBackgroundThreads(1, rocksdb::Env::Priority::HIGH);
  static_cast<void>(env->LowerThreadPoolCPUPriority(rocksdb::Env::Priority::LOW, rocksdb::CpuPriority::kLow));
}

rocksdb::Options RocksdbShared::database(const StateMerger& merger) const {
  rocksdb::Options o;
  o.env = env;
  o.info_log = logger;
  o.info_log_level = rocksdb::InfoLogLevel::FATAL_LEVEL;
  o.rate_limiter = rate_limiter;
  o.write_buffer_manager = write_buffers;
  o.merge_operator = make_merge_operator(merger);
  o.comparator = rocksdb::BytewiseComparator();
  o.table_factory.reset(rocksdb::NewBlockBasedTableFactory(table_options(cache)));
  o.file_checksum_gen_factory = make_file_checksums();
  set_checks(o);
  set_memtables(o);
  set_files_and_threads(o);
  set_compaction(o, options.runs_max);
  return o;
}

std::shared_ptr<rocksdb::MergeOperator> make_merge_operator(const StateMerger& merger) {
  return std::make_shared<MergeByState>(merger);
}

Error to_error(const rocksdb::Status& status, const std::string& directory) {
  const std::string text = status.ToString();
  const std::string where = text.find(directory) == std::string::npos ? directory + ": " : std::string();
  if (status.IsNoSpace() || status.subcode() == rocksdb::Status::SubCode::kNoSpace ||
      status.subcode() == rocksdb::Status::SubCode::kSpaceLimit)
    return {Errc::disk_full, fmt::format("state {}{}", where, text)};
  if (text.find("/LOCK") != std::string::npos && (status.IsIOError() || status.IsBusy()))
    return {Errc::data_locked, fmt::format("state {}{}: another process uses it", where, text)};
  if (status.IsIOError() && !status.IsPathNotFound()) return {Errc::io_failed, fmt::format("state {}{}", where, text)};
  if (status.IsShutdownInProgress()) return {Errc::cancelled, fmt::format("state {}{}", where, text)};
  return {Errc::state_damaged,
          fmt::format("state {}{}; the partition's state must be rebuilt from a snapshot or the log", where, text)};
}

struct RocksdbStates::Shared : RocksdbShared {
  using RocksdbShared::RocksdbShared;
};

RocksdbStates::RocksdbStates(RocksdbStatesOptions options)
    : shared_(std::make_shared<Shared>(options, rocksdb::Env::Default())) {}
RocksdbStates::~RocksdbStates() = default;

Result<std::unique_ptr<StateStore>> RocksdbStates::open(const std::string& directory, const StateMerger& merger) {
  return open_rocksdb_state(shared_, directory, merger, false);
}

Result<std::unique_ptr<StateStore>> RocksdbStates::open_read_only(const std::string& directory,
                                                                  const StateMerger& merger) {
  return open_rocksdb_state(shared_, directory, merger, true);
}

std::uint64_t RocksdbStates::cache_bytes() const { return shared_->cache->GetUsage(); }

std::string RocksdbStates::library_version() {
  return rocksdb::GetRocksVersionAsString(true);
}

}  // namespace weir
