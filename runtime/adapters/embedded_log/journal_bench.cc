// The write path alone: what one event costs on its way into the log.
#include <chrono>
#include <ctime>
#include <string>
#include <utility>
#include <vector>

#include "runtime/adapters/embedded_log/journal.h"
#include "runtime/adapters/embedded_log/journal_tools.h"

namespace weir {

namespace {

using journal::FrameBuilder;
using journal::Journal;
using journal::JournalKind;

class FixedClock final : public Clock {
 public:
  TimePoint now() const override { return {}; }
  UnixMicros wall() const override { return 0; }
};

double process_cpu_seconds() {
  timespec time{};
  ::clock_gettime(CLOCK_PROCESS_CPUTIME_ID, &time);
  return static_cast<double>(time.tv_sec) + static_cast<double>(time.tv_nsec) / 1e9;
}

/// Groups of text that differ, so that nothing is compressed or deduplicated below us.
std::vector<std::string> make_groups(std::uint64_t bytes) {
  std::vector<std::string> groups(4, std::string(bytes, '\0'));
  std::uint64_t state = 88172645463325252u;
  for (std::string& group : groups) {
    for (char& c : group) {
      state ^= state << 13;
      state ^= state >> 7;
      state ^= state << 17;
      c = static_cast<char>(' ' + state % 94);
    }
  }
  return groups;
}

class Meter {
 public:
  void start() {
    cpu_ = process_cpu_seconds();
    wall_ = std::chrono::steady_clock::now();
  }
  void stop(JournalBenchResult& result) const {
    result.cpu_ns_per_event = (process_cpu_seconds() - cpu_) / static_cast<double>(result.events) * 1e9;
    result.wall_seconds = std::chrono::duration<double>(std::chrono::steady_clock::now() - wall_).count();
  }

 private:
  double cpu_ = 0;
  std::chrono::steady_clock::time_point wall_;
};

Result<JournalBenchResult> bench_plain_file(const JournalBenchOptions& options, const std::vector<std::string>& groups,
                                            std::uint64_t rounds, std::uint64_t events_per_group) {
  journal::FileOps& files = journal::system_file_ops();
  WEIR_ASSIGN(const auto file, files.open(options.directory + "/plain", journal::OpenMode::write_buffered));
  JournalBenchResult result;
  Meter meter;
  meter.start();
  for (std::uint64_t i = 0; i < rounds; ++i) {
    const std::string& group = groups[i % groups.size()];
    WEIR_TRY(journal::write_all(*file, group, result.bytes));
    WEIR_TRY(file->sync());
    result.bytes += group.size();
    result.events += events_per_group;
    ++result.syncs;
    if (options.progress) options.progress(result.events);
  }
  meter.stop(result);
  return result;
}

}  // namespace

Result<JournalBenchResult> bench_journal(const JournalBenchOptions& options) {
  if (options.event_bytes == 0 || options.group_bytes < options.event_bytes) {
    return fail(Errc::invalid_argument, "a group of {} bytes of events of {}", options.group_bytes,
                options.event_bytes);
  }
  journal::FileOps& files = journal::system_file_ops();
  WEIR_TRY(files.make_directory(options.directory));
  const std::uint64_t events_per_group = options.group_bytes / options.event_bytes;
  const std::uint64_t rounds = (options.events + events_per_group - 1) / events_per_group;
  const std::vector<std::string> groups = make_groups(events_per_group * options.event_bytes);
  if (options.plain_file) return bench_plain_file(options, groups, rounds, events_per_group);

  journal::StoreOptions store;
  store.directory = options.directory;
  store.segment_bytes = options.segment_bytes;
  store.direct = options.direct_io;
  store.spares_max = options.recycled ? 4 : 0;
  WEIR_ASSIGN(const auto probe, files.open(options.directory + "/probe", journal::OpenMode::write_direct));
  const bool direct = options.direct_io && probe->direct();
  const journal::JournalIdentity identity{JournalKind::ingest, 1, 1};
  const FixedClock clock;
  Journal journal(std::make_unique<journal::SegmentStore>(files, store), identity,
                  journal::RecoveredJournal(journal::Catalog(JournalKind::ingest, 1)), 1, clock);
  WEIR_TRY(journal.begin());
  JournalBenchResult result;
  FrameBuilder frame;
  std::uint64_t first = 0;
  std::uint64_t segments = journal.segments_begun();
  const auto write_one = [&](const std::string& group) -> Result<void> {
    frame.clear();
    journal::DirectoryEntry entry;
    entry.first = first;
    entry.count = static_cast<std::uint32_t>(events_per_group);
    frame.add(entry, std::string_view(group));
    result.bytes += frame.bytes();
    auto written = journal.write(frame, {}, {}, {});
    if (written.kind != journal::WriteResult::Kind::durable) return fail(std::move(written.error));
    first += events_per_group;
    if (options.recycled && journal.segments_begun() != segments) {
      segments = journal.segments_begun();
      static_cast<void>(journal.apply_trim({first}, 0, {}));
    }
    return {};
  };
  if (options.recycled) {
    // Until every file has been written once; then only old blocks are written again.
    while (journal.segments_begun() < 6) WEIR_TRY(write_one(groups[0]));
    result = {};
  }
  Meter meter;
  meter.start();
  for (std::uint64_t i = 0; i < rounds; ++i) {
    WEIR_TRY(write_one(groups[i % groups.size()]));
    if (options.progress) options.progress(i * events_per_group);
  }
  result.events = rounds * events_per_group;
  result.syncs = rounds;
  result.direct = direct;
  meter.stop(result);
  journal.close();
  return result;
}

}  // namespace weir
