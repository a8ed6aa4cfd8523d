#include "tests/simulation/sim_trims.h"

#include <algorithm>

namespace weir::sim {

namespace {

/// As log.embedded.retain: how old what goes is at least. Longer than any request here waits for its outcomes, which it reads in the log.
constexpr std::uint64_t kRetainSteps = 3'000;
constexpr std::uint64_t kOften = 40;

}  // namespace

Trims::Trims(std::uint64_t seed, std::uint32_t partitions, MemoryDisk& disk, Snapshots& snapshots, Sinks& sinks, Witness& witness)
    : rng_(seed * 0x9e3779b97f4a7c15ull + 11), disk_(disk), snapshots_(snapshots), sinks_(sinks), witness_(witness), kept_(partitions), asked_(partitions) {}

void Trims::step(EventLog& log, UnixMicros wall) {
  while (!due_.empty() && due_.front().first <= witness_.steps) {
    const TrimPoint point = due_.front().second;
    due_.pop_front();
    const PartitionStatus status = log.status(point.partition);
    witness_.trims += point.output_through > status.output_begin && point.ingest_below > status.ingest_begin;
    asked_[point.partition.value] = std::max(asked_[point.partition.value], point.output_through);
    log.trim({point});
  }
  if (rng_.chance(kOften)) plan(PartitionId{static_cast<std::uint32_t>(rng_.below(kept_.size()))}, log, wall);
}

/// The newest commit stays: it says what is parked.
void Trims::plan(PartitionId partition, EventLog& log, UnixMicros wall) {
  const PartitionStatus status = log.status(partition);
  auto point = snapshots_.verify_and_trim(partition, status, sinks_.need(partition), wall);
  if (!point || status.position.sequence <= CommitSequence{1}) return;
  point->output_through = std::min(point->output_through, CommitSequence{status.position.sequence.value - 1});
  const MemoryPartition& now = disk_.state()->partitions[partition.value];
  MemoryPartition& kept = kept_[partition.value];
  for (const CommitRecord& commit : now.commits)
    if (commit.sequence <= point->output_through && (kept.commits.empty() || kept.commits.back().sequence < commit.sequence)) kept.commits.push_back(commit);
  for (const IngestSlice& batch : now.batches)
    if (batch.first + batch.count <= point->ingest_below && (kept.batches.empty() || kept.batches.back().first < batch.first)) kept.batches.push_back(batch);
  due_.push_back({witness_.steps + kRetainSteps, *point});
}

bool Trims::may_lose_state(PartitionId partition) {
  const MemoryPartition& log = disk_.state()->partitions[partition.value];
  PartitionStatus status;
  status.position = log.position;
  status.output_begin = std::max(log.output_begin, asked_[partition.value]);  // the log may still be about to
  if (!snapshots_.can_restore(partition, status)) return false;               // nobody promises that
  // What comes back may be older than what was to go.
  std::erase_if(due_, [partition](const auto& due) { return due.second.partition == partition; });
  return true;
}

void Trims::put_back() {
  for (std::size_t p = 0; p < kept_.size(); ++p) {
    MemoryPartition& log = disk_.state()->partitions[p];
    MemoryPartition& kept = kept_[p];
    while (!kept.commits.empty() && kept.commits.back().sequence > log.output_begin) kept.commits.pop_back();
    log.commits.insert(log.commits.begin(), kept.commits.begin(), kept.commits.end());
    while (!kept.batches.empty() && !log.batches.empty() && kept.batches.back().first >= log.batches.front().first) kept.batches.pop_back();
    log.batches.insert(log.batches.begin(), kept.batches.begin(), kept.batches.end());
    log.output_begin = {};
    log.ingest_begin = {};
  }
}

}  // namespace weir::sim
