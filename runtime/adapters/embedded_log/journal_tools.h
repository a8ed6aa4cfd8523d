// What the command line asks of a journal: check every byte, describe the files, measure the write path.
#pragma once
#include <cstdint>
#include <functional>
#include <string>
#include <vector>

#include "runtime/adapters/embedded_log/embedded_log.h"
#include "runtime/base/ids.h"
#include "runtime/base/result.h"

namespace weir {

/// `weir journal verify`: everything a stopped node's journals hold, read past the page cache and checked.
struct JournalVerification {
  std::uint64_t segments = 0;
  std::uint64_t frames = 0;
  std::uint64_t batches = 0;  // of ingest and output alike
  std::uint64_t bytes = 0;
  /// Damage, one line each: journal, file, byte, frame, what. Empty: everything is as it was written.
  std::vector<std::string> damage;
  /// What is no damage but worth knowing: a torn tail that the next open will cut, an index that will be rebuilt.
  std::vector<std::string> notes;
};
/// Errors: not_found (no log there), format_newer, io_failed. Damage is no error: it is what was asked for.
[[nodiscard]] Result<JournalVerification> verify_journals(const std::string& directory,
                                                          journal::FileOps* files = nullptr,
                                                          const LogProgress& progress = {});

/// `weir journal stat`.
struct JournalStat {
  struct Segment {
    std::string file;
    std::uint64_t first_sequence = 0;
    std::uint64_t used_bytes = 0;
    std::int64_t newest_at = 0;  // microseconds since 1970
  };
  struct Journal {
    std::string name;
    std::vector<Segment> segments;
    std::uint64_t spares = 0;
    std::vector<std::string> side_files;  // of lagging partitions
    std::uint64_t last_sequence = 0;
    LogRecovery::Journal recovery;
  };
  struct Partition {
    std::uint32_t partition = 0;
    std::uint64_t ingest_begin = 0;
    std::uint64_t ingest_end = 0;
    std::uint64_t ingest_bytes = 0;
    std::uint64_t committed = 0;
    std::uint64_t epoch = 0;
    std::uint64_t output_begin = 0;
    std::uint64_t output_end = 0;
    std::uint64_t output_bytes = 0;
  };
  Digest128 log_id;
  std::uint64_t segment_bytes = 0;  // as the log was created
  Journal ingest;
  Journal output;
  std::vector<Partition> partitions;
  std::vector<std::pair<std::string, std::string>> sources;
};
/// Errors: as open_log_read_only.
[[nodiscard]] Result<JournalStat> stat_journals(const std::string& directory, journal::FileOps* files = nullptr);

/// The core of `weir bench journal`.
struct JournalBenchOptions {
  std::string directory;  // must not exist yet; removed afterwards by the caller
  std::uint64_t events = 4'000'000;
  std::uint32_t event_bytes = 300;
  std::uint64_t group_bytes = 256 * 1024;
  std::uint64_t segment_bytes = std::uint64_t{64} << 20;
  bool direct_io = true;
  bool recycled = true;  // false: every segment is new to the file system
  bool plain_file =
      false;  // not the journal: the same bytes, one pwrite and one fdatasync per group, through the page cache
  /// Called for every group with the events written so far; may be empty.
  std::function<void(std::uint64_t events)> progress;
};
struct JournalBenchResult {
  std::uint64_t events = 0;
  std::uint64_t bytes = 0;  // written, with frames
  std::uint64_t syncs = 0;
  double cpu_ns_per_event = 0;  // of the process, user and system
  double wall_seconds = 0;
  bool direct = false;  // the file system took O_DIRECT, as was asked
};
/// Errors: those of the disk.
[[nodiscard]] Result<JournalBenchResult> bench_journal(const JournalBenchOptions& options);

}  // namespace weir
