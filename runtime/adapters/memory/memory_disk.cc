#include "runtime/adapters/memory/memory_disk.h"

#include <algorithm>

#include "runtime/adapters/memory/memory_event_log.h"
#include "runtime/base/fail_point.h"
#include "runtime/base/invariant.h"

namespace weir {

namespace {
constexpr std::uint64_t kBodyBytesMax = std::uint64_t{64} << 20;
constexpr std::size_t kSourceBytesMax = 1024;
constexpr std::size_t kPositionBytesMax = 4096;

SharedBytes joined(const std::vector<SharedBytes>& pieces) {
  if (pieces.size() == 1) return pieces.front();
  ByteArena arena;
  for (const SharedBytes& piece : pieces) arena.append(piece.view());
  return SharedBytes::take(std::move(arena));
}
}  // namespace

Result<void> check_append(const AppendGroup& group, std::size_t partitions, std::uint64_t& bytes) {
  if (group.batches.empty() && group.positions.empty()) return fail(Errc::invalid_argument, "an append of nothing");
  for (const PartitionBatch& batch : group.batches) {
    const bool good = batch.partition.value < partitions && batch.count >= 1 && batch.count <= 65'535 &&
                      batch.bytes.size() <= kBodyBytesMax;
    if (!good) {
      return fail(Errc::invalid_argument,
                  "a batch for partition {} of {}, {} events (1 to 65535), {} bytes (at most {})",
                  batch.partition.value, partitions, batch.count, batch.bytes.size(), kBodyBytesMax);
    }
    bytes += batch.bytes.size();
  }
  for (const SourcePosition& position : group.positions) {
    if (position.source.size() > kSourceBytesMax || position.position.size() > kPositionBytesMax) {
      return fail(Errc::invalid_argument, "a source of {} and a position of {} bytes: at most {} and {}",
                  position.source.size(), position.position.size(), kSourceBytesMax, kPositionBytesMax);
    }
  }
  return {};
}

Result<void> check_commit(const CommitGroup& group, std::size_t partitions) {
  if (group.parts.empty()) return fail(Errc::invalid_argument, "a commit group without parts");
  std::vector<bool> seen(partitions);
  for (const PartitionCommit& part : group.parts) {
    if (part.partition.value >= partitions || seen[part.partition.value] || part.to < part.from) {
      return fail(Errc::invalid_argument, "partition {} of a commit group, from {} to {}", part.partition.value,
                  part.from.value, part.to.value);
    }
    seen[part.partition.value] = true;
    std::uint64_t bytes = 0;
    for (const SharedBytes& piece : part.body) {
      bytes += piece.size();
      if (piece.size() % 8 != 0)
        return fail(Errc::invalid_argument, "a piece of {} bytes, not a multiple of 8", piece.size());
    }
    if (bytes > kBodyBytesMax)
      return fail(Errc::invalid_argument, "a commit of {} bytes, at most {}", bytes, kBodyBytesMax);
  }
  return {};
}

void MemoryDiskState::apply(const MemoryAppend& append) {
  for (std::size_t i = 0; i < append.group.batches.size(); ++i) {
    const PartitionBatch& batch = append.group.batches[i];
    MemoryPartition& partition = partitions[batch.partition.value];
    NODE_INVARIANT(append.first[i] == partition.ingest_end, "offsets are dense");
    partition.batches.push_back({append.first[i], batch.count, batch.bytes});
    partition.ingest_end = append.first[i] + batch.count;
  }
  for (const SourcePosition& position : append.group.positions) {
    if (position.position.empty()) {
      sources.erase(position.source);
    } else {
      sources[position.source] = position.position;
    }
  }
}

std::vector<SourcePosition> MemoryDiskState::positions_of(std::string_view prefix) const {
  std::vector<SourcePosition> found;
  for (auto at = sources.lower_bound(prefix); at != sources.end() && at->first.starts_with(prefix); ++at)
    found.push_back({at->first, at->second});
  return found;
}

std::uint64_t MemoryDiskState::output_bytes(PartitionId partition, CommitSequence after) const {
  std::uint64_t bytes = 0;
  for (const CommitRecord& commit : partitions[partition.value].commits) bytes += commit.sequence > after ? commit.body.size() : 0;
  return bytes;
}

bool MemoryDiskState::fits(const MemoryAppend& append) const {
  for (std::size_t i = 0; i < append.group.batches.size(); ++i) {
    if (append.first[i] != partitions[append.group.batches[i].partition.value].ingest_end) return false;
  }
  return true;
}

void MemoryDiskState::drop_unsynced() {
  for (auto append = unsynced.rbegin(); append != unsynced.rend(); ++append) {
    for (auto batch = append->group.batches.rbegin(); batch != append->group.batches.rend(); ++batch) {
      MemoryPartition& partition = partitions[batch->partition.value];
      partition.ingest_end = partition.batches.back().first;
      partition.batches.pop_back();
    }
  }
  unsynced.clear();
}

void MemoryDiskState::apply(const PartitionCommit& part) {
  MemoryPartition& partition = partitions[part.partition.value];
  partition.commits.push_back({part.epoch, part.sequence, part.from, part.to, joined(part.body)});
  partition.position.sequence = part.sequence;
  partition.position.committed = part.to;
}

void MemoryDiskState::fence(PartitionId partition) {
  Epoch& epoch = partitions[partition.value].position.epoch;
  epoch = Epoch{epoch.value + 1};
}

void MemoryDiskState::trim(const TrimPoint& point) {
  MemoryPartition& partition = partitions[point.partition.value];
  partition.ingest_begin = std::max(partition.ingest_begin, point.ingest_below);
  partition.output_begin = std::max(partition.output_begin, point.output_through);
  while (!partition.batches.empty() &&
         partition.batches.front().first + partition.batches.front().count <= partition.ingest_begin) {
    partition.batches.pop_front();
  }
  while (!partition.commits.empty() && partition.commits.front().sequence <= partition.output_begin)
    partition.commits.pop_front();
}

Result<std::vector<IngestSlice>> MemoryDiskState::read(const IngestRead& request) const {
  if (request.partition.value >= partitions.size()) {
    return fail(Errc::invalid_argument, "partition {}: the log has {}", request.partition.value, partitions.size());
  }
  const MemoryPartition& partition = partitions[request.partition.value];
  if (request.from < partition.ingest_begin) {
    return fail(Errc::below_horizon, "partition {}: offset {} was trimmed, the horizon is {}", request.partition.value,
                request.from.value, partition.ingest_begin.value);
  }
  std::vector<IngestSlice> slices;
  std::size_t bytes = 0;
  auto batch = std::upper_bound(partition.batches.begin(), partition.batches.end(), request.from,
                                [](Offset from, const IngestSlice& slice) { return from < slice.first + slice.count; });
  for (; batch != partition.batches.end() && (slices.empty() || bytes < request.bytes_max); ++batch) {
    bytes += batch->bytes.size();
    slices.push_back(*batch);
  }
  return slices;
}

Result<std::vector<CommitRecord>> MemoryDiskState::read(const OutputRead& request) const {
  if (request.partition.value >= partitions.size()) {
    return fail(Errc::invalid_argument, "partition {}: the log has {}", request.partition.value, partitions.size());
  }
  const MemoryPartition& partition = partitions[request.partition.value];
  if (request.after < partition.output_begin) {
    return fail(Errc::below_horizon, "partition {}: commit {} was trimmed, the horizon is {}", request.partition.value,
                request.after.value, partition.output_begin.value);
  }
  std::vector<CommitRecord> records;
  std::size_t bytes = 0;
  auto record = std::upper_bound(partition.commits.begin(), partition.commits.end(), request.after,
                                 [](CommitSequence after, const CommitRecord& r) { return after < r.sequence; });
  for (; record != partition.commits.end() && (records.empty() || bytes < request.bytes_max); ++record) {
    bytes += record->body.size();
    records.push_back(*record);
  }
  return records;
}

std::vector<PartitionPosition> MemoryDiskState::not_current(const CommitGroup& group) const {
  std::vector<PartitionPosition> stale;
  for (const PartitionCommit& part : group.parts) {
    const MemoryPartition& partition = partitions[part.partition.value];
    const PartitionPosition& now = partition.position;
    const bool owned = part.epoch == now.epoch && part.epoch != Epoch{};
    const bool placed =
        (part.from == now.committed && part.sequence == next(now.sequence)) || WEIR_DEFECT("from_not_checked");
    const bool covered = part.to <= partition.ingest_end || WEIR_DEFECT("commit_past_durable_ingest");
    if (!owned || !placed || !covered) stale.push_back(now);
  }
  return stale;
}

MemoryDisk::MemoryDisk(std::uint32_t partitions, Rng& rng) : state_(std::make_shared<MemoryDiskState>()) {
  state_->log_id.low = rng.next();
  state_->log_id.high = rng.next();
  state_->partitions.resize(partitions);
  for (std::uint32_t p = 0; p < partitions; ++p) state_->partitions[p].position.partition = PartitionId{p};
}
MemoryDisk::~MemoryDisk() = default;
std::uint32_t MemoryDisk::partitions() const noexcept {
  return static_cast<std::uint32_t>(state_->partitions.size());
}

}  // namespace weir
