// The engine in memory: the actors, stages and formats of a node over the memory log and state, in one thread, with
// time that is moved by hand. Nothing waits, nothing is written. What `weir test` and `weir try` run.
#pragma once
#include <functional>
#include <memory>
#include <string>
#include <vector>

#include "actors/doors/source_feed.h"
#include "cluster/node/compiled_pipeline.h"
#include "cluster/node/memory_sinks.h"
#include "runtime/adapters/memory/memory_event_log.h"
#include "runtime/adapters/memory/memory_http_fetch.h"
#include "runtime/adapters/memory/memory_state.h"
#include "runtime/engine/dedupe_log.h"
#include "runtime/engine/partition_state.h"
#include "runtime/ports/door_feed.h"

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

/// Changes the steps of the chain, to look at events between them.
using StepsWrapper = std::function<std::vector<ChainStepFactory>(std::vector<ChainStepFactory>)>;

/// Not thread-safe. `pipeline` must outlive it.
class MemoryMachine {
 public:
  /// `servers` answers what stages ask for, at once; nobody else is asked. Empty: for pipelines that ask for nothing.
  /// `target` as MemorySinks has it.
  explicit MemoryMachine(const CompiledPipeline& pipeline, MemoryHttpFetch::Script servers = {}, MemorySinks::MakeTarget target = {});

  /// A node's life: it starts on what earlier lives have left, appends the groups in order, and ends when every event
  /// is terminal, the state is flushed and the sinks have taken everything. Its wall clock begins at `wall`, which does not go back from life to life.
  /// Errors: what ended the pipeline, with the last warning; not_ready: a sink is broken, with what broke it; internal when it does not
  /// come to an end. `sources` are doors beside that of the groups; their logbook is filled in.
  [[nodiscard]] Result<void> run(std::vector<DoorGroup> groups, UnixMicros wall, const StepsWrapper& wrap = {}, std::vector<SourceFeedConfig> sources = {});

  /// The wall clock when the last life came to its end: pauses of restarts and retries have passed by themselves.
  [[nodiscard]] UnixMicros ended_at() const noexcept { return ended_at_; }

  /// Errors: state_damaged, log_damaged: a broken promise of the engine.
  [[nodiscard]] Result<MemoryAnswers> answers() const;

 private:
  const CompiledPipeline* pipeline_;
  MemoryHttpFetch::Script servers_;
  std::shared_ptr<LookupBoard> lookups_ = std::make_shared<LookupBoard>();
  std::shared_ptr<MemoryDisk> disk_;
  std::vector<std::shared_ptr<MemoryStateDisk>> states_;
  MemorySinks sinks_;
  std::uint64_t incarnation_ = 0;
  UnixMicros ended_at_ = 0;
};

}  // namespace weir
