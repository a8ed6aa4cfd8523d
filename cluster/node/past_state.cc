#include "cluster/node/past_state.h"

#include <algorithm>

#include "cluster/node/waiting.h"
#include "runtime/base/hash.h"
#include "runtime/base/time_text.h"
#include "runtime/event/commit_body.h"

namespace weir {

namespace {

/// Questions that wait for their turn. Arbitrary: each may take a while.
constexpr std::size_t kWaitingMax = 16;
/// How long a state that nobody asks for is kept: somebody who reads a page and thinks. It takes disk, and memory for what was replayed.
constexpr std::chrono::minutes kKeep{2};

Result<CommitRecord> read_commit(const LogReader& log, PartitionId partition, CommitSequence sequence) {
  WEIR_ASSIGN(auto read, log.read_output({partition, CommitSequence{sequence.value - 1}, 1}));
  if (read.empty() || read.front().sequence != sequence)
    return fail(Errc::log_damaged, "partition {}: the output log does not hold commit {}", partition.value, sequence.value);
  return std::move(read.front());
}

Result<std::int64_t> committed_at(const LogReader& log, PartitionId partition, CommitSequence sequence) {
  WEIR_ASSIGN(const CommitRecord record, read_commit(log, partition, sequence));
  WEIR_ASSIGN(const CommitBody body, CommitBody::decode(record.body));
  return body.meta.committed_at;
}

/// The last commit of the log for which `early` holds; it holds for all before it. None: it holds for none that the log has.
template <class Early>
Result<std::optional<CommitSequence>> last_early(const PartitionStatus& status, Early early) {
  CommitSequence before = status.output_begin, last = status.position.sequence;
  while (before < last) {
    const CommitSequence middle{before.value + (last.value - before.value + 1) / 2};
    WEIR_ASSIGN(const bool is_early, early(middle));
    if (is_early) {
      before = middle;
    } else {
      last = CommitSequence{middle.value - 1};
    }
  }
  if (before == status.output_begin && before != CommitSequence{}) return std::optional<CommitSequence>{};
  return std::optional<CommitSequence>{before};
}

Result<CommitSequence> commit_at_time(const SnapshotGround& ground, const LogReader& log, PartitionId partition, std::int64_t time) {
  const PartitionStatus status = log.status(partition);
  WEIR_ASSIGN(const auto found, last_early(status, [&](CommitSequence sequence) -> Result<bool> {
                WEIR_ASSIGN(const std::int64_t at, committed_at(log, partition, sequence));
                return at <= time;
              }));
  if (found) return *found;
  // When the newest one that has left the log was made is not known, unless a snapshot of it says: it was there by then.
  WEIR_ASSIGN(const auto known, ground.store->list(partition));
  for (const StoredSnapshot& snapshot : known)
    if (snapshot.manifest && snapshot.manifest->sequence == status.output_begin && snapshot.manifest->created_at <= time) return status.output_begin;
  return fail(Errc::below_horizon, "partition {}: commits up to {} have left the log, and it stood at one of them at {}; keep more with log.embedded.retain and snapshots.keep",
              partition.value, status.output_begin.value, to_rfc3339(time));
}

/// The first commit behind which everything below `offset` is decided.
Result<CommitSequence> commit_of_offset(const LogReader& log, PartitionId partition, Offset offset) {
  const PartitionStatus status = log.status(partition);
  if (offset > status.position.committed)
    return fail(Errc::invalid_argument, "the token asks for offset {} of partition {}, of which {} events are decided", offset.value, partition.value, status.position.committed.value);
  WEIR_ASSIGN(const auto before, last_early(status, [&](CommitSequence sequence) -> Result<bool> {
                WEIR_ASSIGN(const CommitRecord record, read_commit(log, partition, sequence));
                return record.to < offset;
              }));
  const CommitSequence last = before.value_or(status.output_begin);
  if (last == status.position.sequence) return last;
  const CommitSequence next{last.value + 1};
  if (last == CommitSequence{} || before) return next;
  WEIR_ASSIGN(const CommitRecord record, read_commit(log, partition, next));
  if (record.from < offset) return next;
  return fail(Errc::below_horizon, "partition {}: commits up to {} have left the log, and one of them decided offset {}; keep more with log.embedded.retain and snapshots.keep",
              partition.value, status.output_begin.value, offset.value);
}

Result<CommitSequence> commit_of_token(const LogReader& log, const ReadToken::Part& part) {
  const PartitionStatus status = log.status(part.partition);
  if (part.sequence > status.position.sequence)
    return fail(Errc::invalid_argument, "the token asks for commit {} of partition {}, which stands at {}", part.sequence.value, part.partition.value, status.position.sequence.value);
  if (part.offset == Offset{}) return part.sequence;
  WEIR_ASSIGN(const CommitSequence decided, commit_of_offset(log, part.partition, part.offset));
  return std::max(decided, part.sequence);
}

/// What an answer read names every partition that has commits. An acknowledgement names those it wrote to: the others stand where they stood
/// when the last of these was decided.
Result<std::vector<CommitSequence>> commits_of_token(const SnapshotGround& ground, const LogReader& log, const ReadToken& token) {
  if (token.log_id() != ground.place.log_id)
    return fail(Errc::data_foreign, "the token is of log {}, this is log {}", to_hex(token.log_id()), to_hex(ground.place.log_id));
  std::vector<CommitSequence> commits(log.partitions());
  std::vector<bool> named(commits.size());
  bool acknowledged = false;
  std::int64_t time = 0;
  for (const ReadToken::Part& part : token.parts()) {
    const std::uint32_t p = part.partition.value;
    if (p >= commits.size()) return fail(Errc::invalid_argument, "the token names partition {}, there are {}", p, commits.size());
    WEIR_ASSIGN(commits[p], commit_of_token(log, part));
    named[p] = true;
    if (part.offset == Offset{}) continue;
    acknowledged = true;
    WEIR_ASSIGN(const std::int64_t at, committed_at(log, part.partition, commits[p]));
    time = std::max(time, at);
  }
  for (std::uint32_t p = 0; acknowledged && p < commits.size(); ++p) {
    if (named[p]) continue;
    WEIR_ASSIGN(commits[p], commit_at_time(ground, log, PartitionId{p}, time));
  }
  return commits;
}

Result<std::vector<CommitSequence>> commits_of_commit(const SnapshotGround& ground, const LogReader& log, PartitionId partition, CommitSequence sequence) {
  if (partition.value >= log.partitions())
    return fail(Errc::invalid_argument, "there is no partition {}; they are 0 to {}", partition.value, log.partitions() - 1);
  std::vector<CommitSequence> commits(log.partitions());
  if (sequence == CommitSequence{}) return commits;  // before anything was committed
  const PartitionStatus status = log.status(partition);
  if (sequence > status.position.sequence)
    return fail(Errc::invalid_argument, "partition {} has no commit {} yet, it stands at {}", partition.value, sequence.value, status.position.sequence.value);
  if (sequence <= status.output_begin)
    return fail(Errc::below_horizon, "partition {}: commits up to {} have left the log; keep more with log.embedded.retain and snapshots.keep", partition.value,
                status.output_begin.value);
  WEIR_ASSIGN(const std::int64_t time, committed_at(log, partition, sequence));
  for (std::uint32_t p = 0; p < commits.size(); ++p) {
    if (PartitionId{p} == partition) continue;
    WEIR_ASSIGN(commits[p], commit_at_time(ground, log, PartitionId{p}, time));
  }
  commits[partition.value] = sequence;
  return commits;
}

std::string horizon_text(const RestoreChoice& choice, const PartitionStatus& status) {
  std::string refused;
  for (const auto& refusal : choice.refused) refused += fmt::format("; {}: {}", refusal.id, refusal.why);
  return fmt::format("commits up to {} have left the log{}; keep more with log.embedded.retain and snapshots.keep", status.output_begin.value, refused);
}

}  // namespace

Result<std::vector<CommitSequence>> commits_as_of(const SnapshotGround& ground, const LogReader& log, const AsOf& as_of) {
  if (as_of.kind == AsOf::Kind::token) return commits_of_token(ground, log, as_of.token);
  if (as_of.kind == AsOf::Kind::commit) return commits_of_commit(ground, log, as_of.partition, as_of.sequence);
  std::vector<CommitSequence> commits(log.partitions());
  for (std::uint32_t p = 0; p < commits.size(); ++p) {
    WEIR_ASSIGN(commits[p], commit_at_time(ground, log, PartitionId{p}, as_of.time));
  }
  return commits;
}

Result<std::shared_ptr<PastState>> PastState::make(const SnapshotGround& ground, const LogReader& log, std::vector<CommitSequence> commits, std::string aside) {
  std::shared_ptr<PastState> made(new PastState(std::move(commits), std::move(aside)));
  for (std::uint32_t p = 0; p < made->commits_.size(); ++p) WEIR_TRY(made->rebuild(ground, log, PartitionId{p}));
  return made;
}

/// Of the newest snapshot before it that is whole, else of the log from its beginning.
Result<void> PastState::rebuild(const SnapshotGround& ground, const LogReader& log, PartitionId partition) {
  const CommitSequence until = commits_[partition.value];
  RebuildSetup setup;
  setup.partition = partition;
  setup.status = log.status(partition);
  setup.read = [&log](const OutputRead& read) { return log.read_output(read); };
  setup.aside = fmt::format("{}/{}", aside_.directory(), partition.value);
  WEIR_ASSIGN(const auto known, ground.store->list(partition));
  RestoreChoice choice = choose_base(known, ground.place, setup.status.output_begin, until);
  std::erase_if(choice.refused, [&](const auto& refusal) {  // newer ones, which say nothing of the horizon
    const auto name = parse_snapshot_id(refusal.id);
    return name && name->sequence > until;
  });
  for (const StoredSnapshot* base : choice.candidates) {
    auto rebuilt = rebuild_state(ground, setup, base, until);
    if (rebuilt) {
      states_.push_back(std::move(rebuilt->state));
      return {};
    }
    const Error& error = rebuilt.error();
    if (error.code != Errc::state_damaged && error.code != Errc::format_newer && error.code != Errc::not_found) return fail(error);
    remove_directory(setup.aside);
    choice.refused.push_back({base->id, error.context});
  }
  if (setup.status.output_begin != CommitSequence{})
    return fail(Errc::below_horizon, "partition {}: nothing reaches back to commit {}: {}", partition.value, until.value, horizon_text(choice, setup.status));
  WEIR_ASSIGN(auto rebuilt, rebuild_state(ground, setup, nullptr, until));
  states_.push_back(std::move(rebuilt.state));
  return {};
}

Result<std::vector<PartitionPicture>> PastState::pictures() const {
  std::vector<PartitionPicture> pictures;
  for (const auto& state : states_) {
    WEIR_ASSIGN(auto picture, state->state().picture());
    picture.keep = shared_from_this();
    pictures.push_back(std::move(picture));
  }
  return pictures;
}

PastStates::PastStates(const SnapshotGround& ground, EventLog& log)
    : ground_(ground), log_(log), pool_(1, kWaitingMax, WorkPool::Priority::background) {
  ground_.ending = &ending_;
  remove_directory(past_directory(ground_.data));
}

Result<std::vector<PartitionPicture>> PastStates::answer(const AsOf& as_of) {
  if (ending_) return fail(Errc::cancelled, "the node is stopping");
  WEIR_ASSIGN(auto commits, commits_as_of(ground_, log_, as_of));
  if (!kept_ || kept_->commits() != commits) {
    kept_.reset();  // its space first
    WEIR_ASSIGN(kept_, PastState::make(ground_, log_, std::move(commits), fmt::format("{}/{}", past_directory(ground_.data), ++made_)));
  }
  used_at_ = ground_.clock->now().count();
  return kept_->pictures();
}

void PastStates::ask(const AsOf& as_of, Done done) {
  auto asker = std::make_shared<Waiting<std::vector<PartitionPicture>>>(std::move(done));
  const bool taken = pool_.post([this, asker, as_of] { asker->answer(answer(as_of)); });
  if (!taken && !ending_) asker->answer(fail(Errc::limit_reached, "too many ask for the past already; ask again later"));
}

void PastStates::look() {
  const auto used = used_at_.load();
  if (used == 0 || ground_.clock->now() - TimePoint{used} < kKeep) return;
  if (pool_.post([this] { kept_.reset(); })) used_at_ = 0;
}

void PastStates::stop() {
  end();
  pool_.stop();
  kept_.reset();
}

}  // namespace weir
