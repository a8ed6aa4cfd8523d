#include "runtime/adapters/memory/memory_event_log.h"

#include <condition_variable>
#include <deque>
#include <mutex>
#include <utility>

#include "runtime/adapters/memory/completion_order.h"
#include "runtime/adapters/memory/memory_disk.h"
#include "runtime/adapters/memory/task_thread.h"
#include "runtime/base/fail_point.h"
#include "runtime/base/invariant.h"

namespace weir {

namespace {

struct AppendItem {
  MemoryAppend append;
  AppendDone done;
  std::uint64_t bytes = 0;
};

/// A commit, a fence where `fenced` is set, or a trim where neither is.
struct OutputItem {
  CommitGroup group;
  CommitDone done;
  std::vector<PartitionId> fence;
  FenceDone fenced;
  std::vector<TrimPoint> trim;
};

class Core final : public MemoryLogFaults, public std::enable_shared_from_this<Core> {
 public:
  Core(std::shared_ptr<MemoryDisk> disk, Executor executor, MemoryLogOptions options)
      : disk_(std::move(disk)), state_(*disk_->state()), executor_(std::move(executor)), options_(options) {}

  void open();
  Result<AppendReceipt> append(AppendGroup group, AppendDone done);
  [[nodiscard]] std::uint64_t append_generation() const {
    const std::scoped_lock lock(mutex_);
    return generation_;
  }
  void output(OutputItem item);
  /// `work` reads and returns the answer to deliver.
  void read(std::function<std::function<void()>()> work);
  PartitionStatus status(PartitionId partition);
  std::uint64_t output_bytes(PartitionId partition, CommitSequence after) {
    const std::scoped_lock lock(state_.mutex);
    return state_.output_bytes(partition, after);
  }
  std::vector<SourcePosition> source_positions(std::string_view prefix) {
    const std::scoped_lock lock(state_.mutex);
    return state_.positions_of(prefix);
  }
  /// With the disk's mutex held: called by read steps only.
  template <class Request>
  auto disk_read(const Request& request) const {
    return state_.read(request);
  }
  Digest128 log_id() const { return state_.log_id; }
  std::size_t partitions() const { return state_.partitions.size(); }
  void close(bool wait);

  void fail_next_append() override {
    set([this] { fail_append_ = true; });
  }
  void set_disk_full(bool full) override {
    set([this, full] { disk_full_ = full; });
  }
  void lose_next_commit_reply(bool applied) override {
    set([this, applied] { lose_reply_ = applied; });
  }
  void set_held(bool held) override;
  void crash(bool torn_survives) override;

 private:
  using Step = void (Core::*)();
  template <class Change>
  void set(Change change) {
    const std::scoped_lock lock(mutex_);
    change();
  }
  void post(Step step);
  void append_write();
  void append_sync();
  void output_write();
  void output_sync();
  void read_next();
  template <AnswerKind kind>
  void deliver();
  void answer(AnswerKind kind, std::function<void()> reply);
  void answer_append(AppendItem& item, Result<void> result);
  void give_up_appends(const Error& error);
  void answer_output(OutputItem& item, CommitOutcome outcome);
  void decide_output(OutputItem& item);

  std::shared_ptr<MemoryDisk> disk_;
  MemoryDiskState& state_;
  Executor executor_;
  MemoryLogOptions options_;

  mutable std::mutex mutex_;  // before state_.mutex
  std::condition_variable idle_;
  std::vector<Offset> reserved_;
  std::uint64_t outstanding_bytes_ = 0;
  std::uint64_t owed_ = 0;  // requests accepted and not yet answered
  std::deque<AppendItem> appends_;
  std::deque<AppendItem> append_frame_;  // written, not synced
  bool append_busy_ = false;
  std::uint64_t generation_ = 0;  // appends were given up so often
  std::deque<OutputItem> outputs_;
  std::optional<OutputItem> output_frame_;
  bool output_busy_ = false;
  std::deque<std::function<std::function<void()>()>> reads_;
  Answers answers_[kAnswerKinds];
  std::vector<Step> held_steps_;
  bool fail_append_ = false;
  bool disk_full_ = false;
  std::optional<bool> lose_reply_;
  bool held_ = false;
  bool closed_ = false;
  bool crashed_ = false;
};

void Core::open() {
  const std::scoped_lock lock(mutex_, state_.mutex);
  if (WEIR_DEFECT("stale_frame_accepted")) {
    // As a journal without nonces would: what was cut lies behind newer frames and is taken for their successor.
    for (MemoryAppend& stale : state_.cut) {
      if (state_.fits(stale)) continue;
      for (std::size_t i = 0; i < stale.first.size(); ++i) {
        stale.first[i] = state_.partitions[stale.group.batches[i].partition.value].ingest_end;
      }
      state_.apply(stale);
    }
    state_.cut.clear();
  }
  for (const MemoryPartition& partition : state_.partitions) reserved_.push_back(partition.ingest_end);
}

/// A step runs as a task of the executor; after a crash it does nothing, while the log is held it waits. With mutex_
/// held.
void Core::post(Step step) {
  executor_([self = shared_from_this(), step] {
    {
      const std::scoped_lock lock(self->mutex_);
      if (self->crashed_) return;
      if (self->held_) {
        self->held_steps_.push_back(step);
        return;
      }
    }
    ((*self).*step)();
  });
}

void Core::set_held(bool held) {
  const std::scoped_lock lock(mutex_);
  held_ = held;
  if (held) return;
  for (const Step step : std::exchange(held_steps_, {})) post(step);
}

/// With mutex_ held.
void Core::answer(AnswerKind kind, std::function<void()> reply) {
  answers_[kind].queue.push_back(std::move(reply));
  switch (kind) {
    case kAppendAnswers:
      return post(&Core::deliver<kAppendAnswers>);
    case kCommitAnswers:
      return post(&Core::deliver<kCommitAnswers>);
    case kFenceAnswers:
      return post(&Core::deliver<kFenceAnswers>);
    case kReadAnswers:
      return post(&Core::deliver<kReadAnswers>);
    case kAnswerKinds:
      return;
  }
}

template <AnswerKind kind>
void Core::deliver() {
  std::unique_lock lock(mutex_);
  Answers& answers = answers_[kind];
  ++answers.due;
  if (answers.delivering) return;
  answers.delivering = true;
  while (answers.due > 0 && !crashed_) {
    --answers.due;
    std::function<void()> reply = std::move(answers.queue.front());
    answers.queue.pop_front();
    lock.unlock();
    reply();
    reply = nullptr;
    lock.lock();
    --owed_;
  }
  answers.delivering = false;
  idle_.notify_all();
}

Result<AppendReceipt> Core::append(AppendGroup group, AppendDone done) {
  AppendItem item;
  const std::scoped_lock lock(mutex_);
  WEIR_TRY(check_append(group, partitions(), item.bytes));
  if (closed_ || crashed_) return fail(Errc::log_closed, "the log is closed");
  if (disk_full_) return fail(Errc::disk_full, "the memory disk is full");
  if (item.bytes > options_.outstanding_bytes_max) {
    return fail(Errc::invalid_argument, "an append of {} bytes: at most {}", item.bytes,
                options_.outstanding_bytes_max);
  }
  if (group.generation && *group.generation != generation_) {
    return fail(Errc::log_busy, "an append was given up that the caller has not heard of yet");
  }
  if (outstanding_bytes_ + item.bytes > options_.outstanding_bytes_max) {
    return fail(Errc::log_busy, "{} bytes are on their way, at most {}", outstanding_bytes_,
                options_.outstanding_bytes_max);
  }
  for (const PartitionBatch& batch : group.batches) {
    Offset& end = reserved_[batch.partition.value];
    item.append.first.push_back(end);
    end = end + batch.count;
  }
  AppendReceipt receipt{item.append.first};
  item.append.group = std::move(group);
  item.done = std::move(done);
  outstanding_bytes_ += item.bytes;
  ++owed_;
  appends_.push_back(std::move(item));
  if (!append_busy_) {
    append_busy_ = true;
    post(&Core::append_write);
  }
  return receipt;
}

/// With mutex_ held.
void Core::answer_append(AppendItem& item, Result<void> result) {
  outstanding_bytes_ -= item.bytes;
  answer(kAppendAnswers, [done = std::move(item.done), result = std::move(result)] { done(result); });
}

/// With mutex_ held. Everything reserved is withdrawn; offsets are given anew from the durable end.
void Core::give_up_appends(const Error& error) {
  ++generation_;
  for (AppendItem& item : appends_) answer_append(item, fail(error));
  appends_.clear();
  const std::scoped_lock disk(state_.mutex);
  for (std::size_t p = 0; p < reserved_.size(); ++p) reserved_[p] = state_.partitions[p].ingest_end;
}

void Core::append_write() {
  const std::scoped_lock lock(mutex_);
  if (fail_append_ || disk_full_) {
    const bool full = disk_full_;
    fail_append_ = false;
    give_up_appends(full ? Error{Errc::disk_full, "the memory disk is full"}
                         : Error{Errc::io_failed, "the write failed, as asked"});
    append_busy_ = false;
    return;
  }
  append_frame_ = std::exchange(appends_, {});
  for (AppendItem& item : append_frame_) {
    const bool early = item.append.group.durability == Durability::buffered || WEIR_DEFECT("ack_before_sync");
    if (!early) break;
    if (WEIR_DEFECT("ack_before_sync")) {
      const std::scoped_lock disk(state_.mutex);
      state_.apply(item.append);
      state_.unsynced.push_back(item.append);
    }
    answer_append(item, {});
    item.bytes = 0;
  }
  post(&Core::append_sync);
}

void Core::append_sync() {
  const std::scoped_lock lock(mutex_);
  for (AppendItem& item : append_frame_) {
    if (!WEIR_DEFECT("ack_before_sync")) {
      const std::scoped_lock disk(state_.mutex);
      state_.apply(item.append);
    }
    if (item.done) answer_append(item, {});
  }
  append_frame_.clear();
  {
    const std::scoped_lock disk(state_.mutex);
    state_.unsynced.clear();
  }
  append_busy_ = !appends_.empty();
  if (append_busy_) post(&Core::append_write);
}

void Core::output(OutputItem item) {
  const std::scoped_lock lock(mutex_);
  if (crashed_) return;
  const bool trim = !item.fenced && !item.done;
  if (!trim) ++owed_;
  if (closed_) {
    const Error closed{Errc::log_closed, "the log is closed"};
    if (!trim) answer_output(item, {CommitOutcome::Kind::failed, {}, closed});
    return;
  }
  outputs_.push_back(std::move(item));
  if (!output_busy_) {
    output_busy_ = true;
    post(&Core::output_write);
  }
}

void Core::output_write() {
  const std::scoped_lock lock(mutex_);
  output_frame_ = std::move(outputs_.front());
  outputs_.pop_front();
  post(&Core::output_sync);
}

void Core::output_sync() {
  const std::scoped_lock lock(mutex_);
  decide_output(*output_frame_);
  output_frame_.reset();
  output_busy_ = !outputs_.empty();
  if (output_busy_) post(&Core::output_write);
}

/// With mutex_ held. `outcome.error` is what a fence is answered with when it is not committed.
void Core::answer_output(OutputItem& item, CommitOutcome outcome) {
  if (item.fenced) {
    Result<std::vector<PartitionPosition>> positions = std::move(outcome.current);
    if (outcome.kind != CommitOutcome::Kind::committed) positions = fail(std::move(outcome.error));
    answer(kFenceAnswers, [done = std::move(item.fenced), positions = std::move(positions)] { done(positions); });
  } else {
    answer(kCommitAnswers, [done = std::move(item.done), outcome = std::move(outcome)] { done(outcome); });
  }
}

/// With mutex_ held.
void Core::decide_output(OutputItem& item) {
  const std::scoped_lock disk(state_.mutex);
  for (const TrimPoint& point : item.trim) state_.trim(point);
  if (!item.fenced && !item.done) return;
  CommitOutcome outcome;
  if (disk_full_) {
    outcome = {CommitOutcome::Kind::failed, {}, {Errc::disk_full, "the memory disk is full"}};
    return answer_output(item, std::move(outcome));
  }
  if (item.fenced) {
    for (const PartitionId partition : item.fence) {
      if (partition.value >= partitions()) {
        outcome = {
            CommitOutcome::Kind::failed, {}, {Errc::invalid_argument, fmt::format("partition {}", partition.value)}};
        return answer_output(item, std::move(outcome));
      }
    }
    outcome.kind = CommitOutcome::Kind::committed;
    for (const PartitionId partition : item.fence) {
      state_.fence(partition);
      outcome.current.push_back(state_.partitions[partition.value].position);
    }
    return answer_output(item, std::move(outcome));
  }
  if (auto shape = check_commit(item.group, partitions()); !shape) {
    outcome = {CommitOutcome::Kind::failed, {}, std::move(shape.error())};
  } else if (auto stale = state_.not_current(item.group); !stale.empty()) {
    outcome = {CommitOutcome::Kind::refused, std::move(stale), {Errc::commit_refused, "not current"}};
  } else {
    const auto lost = std::exchange(lose_reply_, std::nullopt);
    if (!lost || *lost) {
      for (const PartitionCommit& part : item.group.parts) state_.apply(part);
    }
    outcome.kind = lost ? CommitOutcome::Kind::unknown : CommitOutcome::Kind::committed;
    if (lost) outcome.error = {Errc::outcome_unknown, "the reply was lost, as asked"};
  }
  answer_output(item, std::move(outcome));
}

void Core::read(std::function<std::function<void()>()> work) {
  const std::scoped_lock lock(mutex_);
  if (crashed_) return;
  ++owed_;
  reads_.push_back(std::move(work));
  post(&Core::read_next);
}

void Core::read_next() {
  const std::scoped_lock lock(mutex_);
  const auto work = std::move(reads_.front());
  reads_.pop_front();
  const std::scoped_lock disk(state_.mutex);
  answer(kReadAnswers, work());
}

PartitionStatus Core::status(PartitionId partition) {
  const std::scoped_lock lock(mutex_, state_.mutex);
  const MemoryPartition& now = state_.partitions[partition.value];
  return {now.position, now.ingest_begin, now.ingest_end, reserved_[partition.value], now.output_begin};
}

void Core::close(bool wait) {
  std::unique_lock lock(mutex_);
  closed_ = true;
  if (wait) idle_.wait(lock, [this] { return owed_ == 0 || crashed_; });
}

void Core::crash(bool torn_survives) {
  const std::scoped_lock lock(mutex_, state_.mutex);
  crashed_ = true;
  state_.drop_unsynced();
  for (const AppendItem& item : append_frame_) {
    if (torn_survives && !WEIR_DEFECT("ack_before_sync")) {
      state_.apply(item.append);
    } else {
      state_.cut.push_back(item.append);
    }
  }
  if (output_frame_ && torn_survives && output_frame_->done && check_commit(output_frame_->group, partitions()) &&
      state_.not_current(output_frame_->group).empty()) {
    for (const PartitionCommit& part : output_frame_->group.parts) state_.apply(part);
  }
  appends_.clear();
  append_frame_.clear();
  outputs_.clear();
  output_frame_.reset();
  reads_.clear();
  for (Answers& answers : answers_) answers.queue.clear();
  idle_.notify_all();
}

class MemoryEventLogImpl final : public MemoryEventLog {
 public:
  MemoryEventLogImpl(std::shared_ptr<MemoryDisk> disk, Executor executor, MemoryLogOptions options)
      : own_thread_(executor ? nullptr : std::make_unique<TaskThread>()) {
    if (own_thread_)
      executor = [thread = own_thread_.get()](std::function<void()> task) { thread->push(std::move(task)); };
    core_ = std::make_shared<Core>(std::move(disk), std::move(executor), options);
    core_->open();
  }
  ~MemoryEventLogImpl() override { core_->close(own_thread_ != nullptr); }

  Digest128 log_id() const override { return core_->log_id(); }
  std::uint32_t partitions() const override { return static_cast<std::uint32_t>(core_->partitions()); }
  Result<AppendReceipt> append(AppendGroup group, AppendDone done) override {
    return core_->append(std::move(group), std::move(done));
  }
  std::uint64_t append_generation() const override { return core_->append_generation(); }
  void commit(CommitGroup group, CommitDone done) override {
    OutputItem item;
    item.group = std::move(group);
    item.done = std::move(done);
    core_->output(std::move(item));
  }
  void fence(std::vector<PartitionId> partitions, FenceDone done) override {
    OutputItem item;
    item.fence = std::move(partitions);
    item.fenced = std::move(done);
    core_->output(std::move(item));
  }
  void read_ingest(IngestRead request, IngestReadDone done) override { read(std::move(request), std::move(done)); }
  void read_output(OutputRead request, OutputReadDone done) override { read(std::move(request), std::move(done)); }
  void trim(std::vector<TrimPoint> points) override {
    for (const TrimPoint& point : points) {
      INVARIANT(point.partition.value < partitions(), "trim of a partition that does not exist");
      const PartitionStatus now = core_->status(point.partition);
      INVARIANT(point.ingest_below <= now.position.committed, "trim of events that are not committed");
      INVARIANT(point.output_through <= now.position.sequence, "trim of commits that do not exist");
    }
    OutputItem item;
    item.trim = std::move(points);
    core_->output(std::move(item));
  }
  PartitionStatus status(PartitionId partition) const override { return core_->status(partition); }
  std::uint64_t output_bytes(PartitionId partition, CommitSequence after) const override { return core_->output_bytes(partition, after); }
  std::vector<SourcePosition> source_positions(std::string_view prefix) const override { return core_->source_positions(prefix); }
  std::optional<std::string> source_position(std::string_view source) const override {
    const auto found = core_->source_positions(source);  // what begins with the name, itself first
    return found.empty() || found.front().source != source ? std::nullopt : std::optional(found.front().position);
  }
  void close() override { core_->close(own_thread_ != nullptr); }
  MemoryLogFaults& faults() override { return *core_; }

 private:
  template <class Request, class Done>
  void read(Request request, Done done) {
    core_->read([this_core = core_.get(), request, done = std::move(done)]() -> std::function<void()> {
      return [answer = this_core->disk_read(request), done] { done(answer); };
    });
  }
  std::unique_ptr<TaskThread> own_thread_;  // before core_: tasks hold the core, the thread must end first
  std::shared_ptr<Core> core_;
};

}  // namespace

std::unique_ptr<MemoryEventLog> open_memory_log(std::shared_ptr<MemoryDisk> disk, Executor executor, MemoryLogOptions options) {
  return std::make_unique<MemoryEventLogImpl>(std::move(disk), std::move(executor), options);
}

}  // namespace weir
