#include "runtime/adapters/embedded_log/commit_check.h"

#include "runtime/base/fail_point.h"

namespace weir::journal {

namespace {
constexpr std::uint64_t kBodyBytesMax = std::uint64_t{64} << 20;
}

Result<void> check_shape(const CommitGroup& group, std::size_t partitions) {
  if (group.parts.empty()) return fail(Errc::invalid_argument, "a commit group without parts");
  std::vector<bool> seen(partitions);
  for (const PartitionCommit& part : group.parts) {
    if (part.partition.value >= partitions || seen[part.partition.value]) {
      return fail(Errc::invalid_argument, "partition {} of a commit group: each at most once, below {}",
                  part.partition.value, partitions);
    }
    seen[part.partition.value] = true;
    if (part.to < part.from) {
      return fail(Errc::invalid_argument, "partition {}: a commit from {} to {}", part.partition.value, part.from.value,
                  part.to.value);
    }
    std::uint64_t bytes = 0;
    for (const SharedBytes& piece : part.body) {
      if (piece.size() % 8 != 0) {
        return fail(Errc::invalid_argument, "partition {}: a piece of {} bytes, not a multiple of 8",
                    part.partition.value, piece.size());
      }
      bytes += piece.size();
    }
    if (bytes > kBodyBytesMax) {
      return fail(Errc::invalid_argument, "partition {}: a commit of {} bytes, at most {}", part.partition.value, bytes,
                  kBodyBytesMax);
    }
  }
  return {};
}

std::vector<PartitionPosition> not_current(const CommitGroup& group, const CommitView& view) {
  std::vector<PartitionPosition> stale;
  for (const PartitionCommit& part : group.parts) {
    const PartitionPosition& now = view.positions[part.partition.value];
    const bool owned = part.epoch == now.epoch && part.epoch.value != 0;
    const bool placed =
        (part.from == now.committed && part.sequence == next(now.sequence)) || WEIR_DEFECT("from_not_checked");
    const bool covered =
        part.to <= view.ingest_durable[part.partition.value] || WEIR_DEFECT("commit_past_durable_ingest");
    if (!owned || !placed || !covered) stale.push_back(now);
  }
  return stale;
}

}  // namespace weir::journal
