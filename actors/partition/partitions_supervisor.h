// What the pipeline's supervisor knows of each partition, and what follows from it for all of them.
#pragma once
#include <memory>
#include <optional>
#include <vector>

#include "actors/messages/messages.h"
#include "actors/partition/partition_actor.h"
#include "actors/supervise/child_record.h"

namespace weir {

struct PartitionSlot {
  explicit PartitionSlot(ChildRecord known) : record(std::move(known)) {}
  ChildRecord record;
  caf::actor actor;
  caf::actor child;
  std::shared_ptr<StateStore> store;
  std::shared_ptr<const void> keep;  // copies are held by who looks at the store
  Offset committed;
  std::optional<PartitionProgress> progress;  // the newest
  std::shared_ptr<PoisonBook> poison;         // outlives its actors
  bool ready = false;
  bool ever_ready = false;
  bool quarantined = false;
  bool stopped = false;
  std::vector<std::function<void(bool)>> releasing;  // who waits for a release to show what comes of it
  /// Neither done nor given up, or somebody still holds its store.
  [[nodiscard]] bool busy() const { return !quarantined && !(stopped && !store); }
};

/// Of the first partition in quarantine.
[[nodiscard]] std::optional<Error> first_quarantine(const std::vector<PartitionSlot>& slots);
[[nodiscard]] std::vector<PartitionProgress> known_progress(const std::vector<PartitionSlot>& slots);
/// Everything below what the log has given out, but for partitions in quarantine.
[[nodiscard]] bool all_decided(const std::vector<PartitionSlot>& slots, const EventLog& log);
/// Some event is to be tried again: a run is not at its end before that is decided, a node that stops leaves it to its next start.
[[nodiscard]] bool any_parked(const std::vector<PartitionSlot>& slots);
/// Each has run once, or is in quarantine.
[[nodiscard]] bool all_opened(const std::vector<PartitionSlot>& slots);

}  // namespace weir
