// A stage that may wait, and what it may use: everything outside of it comes in through ports.
#pragma once
#include <cstdint>
#include <functional>
#include <memory>

#include "runtime/base/invariant.h"
#include "runtime/engine/lookup_gauges.h"
#include "runtime/engine/pending_gauges.h"
#include "runtime/engine/tap_ring.h"
#include "runtime/event/stage_work.h"
#include "runtime/ports/clock.h"
#include "runtime/ports/http_fetch.h"
#include "runtime/ports/logbook.h"

namespace weir {

/// What a node has for the stages of a partition. Pointers outlive the actors; those that are null are not to be had there.
struct StagePorts {
  PartitionId partition;
  const Clock* clock = nullptr;
  Logbook* logbook = nullptr;
  HttpFetch* fetch = nullptr;
  std::uint64_t seed = 0;  // chance, the same for all stages of a partition
  std::shared_ptr<LookupBoard> lookups;
  std::shared_ptr<TapBoard> taps;  // null: nobody can look at the stages
  std::shared_ptr<PendingBoard> pending{};
  /// Takes a task from any thread to where StageWorkHost::post may be called; empty: that is anywhere. Where there is one thread alone.
  std::function<void(std::function<void()>)> from_outside{};
};

/// As every stage immutable and shared by all partitions; the work is the partition's.
class WaitingStage : public Stage {
 public:
  /// `ports` must have what the stage needs (asserted). The stage outlives the work.
  [[nodiscard]] virtual std::unique_ptr<StageWork> make_work(const StagePorts& ports, StageWorkHost host) const = 0;
  void process(ChainBatch&, StageScratch&) const final { INVARIANT(false, "a stage that may wait is run by its work"); }
};

}  // namespace weir
