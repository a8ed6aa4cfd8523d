// What a door has sent live to its partitions and they have not committed: the credit that bounds it.
#pragma once
#include <cstdint>
#include <deque>
#include <vector>

#include "runtime/base/ids.h"
#include "runtime/engine/credit_gate.h"

namespace weir {

/// Not thread-safe; one per door.
class LiveCredits {
 public:
  LiveCredits(std::uint32_t partitions, std::uint64_t events_max, std::uint64_t bytes_max)
      : partitions_(partitions), gate_(events_max, bytes_max) {}

  [[nodiscard]] bool open() const noexcept { return gate_.open(); }
  [[nodiscard]] std::uint64_t events() const noexcept { return gate_.events(); }
  [[nodiscard]] std::uint64_t events_left() const noexcept { return gate_.events_left(); }
  /// A batch that ends at `end`, behind everything sent before to this partition.
  void spend(PartitionId partition, Offset end, std::uint64_t events, std::uint64_t bytes) {
    partitions_[partition.value].push_back({end, events, bytes});
    gate_.spend(events, bytes);
  }
  /// Everything below is committed.
  void committed(PartitionId partition, Offset position) {
    std::deque<Part>& parts = partitions_[partition.value];
    for (; !parts.empty() && parts.front().end <= position; parts.pop_front())
      gate_.give_back(parts.front().events, parts.front().bytes);
  }
  /// The append was given up: what ends behind `first` will never be committed as it was sent.
  void withdraw(PartitionId partition, Offset first) {
    std::deque<Part>& parts = partitions_[partition.value];
    for (; !parts.empty() && parts.back().end > first; parts.pop_back())
      gate_.give_back(parts.back().events, parts.back().bytes);
  }
  /// Nobody waits for this partition any more.
  void forget(PartitionId partition) {
    for (const Part& part : partitions_[partition.value]) gate_.give_back(part.events, part.bytes);
    partitions_[partition.value].clear();
  }

 private:
  struct Part {
    Offset end;
    std::uint64_t events;
    std::uint64_t bytes;
  };
  std::vector<std::deque<Part>> partitions_;
  CreditGate gate_;
};

}  // namespace weir
