#include "runtime/adapters/embedded_log/ingest_lane.h"

#include <algorithm>
#include <map>
#include <utility>

#include "runtime/base/fail_point.h"

namespace weir::journal {

namespace {
constexpr std::uint64_t kBatchBytesMax = std::uint64_t{64} << 20;
constexpr std::size_t kSourceBytesMax = 1024;
constexpr std::size_t kPositionBytesMax = 4096;
// How long a full disk is left alone before it is asked again.
constexpr std::chrono::milliseconds kSpacePause{100};
// What two deliberate defects keep in memory alone before they write it: several groups of a door.
constexpr std::uint64_t kHeldBytesMax = std::uint64_t{4} << 20;
}  // namespace

IngestLane::IngestLane(Journal& journal, LaneOptions options)
    : journal_(journal), options_(std::move(options)), short_of_space_(journal.short_of_space()) {
  const Catalog& catalog = journal_.catalog();
  for (std::uint32_t p = 0; p < catalog.partitions(); ++p) reserved_.push_back(Offset{catalog.partition(p).end});
  trim_wanted_.resize(catalog.partitions());
  thread_ = std::thread([this] { run(); });
}

IngestLane::~IngestLane() {
  close();
  thread_.join();
}

Offset IngestLane::reserved(PartitionId partition) const {
  const std::scoped_lock lock(mutex_);
  return reserved_[partition.value];
}

std::uint64_t IngestLane::outstanding_bytes() const {
  const std::scoped_lock lock(mutex_);
  return outstanding_bytes_;
}

Result<void> IngestLane::check(const AppendGroup& group, std::uint64_t& bytes) const {
  for (const PartitionBatch& batch : group.batches) {
    if (batch.partition.value >= reserved_.size()) {
      return fail(Errc::invalid_argument, "partition {}: the log has {}", batch.partition.value, reserved_.size());
    }
    if (batch.count < 1 || batch.count > 65'535)
      return fail(Errc::invalid_argument, "{} events in a batch: 1 to 65535", batch.count);
    if (batch.bytes.size() > kBatchBytesMax) {
      return fail(Errc::invalid_argument, "a batch of {} bytes: at most {}", batch.bytes.size(), kBatchBytesMax);
    }
    bytes += batch.bytes.size() + kEntryBytes;
  }
  for (const SourcePosition& position : group.positions) {
    if (position.source.size() > kSourceBytesMax || position.position.size() > kPositionBytesMax) {
      return fail(Errc::invalid_argument, "a source of {} and a position of {} bytes: at most {} and {}",
                  position.source.size(), position.position.size(), kSourceBytesMax, kPositionBytesMax);
    }
    bytes += position.source.size() + position.position.size() + kEntryBytes;
  }
  if (group.batches.empty() && group.positions.empty()) return fail(Errc::invalid_argument, "an append of nothing");
  if (bytes > options_.outstanding_bytes_max) {
    return fail(Errc::invalid_argument, "an append of {} bytes: at most {}", bytes, options_.outstanding_bytes_max);
  }
  return {};
}

Result<AppendReceipt> IngestLane::append(AppendGroup group, AppendDone done) {
  Item item;
  item.group = std::move(group);
  item.done = std::move(done);
  const std::scoped_lock lock(mutex_);
  WEIR_TRY(check(item.group, item.bytes));
  if (closing_ || failed_) return fail(Errc::log_closed, "the log is closed");
  if (short_of_space_) {
    space_asked_ = true;
    wake_.notify_one();
    return fail(Errc::disk_full, "{}: no space for another segment; appends go on when there is",
                journal_.store().options().directory);
  }
  if (item.group.generation && *item.group.generation != generation_) {
    return fail(Errc::log_busy, "an append was given up that the caller has not heard of yet");
  }
  if (outstanding_bytes_ + item.bytes > options_.outstanding_bytes_max) {
    return fail(Errc::log_busy, "{} bytes are on their way to the disk, at most {}", outstanding_bytes_,
                options_.outstanding_bytes_max);
  }
  AppendReceipt receipt;
  receipt.first.reserve(item.group.batches.size());
  for (const PartitionBatch& batch : item.group.batches) {
    Offset& next = reserved_[batch.partition.value];
    receipt.first.push_back(next);
    next = next + batch.count;
  }
  item.first = receipt.first;
  outstanding_bytes_ += item.bytes;
  queue_.push_back(std::move(item));
  wake_.notify_one();
  return receipt;
}

std::uint64_t IngestLane::generation() const {
  const std::scoped_lock lock(mutex_);
  return generation_;
}

void IngestLane::trim(std::vector<std::uint64_t> wanted) {
  const std::scoped_lock lock(mutex_);
  for (std::size_t p = 0; p < trim_wanted_.size(); ++p) trim_wanted_[p] = std::max(trim_wanted_[p], wanted[p]);
  trim_asked_ = true;
  wake_.notify_one();
}

void IngestLane::close() {
  std::unique_lock lock(mutex_);
  closing_ = true;
  wake_.notify_one();
  closed_signal_.wait(lock, [this] { return closed_; });
}

/// Takes as many queued groups as make one frame; returns their bytes.
std::uint64_t IngestLane::take(std::vector<Item>& items) {
  std::uint64_t bytes = 0;
  while (!queue_.empty() && (items.empty() || bytes + queue_.front().bytes <= options_.frame_bytes_max)) {
    bytes += queue_.front().bytes;
    items.push_back(std::move(queue_.front()));
    queue_.pop_front();
  }
  return bytes;
}

void IngestLane::run() {
  std::vector<Item> items;
  for (;;) {
    items.clear();
    std::vector<std::uint64_t> wanted;
    bool look_for_space = false;
    {
      std::unique_lock lock(mutex_);
      const auto something = [this] { return !queue_.empty() || trim_asked_ || space_asked_ || closing_; };
      bool idle = false;
      if ((journal_.sealed() || journal_.failed()) && unsynced_.empty()) {
        wake_.wait(lock, something);
      } else {
        idle = !wake_.wait_for(lock, options_.seal_delay, something);
      }
      if (idle) {
        lock.unlock();
        write_held();
        journal_.seal();
        continue;
      }
      if (trim_asked_) wanted = trim_wanted_;
      look_for_space = space_asked_;
      trim_asked_ = space_asked_ = false;
      static_cast<void>(take(items));
      if (items.empty() && wanted.empty() && !look_for_space && closing_) break;
    }
    if (look_for_space) journal_.look_for_space();
    const std::uint64_t segments = journal_.segments_begun();
    if (!items.empty() && !hold_back(items)) write(items);
    if (journal_.segments_begun() != segments) {
      const std::scoped_lock lock(mutex_);
      trim_asked_ = true;  // time has passed: more may be old enough now
    }
    if (!wanted.empty())
      static_cast<void>(journal_.apply_trim(wanted, options_.retain_micros, [this] { return wait_for_space(); }));
    const std::scoped_lock lock(mutex_);
    short_of_space_ = journal_.short_of_space();
  }
  write_held();
  journal_.close();
  const std::scoped_lock lock(mutex_);
  closed_ = true;
  closed_signal_.notify_all();
}

void IngestLane::fill(const std::vector<Item>& items, std::vector<std::pair<std::string, std::string>>& sources) {
  frame_.clear();
  bodies_.clear();
  std::map<std::string_view, std::string_view> newest;
  for (const Item& item : items) {
    for (const SourcePosition& position : item.group.positions) newest[position.source] = position.position;
  }
  for (const auto& [source, position] : newest) {
    DirectoryEntry entry;
    entry.kind = EntryKind::source;
    bodies_.push_back(encode_source(source, position));
    frame_.add(entry, std::string_view(bodies_.back()));
    sources.emplace_back(source, position);
  }
  for (const Item& item : items) {
    for (std::size_t i = 0; i < item.group.batches.size(); ++i) {
      const PartitionBatch& batch = item.group.batches[i];
      DirectoryEntry entry;
      entry.kind = EntryKind::batch;
      entry.partition = batch.partition.value;
      entry.count = batch.count;
      entry.first = item.first[i].value;
      frame_.add(entry, batch.bytes.view());
    }
  }
}

/// Of two deliberate defects: groups stay in memory until there are many, or nothing comes. commit_past_durable_ingest
/// answers none of them, so that commits have the time to overtake their events. ack_before_sync answers all but the
/// newest: what that one's answer wakes finds everything before it in the log.
bool IngestLane::hold_back(std::vector<Item>& items) {
  const bool answers = WEIR_DEFECT("ack_before_sync");
  if (!answers && !WEIR_DEFECT("commit_past_durable_ingest")) return false;
  std::uint64_t bytes = 0;
  for (Item& item : items) {
    if (answers && !unsynced_.empty()) std::exchange(unsynced_.back().done, [](Result<void>) {})({});
    unsynced_.push_back(std::move(item));
  }
  for (const Item& item : unsynced_) bytes += item.bytes;
  if (bytes < kHeldBytesMax) return true;
  items = std::exchange(unsynced_, {});
  return false;
}

void IngestLane::write_held() {
  std::vector<Item> items = std::exchange(unsynced_, {});
  if (!items.empty()) write(items);
}

void IngestLane::write(std::vector<Item>& items) {
  std::vector<std::pair<std::string, std::string>> sources;
  fill(items, sources);
  std::size_t completed = 0;
  // Buffered appends are answered once the operating system has the bytes; order is kept, so one behind a durable one
  // waits.
  const auto written = [&] {
    while (completed < items.size() && items[completed].group.durability == Durability::buffered)
      items[completed++].done({});
  };
  const WriteResult result = journal_.write(frame_, std::move(sources), written, [this] { return wait_for_space(); });
  if (result.kind != WriteResult::Kind::durable) return give_up(items, completed, result);
  std::uint64_t bytes = 0;
  for (const Item& item : items) bytes += item.bytes;
  {
    // Before the completions: who is told that there is room finds it.
    const std::scoped_lock lock(mutex_);
    outstanding_bytes_ -= bytes;
  }
  while (completed < items.size()) items[completed++].done({});
}

/// The frame and everything reserved behind it is withdrawn; offsets are given anew from what is durable.
void IngestLane::give_up(std::vector<Item>& items, std::size_t completed, const WriteResult& result) {
  const std::size_t in_flight = items.size();
  {
    const std::scoped_lock lock(mutex_);
    ++generation_;
    for (Item& item : queue_) items.push_back(std::move(item));
    queue_.clear();
    outstanding_bytes_ = 0;
    failed_ = journal_.failed();
    short_of_space_ = journal_.short_of_space();
    const std::scoped_lock catalog_lock(journal_.mutex());
    for (std::uint32_t p = 0; p < reserved_.size(); ++p) reserved_[p] = Offset{journal_.catalog().partition(p).end};
  }
  const bool lost = result.kind == WriteResult::Kind::lost;
  for (std::size_t i = completed; i < items.size(); ++i) {
    Error error = result.error;
    if (lost) error.code = i < in_flight ? Errc::outcome_unknown : Errc::log_closed;
    items[i].done(fail(std::move(error)));
  }
}

bool IngestLane::wait_for_space() {
  std::unique_lock lock(mutex_);
  return !wake_.wait_for(lock, kSpacePause, [this] { return closing_; });
}

}  // namespace weir::journal
