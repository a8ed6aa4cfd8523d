#include "runtime/adapters/rocksdb_state/log_bench.h"

#include <rocksdb/db.h>
#include <rocksdb/options.h>
#include <sys/resource.h>

#include <algorithm>
#include <chrono>
#include <memory>

namespace weir {

namespace {

double cpu_seconds() {
  rusage usage{};
  ::getrusage(RUSAGE_SELF, &usage);
  const auto seconds = [](const timeval& t) { return static_cast<double>(t.tv_sec) + static_cast<double>(t.tv_usec) / 1e6; };
  return seconds(usage.ru_utime) + seconds(usage.ru_stime);
}

rocksdb::Options log_options() {
  rocksdb::Options options;
  options.create_if_missing = true;
  options.error_if_exists = true;
  options.compaction_style = rocksdb::kCompactionStyleFIFO;
  options.compaction_options_fifo.max_table_files_size = std::uint64_t{64} << 30;
  options.compression = rocksdb::kNoCompression;
  options.write_buffer_size = std::size_t{64} << 20;
  options.info_log_level = rocksdb::ERROR_LEVEL;
  options.keep_log_file_num = 1;
  return options;
}

}  // namespace

Result<RocksdbLogBenchResult> bench_rocksdb_log(const std::string& directory, std::uint64_t events, std::uint32_t event_bytes,
                                                std::uint64_t group_bytes, const std::function<void(std::uint64_t events)>& progress) {
  rocksdb::DB* raw = nullptr;
  if (const auto status = rocksdb::DB::Open(log_options(), directory, &raw); !status.ok())
    return fail(Errc::io_failed, "cannot open {}: {}", directory, status.ToString());
  std::unique_ptr<rocksdb::DB> db(raw);
  constexpr std::size_t kValue = 64 * 1024;
  // Bytes that do not repeat soon, as events do not.
  std::string value(kValue, '\0');
  std::uint64_t x = 88172645463325252ull;
  for (char& c : value) {
    x ^= x << 13;
    x ^= x >> 7;
    x ^= x << 17;
    c = static_cast<char>('a' + x % 26);
  }
  const std::uint64_t total = events * event_bytes;
  const auto values_per_group = std::max<std::uint64_t>(1, group_bytes / kValue);
  rocksdb::WriteOptions write;
  write.sync = true;
  RocksdbLogBenchResult result;
  const double cpu = cpu_seconds();
  const auto start = std::chrono::steady_clock::now();
  std::uint64_t number = 0;
  while (result.bytes < total) {
    rocksdb::WriteBatch batch;
    for (std::uint64_t i = 0; i < values_per_group; ++i, ++number, result.bytes += kValue) {
      std::string key(8, '\0');
      for (int b = 0; b < 8; ++b) key[static_cast<std::size_t>(b)] = static_cast<char>(number >> (56 - 8 * b) & 0xff);
      (void)batch.Put(key, value);
    }
    if (const auto status = db->Write(write, &batch); !status.ok()) return fail(Errc::io_failed, "cannot write {}: {}", directory, status.ToString());
    ++result.syncs;
    if (progress) progress(result.bytes / event_bytes);
  }
  if (const auto status = db->Close(); !status.ok()) return fail(Errc::io_failed, "cannot close {}: {}", directory, status.ToString());
  db.reset();
  result.cpu_ns_per_event = (cpu_seconds() - cpu) * 1e9 / (static_cast<double>(result.bytes) / event_bytes);
  result.wall_seconds = std::chrono::duration<double>(std::chrono::steady_clock::now() - start).count();
  return result;
}

}  // namespace weir
