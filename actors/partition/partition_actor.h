// The owner of one partition: the in-flight window, dedupe, the chain, the commits. It supervises its stages and its views.
//
// Life: fence (a new epoch, the position under it) -> replay the output log behind the state's cursor -> run. A refused or
// unknown commit goes back to the fence. A dead stage is replaced, with those behind it, after a pause, and the window driven
// again: what was on its way is neither lost nor doubled. One that dies too often, dead views, damage or a broken promise end the
// actor: the supervisor rebuilds it from what is durable, with a fresh store.
//
// Credits: the window bounds what doors and the log may add; one CommitPart is with the committer at a time; ApplyCommit is
// bounded in bytes.
#pragma once
#include <memory>
#include <vector>

#include "actors/messages/messages.h"
#include "actors/messages/views_interface.h"
#include "actors/partition/window.h"
#include "actors/supervise/actor_board.h"
#include "actors/supervise/stage_shell.h"
#include "runtime/engine/partition_gauges.h"
#include "runtime/engine/views_setup.h"
#include "runtime/engine/waiting_stage.h"
#include "runtime/ports/clock.h"
#include "runtime/ports/event_log.h"
#include "runtime/ports/logbook.h"
#include "runtime/ports/state_store.h"
#include "runtime/ports/supervision_config.h"

namespace weir {

/// A version of the rules with the stages that apply it. Shared by all partitions and threads; freed when nobody uses it any
/// more: the steps keep what they work on alive.
struct ChainRules {
  RulesVersion version;
  std::vector<ChainStepFactory> steps;  // in order; reading first
};

/// Pointers outlive the actor system; `store` is this incarnation's own, closed by the supervisor after the actor's death.
struct PartitionSetup {
  PartitionId partition;
  EventLog* log = nullptr;
  const Clock* clock = nullptr;
  Logbook* logbook = nullptr;
  const ViewSet* views = nullptr;
  std::shared_ptr<StateStore> store;
  std::shared_ptr<const void> keep;  // passed on to the views: ViewsSetup::keep
  std::shared_ptr<const ChainRules> rules;
  ExtractorFactory extractor;
  ViewsSpawner spawn_views;
  caf::actor committer;
  WindowLimits window;
  WindowRules window_rules;
  DeadLettersConfig dead_letters;
  std::chrono::microseconds remember{0};
  CommitOwner owner;
  BiographyBounds biography;
  std::size_t delta_bytes_max = 4 * 1024 * 1024;
  std::uint64_t apply_bytes_max = 8 * 1024 * 1024;  // ApplyCommit on its way to the views
  std::size_t read_bytes_max = 2 * 1024 * 1024;     // one read of a log; bounds what a replay holds in memory
  std::shared_ptr<PartitionGauges> gauges;          // may be null
  StagePorts stage_ports;                           // of stages that wait; the partition is filled in
  std::shared_ptr<CodeMarks> marks = std::make_shared<PlainCodeMarks>();  // of its stages
  std::shared_ptr<PoisonBook> poison;               // what is known of events that crash stages; filled in by the supervisor
  // Of its children, and its own place; filled in by the supervisor.
  RestartLimits stage_restarts;
  std::uint64_t seed = 0;  // of the jitter of their pauses
  std::shared_ptr<ActorBoard> board;
  std::shared_ptr<ActorEntry> entry;
};

/// Takes NewRules at any time: its stages are started beside the old ones, which end when the last batch of theirs is decided.
/// At most two versions are at work; of those that come meanwhile the newest waits. No fence, no pause.
/// Monitored by `supervisor`, which gets PartitionReady, PartitionProgress, ActorFailed, PartitionStopped.
[[nodiscard]] caf::actor spawn_partition(caf::event_based_actor* supervisor, PartitionSetup setup);

}  // namespace weir
