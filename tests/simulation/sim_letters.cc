#include "tests/simulation/sim_letters.h"

#include <fmt/format.h>

#include <algorithm>
#include <set>

#include "tests/simulation/sim_run.h"

namespace weir::sim {

void Operator::order(SimNode& node) {
  const PartitionId p{static_cast<std::uint32_t>(rng_.below(partitions_))};
  const MemoryPartition& log = disk_.state()->partitions[p.value];
  if (log.position.committed == Offset{}) return;
  LetterOrder order;
  order.kind = static_cast<LetterOrder::Kind>(1 + rng_.below(3));
  order.who = kOperator;
  std::set<Offset> places;
  for (std::uint64_t i = order.kind == LetterOrder::Kind::edit ? 1 : 12; i-- > 0;) places.insert(Offset{rng_.below(log.position.committed.value)});
  order.offsets.assign(places.begin(), places.end());
  std::string payload;
  for (const IngestSlice& slice : log.batches) {
    if (slice.first > order.offsets[0] || order.offsets[0] >= slice.first + slice.count) continue;
    payload = IngestBatch::decode(slice.bytes)->event(static_cast<std::uint32_t>(order.offsets[0] - slice.first)).raw;
  }
  if (payload.empty()) return;  // the log has let go of it
  const std::size_t kind = payload.find("\"kind\":\"") + 8;
  static constexpr const char* kEdits[] = {"good", "needs", "bad"};
  payload.replace(kind, payload.find('"', kind) - kind, kEdits[rng_.below(std::size(kEdits))]);
  const Offset first = order.offsets[0];
  node.change_letters(p, std::move(order), std::move(payload), [this, &node, p, first](Result<std::vector<LetterFate>> fates) {
    if (fates && fates->front() == LetterFate::changed) told_of(node, p, first);
  });
}

/// Somebody was told that this letter is changed: who asks the node now must see the commit that did it.
void Operator::told_of(const SimNode& node, PartitionId p, Offset letter) {
  const auto& commits = disk_.state()->partitions[p.value].commits;
  for (auto commit = commits.rbegin(); commit != commits.rend(); ++commit) {
    const auto body = CommitBody::decode(commit->body);
    const bool changes_it = std::any_of(body->orders.begin(), body->orders.end(), [&](const LetterOrder& order) {
      return std::find(order.offsets.begin(), order.offsets.end(), letter) != order.offsets.end();
    });
    if (!changes_it) continue;
    if (node.live().partitions()[p.value].sequence < commit->sequence)
      wrong_ = fmt::format("I6 partition {}: somebody was told of commit {}, which the ledger does not have", p.value, commit->sequence.value);
    return;
  }
}

}  // namespace weir::sim
