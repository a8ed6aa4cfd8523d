#include "runtime/adapters/embedded_log/embedded_log.h"

#include <algorithm>
#include <condition_variable>
#include <deque>
#include <mutex>
#include <thread>
#include <utility>

#include "runtime/adapters/embedded_log/batch_reader.h"
#include "runtime/adapters/embedded_log/ingest_lane.h"
#include "runtime/adapters/embedded_log/log_opening.h"
#include "runtime/adapters/embedded_log/output_lane.h"
#include "runtime/base/invariant.h"

namespace weir {

namespace {

using journal::Catalog;
using journal::FileLock;
using journal::FileOps;
using journal::IngestLane;
using journal::Journal;
using journal::JournalKind;
using journal::LaneOptions;
using journal::LogIdentity;
using journal::OutputLane;
using journal::ReadSource;

/// Reads in order on a thread of their own, so that a slow disk holds up neither journal.
class ReadLane {
 public:
  ReadLane() : thread_([this] { run(); }) {}
  ~ReadLane() {
    {
      const std::scoped_lock lock(mutex_);
      stopping_ = true;
      wake_.notify_one();
    }
    thread_.join();
  }
  ReadLane(const ReadLane&) = delete;
  ReadLane& operator=(const ReadLane&) = delete;

  void push(std::function<void()> work) {
    const std::scoped_lock lock(mutex_);
    queue_.push_back(std::move(work));
    wake_.notify_one();
  }
  /// Waits until everything pushed so far is answered.
  void drain() {
    std::unique_lock lock(mutex_);
    idle_.wait(lock, [this] { return queue_.empty() && !busy_; });
  }

 private:
  void run() {
    std::unique_lock lock(mutex_);
    for (;;) {
      wake_.wait(lock, [this] { return !queue_.empty() || stopping_; });
      if (queue_.empty()) return;
      const std::function<void()> work = std::move(queue_.front());
      queue_.pop_front();
      busy_ = true;
      lock.unlock();
      work();
      lock.lock();
      busy_ = false;
      idle_.notify_all();
    }
  }
  std::mutex mutex_;
  std::condition_variable wake_;
  std::condition_variable idle_;
  std::deque<std::function<void()>> queue_;
  bool busy_ = false;
  bool stopping_ = false;
  std::thread thread_;
};

class EmbeddedLogImpl final : public EmbeddedLog {
 public:
  EmbeddedLogImpl(std::unique_ptr<FileLock> lock, LogIdentity identity, LogRecovery recovery,
                  std::unique_ptr<Journal> ingest, std::unique_ptr<Journal> output, const LaneOptions& options)
      : lock_(std::move(lock)),
        identity_(identity),
        recovery_(std::move(recovery)),
        ingest_(std::move(ingest)),
        output_(std::move(output)),
        ingest_lane_(*ingest_, options),
        output_lane_(*output_, *ingest_, options) {}
  ~EmbeddedLogImpl() override { close_lanes(); }

  Digest128 log_id() const override { return identity_.log_id; }
  std::uint32_t partitions() const override { return identity_.partitions; }
  const LogRecovery& recovery() const override { return recovery_; }
  std::uint64_t outstanding_bytes() const override { return ingest_lane_.outstanding_bytes(); }

  Result<AppendReceipt> append(AppendGroup group, AppendDone done) override {
    return ingest_lane_.append(std::move(group), std::move(done));
  }
  std::uint64_t append_generation() const override { return ingest_lane_.generation(); }
  void commit(CommitGroup group, CommitDone done) override { output_lane_.commit(std::move(group), std::move(done)); }
  void fence(std::vector<PartitionId> partitions, FenceDone done) override {
    output_lane_.fence(std::move(partitions), std::move(done));
  }
  void read_ingest(IngestRead request, IngestReadDone done) override {
    read_lane_.push([this, request, done = std::move(done)] { done(journal::read_ingest(source(*ingest_), request)); });
  }
  void read_output(OutputRead request, OutputReadDone done) override {
    read_lane_.push([this, request, done = std::move(done)] { done(journal::read_output(source(*output_), request)); });
  }
  void trim(std::vector<TrimPoint> points) override;
  PartitionStatus status(PartitionId partition) const override;
  std::uint64_t output_bytes(PartitionId partition, CommitSequence after) const override;
  std::optional<std::string> source_position(std::string_view source) const override;
  std::vector<SourcePosition> source_positions(std::string_view prefix) const override;
  void close() override { close_lanes(); }

 private:
  static ReadSource source(Journal& journal) { return {journal.mutex(), journal.catalog(), journal.store()}; }
  void close_lanes() {
    ingest_lane_.close();
    output_lane_.close();
    read_lane_.drain();
  }

  std::unique_ptr<FileLock> lock_;
  LogIdentity identity_;
  LogRecovery recovery_;
  std::unique_ptr<Journal> ingest_;
  std::unique_ptr<Journal> output_;
  IngestLane ingest_lane_;
  OutputLane output_lane_;
  ReadLane read_lane_;
};

void EmbeddedLogImpl::trim(std::vector<TrimPoint> points) {
  std::vector<std::uint64_t> ingest(identity_.partitions);
  std::vector<std::uint64_t> output(identity_.partitions);
  for (const TrimPoint& point : points) {
    INVARIANT(point.partition.value < identity_.partitions, "trim of a partition that does not exist");
    const PartitionStatus now = status(point.partition);
    INVARIANT(point.ingest_below <= now.position.committed, "trim of events that are not committed");
    INVARIANT(point.output_through <= now.position.sequence, "trim of commits that do not exist");
    ingest[point.partition.value] = point.ingest_below.value;
    output[point.partition.value] = point.output_through.value;
  }
  ingest_lane_.trim(std::move(ingest));
  output_lane_.trim(std::move(output));
}

std::uint64_t EmbeddedLogImpl::output_bytes(PartitionId partition, CommitSequence after) const {
  const std::scoped_lock lock(output_->mutex());
  return output_->catalog().partition(partition.value).bytes_behind(after.value);
}

PartitionStatus EmbeddedLogImpl::status(PartitionId partition) const {
  PartitionStatus status;
  status.position.partition = partition;
  {
    const std::scoped_lock lock(output_->mutex());
    const journal::PartitionLog& log = output_->catalog().partition(partition.value);
    status.position.epoch = Epoch{log.epoch};
    status.position.sequence = CommitSequence{log.end};
    status.position.committed = Offset{log.committed};
    status.output_begin = CommitSequence{log.begin};
  }
  {
    const std::scoped_lock lock(ingest_->mutex());
    const journal::PartitionLog& log = ingest_->catalog().partition(partition.value);
    status.ingest_begin = Offset{log.begin};
    status.ingest_durable = Offset{log.end};
  }
  // After a give-up the reserved end goes back, never below what is durable.
  status.ingest_reserved = std::max(ingest_lane_.reserved(partition), status.ingest_durable);
  return status;
}

std::optional<std::string> EmbeddedLogImpl::source_position(std::string_view source) const {
  const std::scoped_lock lock(ingest_->mutex());
  const auto& sources = ingest_->catalog().sources();
  const auto known = sources.find(source);
  if (known == sources.end()) return std::nullopt;
  return known->second;
}

std::vector<SourcePosition> EmbeddedLogImpl::source_positions(std::string_view prefix) const {
  const std::scoped_lock lock(ingest_->mutex());
  const auto& sources = ingest_->catalog().sources();
  std::vector<SourcePosition> found;
  for (auto at = sources.lower_bound(prefix); at != sources.end() && at->first.starts_with(prefix); ++at)
    found.push_back({at->first, at->second});
  return found;
}

Result<void> check(const EmbeddedLogOptions& options) {
  if (options.partitions < 1 || options.partitions > 65'536) {
    return fail(Errc::invalid_argument, "partitions: {}: 1 to 65536", options.partitions);
  }
  constexpr std::uint64_t kSegmentMin = 64 * 1024;
  constexpr std::uint64_t kSegmentMax = std::uint64_t{1} << 30;
  if (options.segment_bytes < kSegmentMin || options.segment_bytes > kSegmentMax || options.segment_bytes % 4096 != 0) {
    return fail(Errc::invalid_argument, "segment size: {}: a multiple of 4096, {} to {}", options.segment_bytes,
                kSegmentMin, kSegmentMax);
  }
  if (options.outstanding_bytes_max < 1 || options.outstanding_bytes_max > (std::uint64_t{1} << 30)) {
    return fail(Errc::invalid_argument, "outstanding bytes: {}: 1 to {}", options.outstanding_bytes_max,
                std::uint64_t{1} << 30);
  }
  if (options.frame_bytes_max > (std::uint64_t{1} << 30)) {
    return fail(Errc::invalid_argument, "frame bytes: {}: at most {}", options.frame_bytes_max, std::uint64_t{1} << 30);
  }
  return {};
}

/// The identity, drawn and written when there is none and no journal either.
Result<LogIdentity> find_identity(FileOps& files, const EmbeddedLogOptions& options, Rng& rng) {
  auto known = journal::load_identity(files, options.directory);
  if (known) {
    if (known->partitions != options.partitions) {
      return fail(Errc::data_foreign, "{}: the log has {} partitions, asked for {}; the number is fixed for ever",
                  options.directory, known->partitions, options.partitions);
    }
    return *known;
  }
  if (known.error().code != Errc::not_found) return fail(std::move(known.error()));
  LogIdentity fresh;
  fresh.log_id.low = rng.next();
  fresh.log_id.high = rng.next();
  fresh.partitions = options.partitions;
  fresh.segment_bytes = options.segment_bytes;
  WEIR_TRY(journal::save_identity(files, options.directory, fresh));
  return fresh;
}

/// An interrupted creation: whatever segments it left hold nothing.
Result<void> clear_unfinished(FileOps& files, const std::string& directory) {
  WEIR_ASSIGN(const std::vector<std::string> names, files.list(directory));
  for (const std::string& name : names) {
    if (name.starts_with("segment-") || name.starts_with("carry-") || name == "index") {
      WEIR_TRY(files.unlink(directory + "/" + name));
    }
  }
  return {};
}

Result<std::unique_ptr<Journal>> begin_journal(journal::OpenedJournal opened, std::uint64_t nonce, const Clock& clock) {
  WEIR_ASSIGN(const journal::StoreListing listing, opened.store->list());
  WEIR_TRY(opened.store->adopt_spares(listing));
  auto journal =
      std::make_unique<Journal>(std::move(opened.store), opened.identity, std::move(opened.recovered), nonce, clock);
  WEIR_TRY(journal->begin());
  return journal;
}

}  // namespace

Result<std::unique_ptr<EmbeddedLog>> open_embedded_log(const EmbeddedLogOptions& options, const Clock& clock,
                                                       Rng& rng) {
  WEIR_TRY(check(options));
  FileOps& files = options.files != nullptr ? *options.files : journal::system_file_ops();
  const std::string ingest_directory = options.directory + "/ingest";
  const std::string output_directory = options.directory + "/output";
  WEIR_TRY(files.make_directory(ingest_directory));
  WEIR_TRY(files.make_directory(output_directory));
  WEIR_ASSIGN(auto lock, files.lock(ingest_directory + "/lock"));
  WEIR_ASSIGN(LogIdentity identity, find_identity(files, options, rng));
  const bool created = !identity.ready;
  if (created) {
    WEIR_TRY(clear_unfinished(files, ingest_directory));
    WEIR_TRY(clear_unfinished(files, output_directory));
    WEIR_TRY(files.sync_directory(options.directory));
  }
  WEIR_ASSIGN(auto ingest, journal::open_journal(files, options, identity, JournalKind::ingest, {}));
  WEIR_ASSIGN(auto output, journal::open_journal(files, options, identity, JournalKind::output, {}));
  WEIR_TRY(journal::check_together(ingest.recovered.catalog, output.recovered.catalog));
  LogRecovery recovery;
  recovery.created = created;
  recovery.ingest = journal::describe_recovery(ingest.recovered.report);
  recovery.output = journal::describe_recovery(output.recovered.report);
  // Zero stands for "not known yet" while a segment is read.
  const auto nonce = [&rng] { return rng.next() | 1; };
  WEIR_ASSIGN(auto ingest_journal, begin_journal(std::move(ingest), nonce(), clock));
  WEIR_ASSIGN(auto output_journal, begin_journal(std::move(output), nonce(), clock));
  if (created) {
    identity.ready = true;
    WEIR_TRY(journal::save_identity(files, options.directory, identity));
  }
  LaneOptions lane;
  lane.frame_bytes_max = options.frame_bytes_max;
  lane.outstanding_bytes_max = options.outstanding_bytes_max;
  lane.seal_delay = options.seal_delay;
  if (options.retain) lane.retain_micros = options.retain->count();
  return std::make_unique<EmbeddedLogImpl>(std::move(lock), identity, std::move(recovery), std::move(ingest_journal),
                                           std::move(output_journal), lane);
}

}  // namespace weir
