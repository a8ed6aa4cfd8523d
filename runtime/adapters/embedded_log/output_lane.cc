#include "runtime/adapters/embedded_log/output_lane.h"

#include <algorithm>
#include <utility>

#include "runtime/adapters/embedded_log/commit_check.h"
#include "runtime/base/fail_point.h"

namespace weir::journal {

namespace {
constexpr std::chrono::milliseconds kSpacePause{100};
}

OutputLane::OutputLane(Journal& output, Journal& ingest, LaneOptions options)
    : journal_(output), ingest_(ingest), options_(std::move(options)), trim_wanted_(output.catalog().partitions()) {
  thread_ = std::thread([this] { run(); });
}

OutputLane::~OutputLane() {
  close();
  {
    const std::scoped_lock lock(mutex_);
    stopping_ = true;
    wake_.notify_one();
  }
  thread_.join();
}

void OutputLane::push(Item item) {
  const std::scoped_lock lock(mutex_);
  queue_.push_back(std::move(item));
  wake_.notify_one();
}

void OutputLane::commit(CommitGroup group, CommitDone done) {
  Item item;
  for (const PartitionCommit& part : group.parts) {
    item.bytes += kEntryBytes;
    for (const SharedBytes& piece : part.body) item.bytes += piece.size();
  }
  item.group = std::move(group);
  item.done = std::move(done);
  push(std::move(item));
}

void OutputLane::fence(std::vector<PartitionId> partitions, FenceDone done) {
  Item item;
  item.bytes = partitions.size() * kEntryBytes;
  item.fence = std::move(partitions);
  item.fenced = std::move(done);
  push(std::move(item));
}

void OutputLane::trim(std::vector<std::uint64_t> wanted) {
  const std::scoped_lock lock(mutex_);
  for (std::size_t p = 0; p < trim_wanted_.size(); ++p) trim_wanted_[p] = std::max(trim_wanted_[p], wanted[p]);
  trim_asked_ = true;
  wake_.notify_one();
}

void OutputLane::close() {
  std::unique_lock lock(mutex_);
  closing_ = true;
  wake_.notify_one();
  closed_signal_.wait(lock, [this] { return closed_; });
}

void OutputLane::take(std::vector<Item>& items) {
  std::uint64_t bytes = 0;
  while (!queue_.empty() && (items.empty() || bytes + queue_.front().bytes <= options_.frame_bytes_max)) {
    bytes += queue_.front().bytes;
    items.push_back(std::move(queue_.front()));
    queue_.pop_front();
  }
}

void OutputLane::run() {
  std::vector<Item> items;
  for (;;) {
    items.clear();
    std::vector<std::uint64_t> wanted;
    bool close_now = false;
    {
      std::unique_lock lock(mutex_);
      const auto something = [this] { return !queue_.empty() || trim_asked_ || (closing_ && !closed_) || stopping_; };
      bool idle = false;
      if (closed_ || journal_.sealed() || journal_.failed()) {
        wake_.wait(lock, something);
      } else {
        idle = !wake_.wait_for(lock, options_.seal_delay, something);
      }
      if (idle) {
        lock.unlock();
        journal_.seal();
        continue;
      }
      if (trim_asked_ && !closed_) wanted = trim_wanted_;
      trim_asked_ = false;
      take(items);
      close_now = items.empty() && wanted.empty() && closing_ && !closed_;
      if (items.empty() && closed_ && stopping_) return;
    }
    if (closed_) {  // only this thread sets it
      refuse_all(items);
      continue;
    }
    const std::uint64_t segments = journal_.segments_begun();
    if (!items.empty()) write(items);
    if (!wanted.empty())
      static_cast<void>(journal_.apply_trim(wanted, options_.retain_micros, [this] { return wait_for_space(); }));
    if (close_now) journal_.close();
    const std::scoped_lock lock(mutex_);
    if (journal_.segments_begun() != segments && !closing_) trim_asked_ = true;
    if (close_now) {
      closed_ = true;
      closed_signal_.notify_all();
    }
  }
}

void OutputLane::refuse_all(std::vector<Item>& items) {
  const Error closed{Errc::log_closed, "the log is closed"};
  for (Item& item : items) {
    if (item.fenced) item.fenced(fail(closed));
    if (!item.fenced) item.done({CommitOutcome::Kind::failed, {}, closed});
  }
}

/// Harmless alone: every eighth commit is not written and nobody hears of it, every other eighth is written and nobody does.
OutputLane::Lost OutputLane::lose_reply() {
  if (!WEIR_DEFECT("lose_replies") && !WEIR_DEFECT("unknown_taken_for_committed")) return Lost::nothing;
  switch (++commits_ % 8) {
    case 3: return Lost::commit;
    case 7: return Lost::reply;
    default: return Lost::nothing;
  }
}

/// Against what is synced plus what was decided before it for the same frame.
void OutputLane::decide(Item& item, std::vector<PartitionPosition>& ahead, const std::vector<Offset>& ingest_durable) {
  if (item.fenced) {
    for (const PartitionId partition : item.fence) {
      if (partition.value >= ahead.size()) {
        item.outcome.error = {Errc::invalid_argument,
                              fmt::format("partition {}: the log has {}", partition.value, ahead.size())};
        return;
      }
    }
    for (const PartitionId partition : item.fence) {
      PartitionPosition& now = ahead[partition.value];
      now.epoch = Epoch{now.epoch.value + 1};
      DirectoryEntry entry;
      entry.kind = EntryKind::epoch;
      entry.partition = partition.value;
      entry.epoch = now.epoch.value;
      entry.first = now.sequence.value;
      entry.to = now.committed.value;
      frame_.add(entry);
      item.positions.push_back(now);
    }
    item.written = true;
    return;
  }
  if (auto shape = check_shape(item.group, ahead.size()); !shape) {
    item.outcome = {CommitOutcome::Kind::failed, {}, std::move(shape.error())};
    return;
  }
  if (auto stale = not_current(item.group, {ahead, ingest_durable}); !stale.empty()) {
    item.outcome.kind = CommitOutcome::Kind::refused;
    item.outcome.current = std::move(stale);
    return;
  }
  item.lost = lose_reply();
  if (item.lost == Lost::commit) {
    item.outcome = {CommitOutcome::Kind::unknown, {}, {Errc::outcome_unknown, "a commit that is lost on purpose"}};
    return;
  }
  for (const PartitionCommit& part : item.group.parts) {
    PartitionPosition& now = ahead[part.partition.value];
    now.sequence = part.sequence;
    now.committed = part.to;
    DirectoryEntry entry;
    entry.kind = EntryKind::commit;
    entry.partition = part.partition.value;
    entry.count = 1;
    entry.first = part.sequence.value;
    entry.from = part.from.value;
    entry.to = part.to.value;
    entry.epoch = part.epoch.value;
    frame_.add(entry, std::span<const SharedBytes>(part.body));
  }
  item.written = true;
}

void OutputLane::write(std::vector<Item>& items) {
  std::vector<Offset> ingest_durable;
  {
    const std::scoped_lock lock(ingest_.mutex());
    for (std::uint32_t p = 0; p < ingest_.catalog().partitions(); ++p) {
      ingest_durable.push_back(Offset{ingest_.catalog().partition(p).end});
    }
  }
  // What that defect acknowledged it also takes for durable.
  if (WEIR_DEFECT("ack_before_sync")) std::fill(ingest_durable.begin(), ingest_durable.end(), Offset{UINT64_MAX});
  std::vector<PartitionPosition> ahead;
  for (std::uint32_t p = 0; p < journal_.catalog().partitions(); ++p) {  // this thread is the only one that changes it
    const PartitionLog& log = journal_.catalog().partition(p);
    ahead.push_back({PartitionId{p}, Epoch{log.epoch}, CommitSequence{log.end}, Offset{log.committed}});
  }
  frame_.clear();
  for (Item& item : items) decide(item, ahead, ingest_durable);
  WriteResult result;
  if (!frame_.empty()) result = journal_.write(frame_, {}, {}, [this] { return wait_for_space(); });
  for (Item& item : items) answer(item, result);
}

void OutputLane::answer(Item& item, const WriteResult& result) {
  const bool durable = result.kind == WriteResult::Kind::durable;
  const bool lost = result.kind == WriteResult::Kind::lost;
  if (item.fenced) {
    if (!item.written) return item.fenced(fail(std::move(item.outcome.error)));
    if (durable) return item.fenced(std::move(item.positions));
    Error error = result.error;
    if (lost) error.code = Errc::outcome_unknown;
    return item.fenced(fail(std::move(error)));
  }
  if (item.written) {
    item.outcome.kind = durable ? CommitOutcome::Kind::committed
                        : lost  ? CommitOutcome::Kind::unknown
                                : CommitOutcome::Kind::failed;
    if (!durable) item.outcome.error = result.error;
    if (durable && item.lost == Lost::reply)
      item.outcome = {CommitOutcome::Kind::unknown, {}, {Errc::outcome_unknown, "a reply that is lost on purpose"}};
  }
  item.done(std::move(item.outcome));
}

bool OutputLane::wait_for_space() {
  std::unique_lock lock(mutex_);
  return !wake_.wait_for(lock, kSpacePause, [this] { return closing_; });
}

}  // namespace weir::journal
