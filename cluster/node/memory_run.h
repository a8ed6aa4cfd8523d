// The engine in memory: the actors, stages and formats of a node over the memory log and state, in one thread, with
// time that is moved by hand. Nothing waits, nothing is written. What `weir test` and `weir try` run.
#pragma once
#include <functional>
#include <memory>
#include <string>
#include <vector>

#include "cluster/node/compiled_pipeline.h"
#include "cluster/node/memory_life.h"
#include "cluster/node/memory_sinks.h"
#include "runtime/adapters/memory/memory_event_log.h"
#include "runtime/adapters/memory/memory_http_fetch.h"
#include "runtime/adapters/memory/memory_state.h"
#include "runtime/engine/dedupe_log.h"
#include "runtime/engine/partition_state.h"

namespace weir {

/// One record of the curated log.
struct CuratedRecord {
  std::string id;  // of its event
  PartitionId partition;
  std::uint16_t index = 0;
  std::int64_t event_time = 0;
  std::string type, source, payload;
};

/// What a run has left: everything a person may ask. Movable; `pipeline` must outlive it.
struct MemoryAnswers {
  Ledger ledger;  // of all partitions
  std::uint64_t accepted = 0;
  std::uint64_t in_flight = 0;
  bool balanced = true;
  std::vector<CuratedRecord> records;      // by partition, in the order of the log
  std::vector<LookupBoard::Line> lookups;  // what stages asked servers for
  std::vector<SunkRecord> sunk;            // what sinks have taken, in that order
  std::vector<PartitionPicture> pictures;  // for query_view() and query_letters(); they live as long as `states`

  struct State {
    std::unique_ptr<MemoryState> store;
    std::unique_ptr<DedupeLog> dedupe;
    std::unique_ptr<PartitionState> state;
  };
  std::vector<State> states;
};

/// Not thread-safe. `pipeline` must outlive it.
class MemoryMachine {
 public:
  /// `servers` answers what stages ask for, at once; nobody else is asked. Empty: for pipelines that ask for nothing.
  /// `target` as MemorySinks has it.
  explicit MemoryMachine(const CompiledPipeline& pipeline, MemoryHttpFetch::Script servers = {}, MemorySinks::MakeTarget target = {});

  ~MemoryMachine();

  /// A node's life from its beginning to its end. Its wall clock begins at `wall`, which does not go back from life to life. While stages
  /// wait for answers of other threads time passes as it does outside. Errors: as MemoryLife::result(). `sources`: as MemoryLifeSetup.
  [[nodiscard]] Result<void> run(std::vector<DoorGroup> groups, UnixMicros wall, const StepsWrapper& wrap = {}, std::vector<SourceFeedConfig> sources = {});

  /// The same step by step: life() is there until end(). Of the setup only wall, groups, wrap, sources and by_hand are looked at.
  void begin(MemoryLifeSetup setup);
  [[nodiscard]] MemoryLife* life() noexcept { return life_.get(); }
  /// Errors: as MemoryLife::result().
  [[nodiscard]] Result<void> end();

  /// The wall clock when the last life came to its end: pauses of restarts and retries have passed by themselves.
  [[nodiscard]] UnixMicros ended_at() const noexcept { return ended_at_; }

  /// Also while a life goes on. Errors: state_damaged, log_damaged: a broken promise of the engine.
  [[nodiscard]] Result<MemoryAnswers> answers() const;

 private:
  const CompiledPipeline* pipeline_;
  MemoryHttpFetch::Script servers_;
  std::shared_ptr<LookupBoard> lookups_ = std::make_shared<LookupBoard>();
  std::shared_ptr<PendingBoard> pending_ = std::make_shared<PendingBoard>();
  std::shared_ptr<MemoryDisk> disk_;
  std::vector<std::shared_ptr<MemoryStateDisk>> states_;
  MemorySinks sinks_;
  std::uint64_t incarnation_ = 0;
  UnixMicros ended_at_ = 0;
  std::unique_ptr<MemoryLife> life_;
};

}  // namespace weir
