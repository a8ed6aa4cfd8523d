// Everything the actors of one node say to each other. In-process only: none of these ever crosses the network.
// Facts are in the past tense, requests are imperatives. Who sends what to whom:
//
//   door -> partition     LiveBatch, IngestDurable
//   partition -> stage -> … -> partition   ChainWork (the last one comes home)
//   stage -> partition       StageCrashed;   what a stage asked -> stage   StageTask
//   partition -> committer   CommitPart;   committer -> partition   CommitDecided
//   partition -> views       ApplyCommit, FlushState;   views -> partition   CommitApplied, StateFlushed
//   whoever asks -> views    VisitState;   letter_messages.h has those about dead letters, sink_messages.h those of sinks
//   partition -> supervisor -> doors, observers   PartitionProgress
//   node -> supervisor -> partition   PassTime, NewRules;   node -> supervisor   ReleasePartition
//   supervisor -> door, partition   Routes, CommitterUp;   supervisor -> itself   StartAgain, StoreOpened;   partition -> itself   RestartStages, RetryDue
//   log completions -> whoever asked   Fenced, IngestSlices, OutputRecords, AppendEnded, GroupDecided
#pragma once
#include <cstdint>
#include <functional>
#include <memory>
#include <optional>
#include <string>
#include <vector>

#include "actors/messages/caf_forms.h"
#include "actors/messages/state_visit.h"
#include "runtime/base/result.h"
#include "runtime/event/chain_batch.h"
#include "runtime/event/commit_body.h"
#include "runtime/event/ingest_batch.h"
#include "runtime/event/log_records.h"

namespace weir {

struct DedupeBlocks;
class StateStore;

struct ChainRules;  // stages and tables of one moment: the node makes them, partitions know them (actors/partition/partition_actor.h)
class TokenTable;  // messages carry it, the one who fills it and the one who reads it know it (runtime/engine/view_set.h)

// ---- doors and partitions

/// A batch that was given offsets and may be processed ahead of its sync. A partition that cannot use it now drops it and reads
/// it from the log later: nothing depends on this message.
struct LiveBatch {
  Offset first;
  IngestBatch batch;
  std::uint64_t generation = 0;  // the log's append_generation it was appended in: void in any other
};
/// More of the partition's ingest may be durable: it looks. Sent with every append that became so, and by a door that was started
/// again, for its predecessor may have died before it could tell.
struct IngestDurable {};
/// The committed position of a partition, after every commit and after every start.
struct PartitionProgress {
  PartitionId partition;
  Offset committed;
  CommitSequence sequence;
  Ledger ledger;
  std::uint64_t ids = 0;  // remembered by dedupe
  Epoch epoch;
};
/// Time has passed: a partition that has nothing to do forgets what its clock says is to be forgotten. Sent every now and then.
struct PassTime {};
/// Handles of all partitions, by number; an empty handle is a partition that is being rebuilt. A quarantined one commits nothing
/// any more: what is appended for it lies in the log, and nobody waits for it.
struct Routes {
  std::vector<caf::actor> partitions;
  std::vector<caf::actor> views;
  std::vector<bool> quarantined;
  std::vector<std::string> errors;  // of the quarantined: why
};

// ---- the chain

/// A round of events on its way through the stages of its partition. `route[next]` is whose turn it is; the last one is home.
struct ChainWork {
  std::uint64_t drive = 0;
  std::uint64_t serial = 0;
  std::uint32_t round = 0;
  std::size_t next = 0;
  std::shared_ptr<ChainBatch> batch;
  std::shared_ptr<const std::vector<caf::actor>> route;
};

/// What a stage waited for, to be run by its shell.
struct StageTask {
  std::function<void()> task;
};

// ---- commits

struct CommitPart {
  PartitionCommit part;
  std::size_t bytes = 0;
  caf::actor partition;
};
/// What became of the part. refused and unknown: fence and read back before anything is driven again.
struct CommitDecided {
  CommitSequence sequence;
  CommitOutcome::Kind kind = CommitOutcome::Kind::unknown;
  Error error{Errc::internal, {}};  // of every kind but committed
};
struct CommitterUp {
  caf::actor committer;
};
struct GroupDecided {
  CommitOutcome outcome;
};
/// A timer of the receiver's own; an old generation is ignored.
struct CommitTick {
  std::uint64_t generation = 0;
};

// ---- views

/// A commit to be applied, in sequence. The sender spends bytes of credit and gets them back with CommitApplied.
struct ApplyCommit {
  CommitSequence sequence;
  Offset from;
  Offset to;
  std::shared_ptr<const CommitBody> body;
  std::vector<std::shared_ptr<const TokenTable>> tables;  // of body->batches; empty, or null where there is none
  std::shared_ptr<const DedupeBlocks> dedupe;             // what the index made of it; null when it was ahead
  std::size_t bytes = 0;
};
struct CommitApplied {
  CommitSequence sequence;
  std::size_t bytes = 0;
};
/// Flush everything applied so far; answered by StateFlushed once the store holds it.
struct FlushState {};
/// The store holds everything up to `sequence`; dedupe entries below `dedupe_end` are in it.
struct StateFlushed {
  CommitSequence sequence;
  std::uint64_t dedupe_end = 0;
};
/// Look at the state when it stands far enough: held back until then, at most kVisitsMax at a time (more are answered with
/// limit_reached). Dropped with the actor, which answers it.
struct VisitState {
  std::shared_ptr<StateVisit> visit;
};
inline constexpr std::size_t kVisitsMax = 4'096;
struct FlushEnded {
  Result<void> result;
};

// ---- answers of the log, as messages

struct Fenced {
  std::uint64_t generation = 0;
  Result<std::vector<PartitionPosition>> positions;
};
struct IngestSlices {
  std::uint64_t generation = 0;
  Result<std::vector<IngestSlice>> slices;
};
struct OutputRecords {
  std::uint64_t generation = 0;
  Result<std::vector<CommitRecord>> records;
};
struct AppendEnded {
  std::uint64_t number = 0;
  Result<void> result;
};

// ---- supervision

/// An actor gives up: what its supervisor writes down and, when it goes on for too long, fails the pipeline with.
struct ActorFailed {
  std::string who;
  Error error;
};
/// A stage crashed, with this round in its hands, and is about to die. To its partition.
struct StageCrashed {
  std::string who;
  Error error;
  std::uint64_t drive = 0;
  std::uint64_t serial = 0;
  std::uint32_t round = 0;
  std::optional<Offset> event;  // the one it was at, where that is known
};
/// Stages or tables have changed: batches admitted from now on are decided by these. To the supervisor, which passes it on to
/// every partition, also to those it starts later.
struct NewRules {
  std::shared_ptr<const ChainRules> rules;
};
/// A timer of the supervisor's own: the pause before a start is over.
struct StartAgain {
  enum class What : std::uint8_t { partition, door, committer, rebuild, sink };
  What what = What::partition;
  std::uint32_t index = 0;  // of partitions, doors and sinks
};
/// The state of a partition is open, or cannot be. To the supervisor, from wherever it was opened.
struct StoreOpened {
  PartitionId partition;
  Result<std::shared_ptr<StateStore>> store;
};
/// Try a quarantined partition again. To the supervisor, which says what became of it, once, on its own thread, after its state was opened, or
/// could not be, and the new routes are told: whether it was quarantined.
struct ReleasePartition {
  PartitionId partition;
  std::function<void(bool released)> done;  // may be empty
};
/// A timer of the partition's own: the pause before its stages are started again is over.
struct RestartStages {};
/// A timer of the partition's own: a parked event is due. An old generation is ignored.
struct RetryDue {
  std::uint64_t generation = 0;
};
/// A partition started an actor that uses its store: the store is closed only when both are gone.
struct PartitionChild {
  PartitionId partition;
  caf::actor child;
};
/// A partition has opened: it may be sent batches.
struct PartitionReady {
  PartitionId partition;
  PartitionProgress progress;
};
/// A door has nothing more to read and everything it appended is durable; `ends` are the offsets by partition that must be
/// committed for all of its events to be terminal (0: nothing of this door).
struct DoorFinished {
  std::string door;
  std::vector<Offset> ends;
  std::uint64_t events = 0;    // accepted by this door since it was started
  Result<void> result;         // an error: it stopped early; what was read before counts
};
struct PumpDoor {};
struct RetryAppend {};
/// Finish what is in flight, flush, and stop.
struct StopNode {};
/// To itself: what was accepted had its time to be decided.
struct StopPartitions {};
/// To itself: what was to finish had its time.
struct StopOverdue {};
/// The pipeline is drained, stopped or broken. Sent once to the node's root.
struct PipelineEnded {
  Result<void> result;
};
struct PartitionStopped {
  PartitionId partition;
};

}  // namespace weir

#define WEIR_IN_PROCESS_MESSAGE(type) CAF_ALLOW_UNSAFE_MESSAGE_TYPE(weir::type)
WEIR_IN_PROCESS_MESSAGE(LiveBatch)
WEIR_IN_PROCESS_MESSAGE(IngestDurable)
WEIR_IN_PROCESS_MESSAGE(PartitionProgress)
WEIR_IN_PROCESS_MESSAGE(PassTime)
WEIR_IN_PROCESS_MESSAGE(Routes)
WEIR_IN_PROCESS_MESSAGE(ChainWork)
WEIR_IN_PROCESS_MESSAGE(StageTask)
WEIR_IN_PROCESS_MESSAGE(CommitPart)
WEIR_IN_PROCESS_MESSAGE(CommitDecided)
WEIR_IN_PROCESS_MESSAGE(CommitterUp)
WEIR_IN_PROCESS_MESSAGE(GroupDecided)
WEIR_IN_PROCESS_MESSAGE(CommitTick)
WEIR_IN_PROCESS_MESSAGE(ApplyCommit)
WEIR_IN_PROCESS_MESSAGE(CommitApplied)
WEIR_IN_PROCESS_MESSAGE(FlushState)
WEIR_IN_PROCESS_MESSAGE(StateFlushed)
WEIR_IN_PROCESS_MESSAGE(VisitState)
WEIR_IN_PROCESS_MESSAGE(FlushEnded)
WEIR_IN_PROCESS_MESSAGE(Fenced)
WEIR_IN_PROCESS_MESSAGE(IngestSlices)
WEIR_IN_PROCESS_MESSAGE(OutputRecords)
WEIR_IN_PROCESS_MESSAGE(AppendEnded)
WEIR_IN_PROCESS_MESSAGE(ActorFailed)
WEIR_IN_PROCESS_MESSAGE(StageCrashed)
WEIR_IN_PROCESS_MESSAGE(NewRules)
WEIR_IN_PROCESS_MESSAGE(StartAgain)
WEIR_IN_PROCESS_MESSAGE(ReleasePartition)
WEIR_IN_PROCESS_MESSAGE(StoreOpened)
WEIR_IN_PROCESS_MESSAGE(RestartStages)
WEIR_IN_PROCESS_MESSAGE(RetryDue)
WEIR_IN_PROCESS_MESSAGE(PartitionChild)
WEIR_IN_PROCESS_MESSAGE(PartitionReady)
WEIR_IN_PROCESS_MESSAGE(DoorFinished)
WEIR_IN_PROCESS_MESSAGE(PumpDoor)
WEIR_IN_PROCESS_MESSAGE(RetryAppend)
WEIR_IN_PROCESS_MESSAGE(StopNode)
WEIR_IN_PROCESS_MESSAGE(StopPartitions)
WEIR_IN_PROCESS_MESSAGE(StopOverdue)
WEIR_IN_PROCESS_MESSAGE(PipelineEnded)
WEIR_IN_PROCESS_MESSAGE(PartitionStopped)
