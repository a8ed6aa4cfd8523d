// One life of the engine in memory: its actors in one thread, on what earlier lives have left, in time that is moved by hand.
#pragma once
#include <cstdint>
#include <functional>
#include <memory>
#include <optional>
#include <vector>

#include "actors/doors/source_feed.h"
#include "actors/partition/pipeline_supervisor.h"
#include "cluster/node/compiled_pipeline.h"
#include "cluster/node/memory_sinks.h"
#include "runtime/adapters/memory/memory_disk.h"
#include "runtime/adapters/memory/memory_http_fetch.h"
#include "runtime/adapters/memory/memory_state.h"
#include "runtime/engine/pending_gauges.h"
#include "runtime/ports/door_feed.h"

namespace weir {

/// Changes the steps of the chain, to look at events between them.
using StepsWrapper = std::function<std::vector<ChainStepFactory>(std::vector<ChainStepFactory>)>;

/// Pointers outlive the life.
struct MemoryLifeSetup {
  const CompiledPipeline* pipeline = nullptr;
  std::shared_ptr<MemoryDisk> disk;
  std::vector<std::shared_ptr<MemoryStateDisk>> states;  // by partition
  MemoryHttpFetch::Script servers;
  MemorySinks* sinks = nullptr;
  std::shared_ptr<LookupBoard> lookups;
  std::shared_ptr<PendingBoard> pending;
  std::uint64_t incarnation = 0;
  UnixMicros wall = 0;  // when it begins
  std::vector<DoorGroup> groups;
  StepsWrapper wrap;
  std::vector<SourceFeedConfig> sources;  // doors beside that of the groups; their logbook is filled in
  /// Answers that stages wait for are given between two calls of go_on(), and more may be fed until everything is decided.
  bool by_hand = false;
};

/// On one thread; answers of stages may come from others. It ends when every event is terminal, the state is flushed and the sinks have
/// taken everything. Time passes when nothing else can happen.
class MemoryLife {
 public:
  explicit MemoryLife(MemoryLifeSetup setup);
  MemoryLife(const MemoryLife&) = delete;
  MemoryLife& operator=(const MemoryLife&) = delete;
  /// One that has not ended is killed, as a process is.
  ~MemoryLife();

  /// Accepted by the next go_on(). Only where it takes more.
  void feed(std::vector<DoorGroup> groups);
  [[nodiscard]] bool takes_more() const;
  /// True: it has ended, or never will. `until` of the wall clock: while events wait for answers time passes no further, and then it is
  /// false. Without it time passes meanwhile as it does outside, since another thread is to answer.
  [[nodiscard]] bool go_on(std::optional<UnixMicros> until);
  /// Of all stages that answer later: events whose answer is awaited.
  [[nodiscard]] std::uint64_t pending() const;
  [[nodiscard]] UnixMicros wall() const;
  /// When it ended: pauses of restarts and retries have passed by themselves.
  [[nodiscard]] UnixMicros ended_at() const noexcept { return ended_at_; }
  /// Of one that has ended. Errors: what ended the pipeline, with the last warning; not_ready: a sink is broken, with what broke it; internal
  /// when it does not come to an end.
  [[nodiscard]] Result<void> result() const;

 private:
  struct Parts;
  [[nodiscard]] bool settled() const;
  std::unique_ptr<Parts> parts_;
  UnixMicros ended_at_ = 0;
};

}  // namespace weir
