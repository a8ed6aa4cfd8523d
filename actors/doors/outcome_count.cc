#include "actors/doors/outcome_count.h"

#include <algorithm>

namespace weir {

void OutcomeCount::want(PartitionId partition, Offset first, Offset end, CommitSequence since) {
  for (Wanted& part : wanted_) {
    if (part.partition != partition) continue;
    // Batches of one append follow each other.
    part.first = std::min(part.first, first);
    part.end = std::max(part.end, end);
    return;
  }
  wanted_.push_back({partition, first, end, since, Offset{}});
}

void OutcomeCount::take(Wanted& part, const CommitRecord& record, const CommitBody& body) {
  if (record.sequence <= part.seen) return;
  part.seen = record.sequence;
  part.reached = record.to;
  if (record.to <= part.first || record.from >= part.end) return;
  for (const OutcomeBatch& batch : body.batches) {
    if (batch.redecided()) continue;
    for (std::uint32_t i = 0; i < batch.outcomes(); ++i) {
      const Offset offset = batch.offset(i);
      if (offset < part.first || offset >= part.end) continue;
      ++counts_[static_cast<std::size_t>(batch.outcome(i).outcome)];
      ++decided_;
    }
  }
}

Result<void> OutcomeCount::take(PartitionId partition, const std::vector<CommitRecord>& records) {
  const auto part =
      std::find_if(wanted_.begin(), wanted_.end(), [&](const Wanted& w) { return w.partition == partition; });
  if (part == wanted_.end()) return {};
  if (records.empty()) part->reached = part->end;  // nothing more there: a read that gives nothing is not made again
  for (const CommitRecord& record : records) {
    WEIR_ASSIGN(const CommitBody body, CommitBody::decode(record.body));
    take(*part, record, body);
  }
  return {};
}

}  // namespace weir
