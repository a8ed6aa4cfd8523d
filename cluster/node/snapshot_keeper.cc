#include "cluster/node/snapshot_keeper.h"

#include <algorithm>
#include <filesystem>
#include <future>
#include <map>

#include "cluster/node/log_reader.h"
#include "cluster/node/waiting.h"
#include "runtime/base/hash.h"
#include "runtime/base/invariant.h"
#include "runtime/base/units.h"

namespace weir {

namespace {

/// Requests that wait for their turn. Arbitrary: nobody needs more.
constexpr std::size_t kWaitingMax = 16;
constexpr std::chrono::milliseconds kLookEvery{1'000};
/// How often the log is told what may go, besides whenever a snapshot was made or tried out: sinks go on, and what was young grows old.
constexpr std::chrono::seconds kTrimEvery{60};
/// How long a flush may take before a snapshot is given up: a full disk would keep it waiting for ever.
constexpr std::chrono::seconds kFlushPatience{60};
/// How soon a snapshot that failed is tried again.
constexpr std::chrono::microseconds kRetry = std::chrono::minutes(1);

/// What the views' actor said of the state that is to be copied.
struct Flushed {
  const StateStore* store = nullptr;
  std::shared_ptr<const void> keep;  // keeps the store open
  CommitSequence sequence;
};

/// In the tree the pipeline stands first, whoever is there first.
std::shared_ptr<ActorEntry> entry_behind_pipeline(ActorBoard& board) {
  static_cast<void>(board.entry("pipeline"));
  return board.entry("snapshots");
}

}  // namespace

SnapshotKeeper::SnapshotKeeper(const SnapshotGround& ground, const SnapshotConfig& config, const LogNeeds& needs, EventLog& log, LiveState& state,
                               std::shared_ptr<ActorBoard> board, Logbook& logbook)
    : ground_(ground),
      config_(config),
      needs_(needs),
      log_(log),
      state_(state),
      logbook_(logbook),
      entry_(entry_behind_pipeline(*board)),
      started_(ground.clock->wall()),
      stands_(ground.pipeline->partitions),
      ids_(ground.pipeline->partitions),
      failed_at_(ground.pipeline->partitions),
      tried_at_(ground.pipeline->partitions),
      plans_(ground.pipeline->partitions),
      complete_(ground.pipeline->partitions),
      trimmed_(ground.clock->now()),
      pool_(1, kWaitingMax, WorkPool::Priority::background) {
  ground_.ending = &stopping_;
  busy_ = true;
  const bool begun = pool_.post([this] {
    remove_directory(scratch_directory(ground_.data));
    for (std::uint32_t p = 0; p < stands_.size(); ++p) learn(PartitionId{p});
    entry_->state(ActorState::running);
    const std::scoped_lock lock(mutex_);
    busy_ = false;
  });
  INVARIANT(begun, "a pool that was just made takes work");
}

/// Reads what the store has of a partition.
void SnapshotKeeper::learn(PartitionId partition) {
  const auto known = ground_.store->list(partition);
  if (!known) {
    logbook_.write(LogLevel::warn, "snapshots", describe(known.error()));
    return;
  }
  const StoredSnapshot* newest = newest_usable(*known, ground_.place);
  trim(partition, *known);
  std::map<Digest128, std::uint64_t> contents;
  std::uint64_t usable = 0;
  std::optional<UnixMicros> verified_at;
  for (const StoredSnapshot& snapshot : *known) {
    if (!snapshot.manifest || !snapshot.trouble.empty() || !foreign_reason(*snapshot.manifest, ground_.place).empty()) continue;
    ++usable;
    if (snapshot.verified_at) verified_at = std::max(verified_at.value_or(*snapshot.verified_at), *snapshot.verified_at);
    for (const SnapshotFile& file : snapshot.manifest->files) contents[file.checksum] = file.size;
  }
  const std::scoped_lock lock(mutex_);
  SnapshotStand& stand = stands_[partition.value];
  stand.newest_at.reset();
  stand.newest = {};
  stand.newest_base.reset();
  ids_[partition.value].clear();
  if (newest != nullptr) {
    stand.newest_at = newest->manifest->created_at;
    stand.newest = newest->manifest->sequence;
    stand.newest_base = RecoveryBase{newest->manifest->sequence, newest->manifest->committed, newest->manifest->bytes()};
    ids_[partition.value] = newest->id;
  }
  stand.usable = usable;
  stand.verified_at = verified_at;
  stand.bytes = 0;
  for (const auto& [checksum, size] : contents) stand.bytes += size;
}

/// Every view of the state is filled, and that is on the disk: a restart reads nothing of the log that lies below its cursor. What a
/// view still has to read must not go.
bool SnapshotKeeper::holds_all_views(PartitionId partition) {
  if (complete_[partition.value]) return true;
  auto answer = std::make_shared<std::promise<bool>>();
  auto future = answer->get_future();
  state_.visit_flushed(partition, [answer](const Result<const PartitionState*>& state, const std::shared_ptr<const void>&) {
    answer->set_value(state && (*state)->views_complete());
  });
  complete_[partition.value] = future.wait_for(kFlushPatience) == std::future_status::ready && future.get();
  return complete_[partition.value];
}

/// Tells the log what nobody needs any more.
void SnapshotKeeper::trim(PartitionId partition, const std::vector<StoredSnapshot>& known) {
  const PartitionStatus status = log_.status(partition);
  TrimPlan plan = plan_trim(partition, known, ground_.place, status, needs_.sinks->taken_by_all(static_cast<std::uint32_t>(stands_.size()))[partition.value]);
  // Also when the horizon stands there already: what could not be given back, or was not before a death, is tried again.
  if (plan.point && needs_.retain && !stopping_ && holds_all_views(partition)) log_.trim({*plan.point});
  const std::scoped_lock lock(mutex_);
  plans_[partition.value] = std::move(plan);
}

/// What keeps the log from letting go of more.
std::string SnapshotKeeper::held_by(const TrimPlan& plan, const PartitionStatus& log) const {
  if (!needs_.retain) return "log.embedded.retain: all";
  if (plan.point && plan.point->output_through > log.output_begin) return fmt::format("log.embedded.retain: {}", format_duration(*needs_.retain));
  return plan.held_by;
}

void SnapshotKeeper::look() {
  const TimePoint now = ground_.clock->now();
  const UnixMicros wall = ground_.clock->wall();
  const std::vector<LivePartition> live = state_.partitions();
  const std::scoped_lock lock(mutex_);
  if (busy_ || stopping_ || (looked_ && now - *looked_ < kLookEvery)) return;
  looked_ = now;
  const auto begin = [this](std::function<void()> job) {
    busy_ = pool_.post([this, job = std::move(job)] {
      job();
      const std::scoped_lock done(mutex_);
      busy_ = false;
      looked_.reset();  // the next one may be due as well
    });
  };
  for (std::uint32_t p = 0; p < stands_.size(); ++p) {
    const SnapshotStand& stand = stands_[p];
    const std::uint64_t commits = live[p].sequence.value - std::min(live[p].sequence.value, stand.newest.value);
    // Nothing at the very start: what there is then came out of the log a moment ago.
    if (!live[p].ready || !snapshot_due(config_, wall, stand.newest_at.value_or(started_), commits)) continue;
    if (failed_at_[p] && wall - *failed_at_[p] < std::min(kRetry, config_.interval).count()) continue;
    return begin([this, p] { static_cast<void>(make_one(PartitionId{p})); });
  }
  for (std::uint32_t p = 0; p < stands_.size(); ++p) {
    if (!live[p].ready || !stands_[p].newest_at) continue;
    const UnixMicros last = std::max(stands_[p].verified_at.value_or(started_), tried_at_[p].value_or(started_));
    if (!verify_due(config_, wall, last)) continue;
    return begin([this, p] { static_cast<void>(verify_one(PartitionId{p}, {})); });
  }
  if (now - trimmed_ < kTrimEvery) return;
  trimmed_ = now;
  begin([this] {
    for (std::uint32_t p = 0; p < stands_.size(); ++p) learn(PartitionId{p});
  });
}

/// A checkpoint of everything that is applied now. Returns its commit; none: nothing is committed, or nothing behind `known`.
Result<std::optional<CommitSequence>> SnapshotKeeper::checkpoint(PartitionId partition, const std::string& directory, CommitSequence known) {
  auto answer = std::make_shared<std::promise<Result<Flushed>>>();
  auto future = answer->get_future();
  state_.visit_flushed(partition, [answer, partition](Result<const PartitionState*> state, const std::shared_ptr<const void>& keep) {
    if (!state) return answer->set_value(fail(std::move(state.error())));
    if (!(*state)->views_complete())
      return answer->set_value(fail(Errc::not_ready, "partition {}: a view is still being filled; a snapshot is made when it is", partition.value));
    answer->set_value(Flushed{&(*state)->store(), keep, (*state)->durable()});
  });
  if (future.wait_for(kFlushPatience) != std::future_status::ready)
    return fail(Errc::not_ready, "partition {}: its state could not be flushed within {}; is the disk full?", partition.value,
                format_duration(std::chrono::duration_cast<std::chrono::microseconds>(kFlushPatience)));
  WEIR_ASSIGN(const Flushed flushed, future.get());
  if (flushed.sequence == CommitSequence{} || flushed.sequence == known) return std::nullopt;
  remove_directory(directory);
  std::error_code code;
  std::filesystem::create_directories(scratch_directory(ground_.data), code);
  if (code) return fail(Errc::io_failed, "cannot make {}: {}", scratch_directory(ground_.data), code.message());
  WEIR_TRY(flushed.store->checkpoint(directory));
  return flushed.sequence;
}

Result<SnapshotFate> SnapshotKeeper::try_one(PartitionId partition) {
  const std::string directory = checkpoint_directory(ground_.data, partition);
  CommitSequence newest;
  {
    const std::scoped_lock lock(mutex_);
    newest = stands_[partition.value].newest;
  }
  WEIR_ASSIGN(const auto sequence, checkpoint(partition, directory, newest));
  SnapshotFate fate;
  fate.partition = partition;
  if (sequence) {
    WEIR_ASSIGN(const MadeSnapshot made, publish_checkpoint(ground_, partition, directory, config_.keep));
    fate.made = true;
    logbook_.write(LogLevel::info, "snapshots",
                   fmt::format("partition {}: snapshot {} at commit {}, {} in {} files{}", partition.value, made.id, made.manifest.sequence.value,
                               format_size(made.manifest.bytes()), made.manifest.files.size(),
                               made.removed.empty() ? "" : fmt::format("; {} older removed", made.removed.size())));
  }
  return fate;
}

SnapshotFate SnapshotKeeper::make_one(PartitionId partition) {
  const std::uint32_t p = partition.value;
  entry_->note(fmt::format("makes a snapshot of partition {}", p));
  const TimePoint begun = ground_.clock->now();
  auto fate = stopping_ ? fail(Errc::cancelled, "the node is stopping") : try_one(partition);
  remove_directory(checkpoint_directory(ground_.data, partition));
  learn(partition);
  entry_->note("");
  std::unique_lock lock(mutex_);
  SnapshotStand& stand = stands_[p];
  if (fate) {
    failed_at_[p].reset();
    if (fate->made) {
      ++stand.made;
      stand.seconds = std::chrono::duration<double>(ground_.clock->now() - begun).count();
    }
    fate->id = ids_[p];
    lock.unlock();
    told({}, false);
    return *fate;
  }
  const UnixMicros wall = ground_.clock->wall();
  failed_at_[p] = wall;
  const std::string id = ids_[p];
  // A partition that is being rebuilt, a view that is being filled, a node that ends: no failure of anybody's.
  const bool later = fate.error().code == Errc::not_ready || fate.error().code == Errc::cancelled;
  if (!later) ++stand.failed;
  lock.unlock();
  if (!later) {
    const std::string text = fmt::format("partition {}: no snapshot could be made, it is tried again: {}", p, describe(fate.error()));
    logbook_.write(LogLevel::warn, "snapshots", text);
    told(text, true);
  }
  return {partition, id, false, describe(fate.error())};
}

/// What the tree says: failing as long as some partition's last snapshot failed, or its last trial did.
void SnapshotKeeper::told(const std::string& text, bool failing) {
  if (failing) entry_->died(text, ground_.clock->wall());
  {
    const std::scoped_lock lock(mutex_);
    failing = std::any_of(failed_at_.begin(), failed_at_.end(), [](const auto& at) { return at.has_value(); }) ||
              std::any_of(stands_.begin(), stands_.end(), [](const SnapshotStand& stand) { return stand.bad; });
  }
  entry_->state(failing ? ActorState::failing : ActorState::running);
}

Result<TrialFate> SnapshotKeeper::try_verify(PartitionId partition, const TrialBase& base) {
  const std::string directory = checkpoint_directory(ground_.data, partition);
  WEIR_ASSIGN(const auto sequence, checkpoint(partition, directory, {}));
  TrialFate nothing;
  nothing.partition = partition;
  nothing.good = true;
  if (!sequence) return nothing;
  ReplaySetup setup;
  setup.partition = partition;
  setup.log_id = ground_.place.log_id;
  setup.views = ground_.views;
  setup.remember = ground_.pipeline->dedupe.remember;
  WEIR_ASSIGN(auto store, ground_.states->open_read_only(directory, *ground_.merger));
  WEIR_ASSIGN(const auto opened, ReplayedState::open(std::move(store), setup));
  const PartitionState& state = opened->state();
  PresentState present{state.sequence(), {}, state.picture()};
  WEIR_ASSIGN(present.digest, state.state_digest());
  const LiveLogReader log(log_);
  TrialSetup trial;
  trial.partition = partition;
  trial.status = log.status(partition);
  trial.read = [&log](const OutputRead& read) { return log.read_output(read); };
  trial.aside = fmt::format("{}/trial-{}", scratch_directory(ground_.data), partition.value);
  return try_out(ground_, trial, base, present);
}

TrialFate SnapshotKeeper::verify_one(PartitionId partition, const TrialBase& base) {
  const std::uint32_t p = partition.value;
  entry_->note(fmt::format("tries out a snapshot of partition {}", p));
  auto fate = stopping_ ? fail(Errc::cancelled, "the node is stopping") : try_verify(partition, base);
  remove_directory(checkpoint_directory(ground_.data, partition));
  learn(partition);
  entry_->note("");
  if (!fate) {
    const Error& error = fate.error();
    TrialFate failed;
    failed.partition = partition;
    failed.error = describe(error);
    if (error.code != Errc::cancelled && error.code != Errc::not_ready)
      logbook_.write(LogLevel::warn, "snapshots", fmt::format("partition {}: no snapshot could be tried out, it is tried again: {}", p, failed.error));
    const std::scoped_lock lock(mutex_);
    // Soon, but not at once: as if the last time had been that much later.
    tried_at_[p] = ground_.clock->wall() - std::max<std::int64_t>(0, (config_.verify_interval - kRetry).count());
    return failed;
  }
  if (!fate->tried) {
    const std::scoped_lock lock(mutex_);
    tried_at_[p] = ground_.clock->wall();
    return *fate;
  }
  const std::string from = fate->base.empty() ? "the first commit" : fmt::format("snapshot {} (commit {})", fate->base, fate->from.value);
  {
    const std::scoped_lock lock(mutex_);
    tried_at_[p] = ground_.clock->wall();
    SnapshotStand& stand = stands_[p];
    ++stand.tried;
    stand.tried_bad += fate->good ? 0 : 1;
    stand.bad = !fate->good;
    if (fate->good) speed_ = learn_speed(speed_, fate->measure);
  }
  if (fate->good) {
    logbook_.write(LogLevel::info, "snapshots", fmt::format("partition {}: {} and the log lead to the present state at commit {}", p, from, fate->until.value));
    told({}, false);
  } else {
    const std::string text = fate->difference.empty() ? fmt::format("partition {}: cannot be rebuilt from {}: {}", p, from, fate->error)
                                                      : fmt::format("partition {}: {} and the log do not lead to the present state at commit {}: {}", p, from, fate->until.value, fate->difference);
    logbook_.write(LogLevel::error, "snapshots", text);
    told(text, true);
  }
  return *fate;
}

void SnapshotKeeper::verify(const std::string& from, TrialsDone done) {
  const auto base = parse_trial_base(from);
  if (!base) return done(fail(base.error()));
  std::vector<PartitionId> partitions;
  if (const auto name = parse_snapshot_id(from)) {
    if (name->partition.value >= stands_.size()) return done(fail(Errc::not_found, "there is no snapshot {}; weir snapshot list shows them", from));
    partitions.push_back(name->partition);
  } else {
    for (std::uint32_t p = 0; p < stands_.size(); ++p) partitions.push_back(PartitionId{p});
  }
  auto waiting = std::make_shared<Waiting<std::vector<TrialFate>>>(std::move(done));
  const bool taken = pool_.post([this, waiting, partitions, base = *base] {
    std::vector<TrialFate> fates;
    for (const PartitionId partition : partitions) fates.push_back(verify_one(partition, base));
    waiting->answer(std::move(fates));
  });
  if (!taken && !stopping_) waiting->answer(fail(Errc::limit_reached, "too many ask for snapshots already; ask again later"));
}

void SnapshotKeeper::make(FatesDone done) {
  auto waiting = std::make_shared<Waiting<std::vector<SnapshotFate>>>(std::move(done));
  const bool taken = pool_.post([this, waiting] {
    std::vector<SnapshotFate> fates;
    for (std::uint32_t p = 0; p < stands_.size(); ++p) fates.push_back(make_one(PartitionId{p}));
    waiting->answer(std::move(fates));
  });
  if (!taken && !stopping_) waiting->answer(fail(Errc::limit_reached, "too many ask for snapshots already; ask again later"));
}

Result<SnapshotList> SnapshotKeeper::list() const {
  std::vector<PartitionStatus> logs;
  for (std::uint32_t p = 0; p < stands_.size(); ++p) logs.push_back(log_.status(PartitionId{p}));
  RebuildSpeed speed;
  std::vector<TrimPlan> plans;
  {
    const std::scoped_lock lock(mutex_);
    speed = speed_;
    plans = plans_;
  }
  WEIR_ASSIGN(SnapshotList list, list_snapshots(*ground_.store, logs, ground_.place, speed));
  for (RecoveryReport& report : list.recovery) report.held_by = held_by(plans[report.partition.value], logs[report.partition.value]);
  return list;
}

std::vector<SnapshotStand> SnapshotKeeper::stands() const {
  const std::scoped_lock lock(mutex_);
  std::vector<SnapshotStand> stands = stands_;
  for (SnapshotStand& stand : stands) stand.speed = speed_;
  return stands;
}

void SnapshotKeeper::stop() {
  end();
  pool_.stop();
  entry_->state(ActorState::stopped);
}

}  // namespace weir
