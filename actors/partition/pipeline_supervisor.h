// The root of a pipeline on one node: starts the committer, the partitions and the doors, replaces what dies, and knows when
// everything that was accepted is terminal.
//
// one-for-one over partitions, committer and doors. A partition is rebuilt from what is durable with a fresh store, once it and
// its views are gone. One that finds damage, or dies more often than `supervision.partition` allows, is quarantined: named, left
// alone until somebody releases it, the others run on. A door that dies too often is tried again every `window`, and named
// meanwhile; in a run, whose end it would put off for ever, it ends the pipeline. A committer that dies too often ends it, too.
// Between a death and the start that follows lies a pause that grows. If the root itself dies, the pipeline ends with `internal`.
#pragma once
#include <chrono>
#include <functional>
#include <memory>
#include <vector>

#include "actors/messages/messages.h"
#include "actors/partition/committer_actor.h"
#include "actors/partition/partition_actor.h"
#include "actors/supervise/actor_board.h"
#include "actors/supervise/child_record.h"
#include "runtime/engine/sink_gauges.h"
#include "runtime/ports/supervision_config.h"

namespace weir {

/// Spawns a door (again), monitored by the supervisor. It gets Routes and PartitionProgress, and sends DoorFinished. `entry` is its
/// place on the board.
using DoorSpawner = std::function<caf::actor(caf::event_based_actor* supervisor, std::shared_ptr<ActorEntry> entry)>;
struct PipelineDoor {
  std::string name;  // "http", "files:orders": unique
  DoorSpawner spawn;
};
/// Likewise of a sink in one partition. It gets PartitionProgress, PassTime, FinishSink and StopNode, and sends SinkEnded or SinkBroken.
struct PipelineSink {
  std::string name;
  PartitionId partition;
  DoorSpawner spawn;
  std::shared_ptr<SinkGauges> gauges;
};
/// Opens the state of a partition afresh; may take as long as opening a store, or restoring it from a snapshot, takes. For different
/// partitions it is called side by side, where PipelineSetup::beside does that.
using StoreOpener = std::function<Result<std::shared_ptr<StateStore>>(PartitionId)>;

struct PipelineSetup {
  std::uint32_t partitions = 0;
  PartitionSetup partition;   // template: `partition`, `store` and `committer` are filled in per partition
  CommitterSetup committer;
  StoreOpener open_store;
  /// Does a job beside the actors, which must not wait for it. Where it takes none (false), or is empty, the supervisor does it itself, at
  /// once. The jobs hold the supervisor: none may be left when the actor system goes.
  std::function<bool(std::function<void()>)> beside;
  std::function<bool(PartitionId)> mend_state;                // of a state that is damaged: true, opening it again gives another; may be empty
  std::vector<std::shared_ptr<PartitionGauges>> gauges;       // by partition; empty: nobody watches
  std::vector<PipelineDoor> doors;
  std::vector<PipelineSink> sinks;
  std::function<void(Result<void>)> ended;                    // exactly once, however it ends; on the supervisor's thread
  std::function<void(const PartitionProgress&)> progress;     // after every commit; may be empty
  std::function<void(const DoorFinished&)> door_finished;     // may be empty
  std::function<void(const PartitionReady&)> ready;           // a partition has opened, before its new routes; may be empty
  std::function<void(const Routes&)> routes_changed;          // for those who are no actors; may be empty
  bool until_stopped = false;  // only StopNode ends it, with success: a node that serves goes on when every door has ended
  std::chrono::milliseconds stop_patience{5'000};  // how long a stop by request waits: a full disk would make it wait for ever
  SupervisionConfig supervision;
  std::uint32_t poison_crashes_max = 3;         // limits.poison_crashes_max
  std::vector<std::vector<Suspect>> suspects;   // by partition: what crashed earlier lives of the process; may be empty
  std::uint64_t seed = 0;      // of the jitter of all pauses
  std::shared_ptr<ActorBoard> board = std::make_shared<ActorBoard>();
};

/// Of a child of the pipeline's, "partition/3".
[[nodiscard]] ChildRecord child_record(const std::string& who, const RestartLimits& limits, const PipelineSetup& setup, std::string unit);

/// StopNode ends it early: the doors first, and where it is until_stopped what they have accepted is decided, for half of
/// stop_patience; then what is in flight is committed and the state flushed. After stop_patience it ends all the same, and the next
/// run does what was not done. It quits after `ended`; its children go with it. ReleasePartition starts a quarantined partition
/// again; of any other it means nothing. Likewise ReleaseSink. Without until_stopped it ends when its sinks have taken everything, too, or are
/// broken: that is no error of the pipeline's.
[[nodiscard]] caf::actor spawn_pipeline(caf::actor_system& system, PipelineSetup setup);

}  // namespace weir
