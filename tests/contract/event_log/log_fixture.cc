#include "tests/contract/event_log/log_fixture.h"

#include <unistd.h>

#include <condition_variable>
#include <filesystem>
#include <future>
#include <mutex>
#include <stdexcept>
#include <thread>
#include <utility>

namespace weir::test {

namespace {

constexpr std::chrono::minutes kPatience{1};

[[noreturn]] void give_up(const std::string& why) {
  throw std::runtime_error(why);
}

template <class T>
T get(std::future<T> future) {
  if (future.wait_for(kPatience) != std::future_status::ready) give_up("a completion did not come within a minute");
  return future.get();
}

class MemoryFixture final : public LogFixture {
 public:
  MemoryFixture() : rng_(1), disk_(std::make_shared<MemoryDisk>(kPartitions, rng_)) { open(); }
  EventLog& log() override { return *log_; }
  void reopen() override {
    log_->close();
    open();
  }
  void crash() override {
    log_->faults().crash(false);
    open();
  }
  void fail_large_appends() override { log_->faults().fail_next_append(); }
  void set_disk_full(bool full) override { log_->faults().set_disk_full(full); }
  std::uint64_t outstanding_bytes_max() const override { return 1 << 20; }

 private:
  void open() {
    log_.reset();
    log_ = open_memory_log(disk_, {}, {.outstanding_bytes_max = outstanding_bytes_max()});
  }
  SeededRng rng_;
  std::shared_ptr<MemoryDisk> disk_;
  std::unique_ptr<MemoryEventLog> log_;
};

/// The operating system's files until the process is "killed": from then on every changing call fails.
class KillableFiles final : public journal::FileOps {
 public:
  void kill() { dead_ = true; }
  void revive() { dead_ = false; }
  Result<std::unique_ptr<journal::File>> open(const std::string& path, journal::OpenMode mode) override {
    WEIR_TRY(alive());
    WEIR_ASSIGN(auto file, files_.open(path, mode));
    return std::make_unique<KillableFile>(std::move(file), dead_);
  }
  Result<void> rename(const std::string& from, const std::string& to) override {
    WEIR_TRY(alive());
    return files_.rename(from, to);
  }
  Result<void> unlink(const std::string& path) override {
    WEIR_TRY(alive());
    return files_.unlink(path);
  }
  Result<void> sync_directory(const std::string& path) override {
    WEIR_TRY(alive());
    return files_.sync_directory(path);
  }
  Result<std::vector<std::string>> list(const std::string& path) override { return files_.list(path); }
  Result<void> make_directory(const std::string& path) override { return files_.make_directory(path); }
  Result<std::unique_ptr<journal::FileLock>> lock(const std::string& path) override { return files_.lock(path); }

 private:
  class KillableFile final : public journal::File {
   public:
    KillableFile(std::unique_ptr<journal::File> file, const std::atomic<bool>& dead)
        : file_(std::move(file)), dead_(dead) {}
    Result<std::size_t> write_some(std::string_view bytes, std::uint64_t place) override {
      if (dead_) return killed();
      return file_->write_some(bytes, place);
    }
    Result<std::size_t> read_some(char* to, std::size_t bytes, std::uint64_t place) override {
      return file_->read_some(to, bytes, place);
    }
    Result<void> sync() override {
      if (dead_) return killed();
      return file_->sync();
    }
    Result<void> allocate(std::uint64_t bytes) override {
      if (dead_) return killed();
      return file_->allocate(bytes);
    }
    Result<void> truncate(std::uint64_t bytes) override {
      if (dead_) return killed();
      return file_->truncate(bytes);
    }
    Result<std::uint64_t> size() override { return file_->size(); }
    bool direct() const override { return file_->direct(); }

   private:
    std::unique_ptr<journal::File> file_;
    const std::atomic<bool>& dead_;
  };
  static tl::unexpected<Error> killed() { return fail(Errc::io_failed, "the process was killed"); }
  Result<void> alive() const {
    if (dead_) return killed();
    return {};
  }
  journal::FileOps& files_ = journal::system_file_ops();
  std::atomic<bool> dead_{false};
};

class EmbeddedFixture : public LogFixture {
 public:
  explicit EmbeddedFixture(bool real) : rng_(2), disk_(3), real_(real) {
    options_.partitions = kPartitions;
    options_.segment_bytes = 256 * 1024;
    options_.outstanding_bytes_max = outstanding_bytes_max();
    options_.retain = std::chrono::microseconds(0);
    options_.seal_delay = std::chrono::milliseconds(1);
    if (real) {
      killable_ = std::make_unique<KillableFiles>();
      options_.files = killable_.get();
      static std::atomic<int> number{0};
      options_.directory =
          fmt::format("{}/weir-contract-{}-{}", std::filesystem::temp_directory_path().string(), ::getpid(), ++number);
    } else {
      options_.directory = "data/log";
      options_.files = &disk_;
    }
    open();
  }
  ~EmbeddedFixture() override {
    log_.reset();
    if (real_) std::filesystem::remove_all(options_.directory);
  }
  EventLog& log() override { return *log_; }
  void reopen() override {
    log_->close();
    open();
  }
  void crash() override {
    if (!real_) {
      disk_.crash_now();
      log_.reset();
      disk_.reboot(Survival::sectors);
      return open();
    }
    // As with kill -9: what was written stays, nothing more is written.
    killable_->kill();
    log_.reset();
    open();
  }
  void fail_large_appends() override { disk_.set_capacity(1); }
  void set_disk_full(bool full) override { disk_.set_capacity(full ? 1 : 0); }
  std::uint64_t outstanding_bytes_max() const override { return 1 << 20; }

 private:
  void open() {
    log_.reset();
    if (killable_) killable_->revive();
    auto opened = open_embedded_log(options_, clock_, rng_);
    if (!opened) give_up(describe(opened.error()));
    log_ = std::move(*opened);
  }
  SeededRng rng_;
  ManualClock clock_;
  FaultDisk disk_;
  std::unique_ptr<KillableFiles> killable_;
  bool real_;
  EmbeddedLogOptions options_;
  std::unique_ptr<EmbeddedLog> log_;
};

}  // namespace

std::unique_ptr<LogFixture> make_fixture(std::string_view name) {
  if (name == "memory") return std::make_unique<MemoryFixture>();
  return std::make_unique<EmbeddedFixture>(name != "embedded");
}

PartitionBatch batch(std::uint32_t partition, std::uint32_t count, std::string_view text) {
  return {PartitionId{partition}, count, SharedBytes::copy_of(text)};
}

SharedBytes body(std::string_view text) {
  std::string padded(text);
  padded.resize((padded.size() + 7) / 8 * 8, ' ');
  return SharedBytes::copy_of(padded);
}

PartitionCommit part(const EventLog& log, std::uint32_t partition, std::uint64_t events, std::string_view text) {
  const PartitionPosition now = log.status(PartitionId{partition}).position;
  return {PartitionId{partition}, now.epoch, next(now.sequence), now.committed, now.committed + events, {body(text)}};
}

Result<AppendReceipt> append(EventLog& log, AppendGroup group) {
  auto promise = std::make_shared<std::promise<Result<void>>>();
  auto receipt =
      log.append(std::move(group), [promise](Result<void> result) { promise->set_value(std::move(result)); });
  if (!receipt) return receipt;
  auto result = get(promise->get_future());
  if (!result) return fail(std::move(result.error()));
  return receipt;
}

Result<AppendReceipt> append(EventLog& log, std::uint32_t partition, std::uint32_t count, std::string_view text) {
  AppendGroup group;
  group.batches.push_back(batch(partition, count, text));
  return append(log, std::move(group));
}

CommitOutcome commit(EventLog& log, CommitGroup group) {
  auto promise = std::make_shared<std::promise<CommitOutcome>>();
  log.commit(std::move(group), [promise](CommitOutcome outcome) { promise->set_value(std::move(outcome)); });
  return get(promise->get_future());
}

Result<std::vector<PartitionPosition>> fence(EventLog& log, std::vector<PartitionId> partitions) {
  auto promise = std::make_shared<std::promise<Result<std::vector<PartitionPosition>>>>();
  log.fence(std::move(partitions),
            [promise](Result<std::vector<PartitionPosition>> result) { promise->set_value(std::move(result)); });
  return get(promise->get_future());
}

std::vector<PartitionId> all_partitions(const EventLog& log) {
  std::vector<PartitionId> all;
  for (std::uint32_t p = 0; p < log.partitions(); ++p) all.push_back(PartitionId{p});
  return all;
}

Result<std::vector<IngestSlice>> read_ingest(EventLog& log, std::uint32_t partition, std::uint64_t from,
                                             std::size_t bytes_max) {
  auto promise = std::make_shared<std::promise<Result<std::vector<IngestSlice>>>>();
  log.read_ingest({PartitionId{partition}, Offset{from}, bytes_max},
                  [promise](Result<std::vector<IngestSlice>> result) { promise->set_value(std::move(result)); });
  return get(promise->get_future());
}

Result<std::vector<CommitRecord>> read_output(EventLog& log, std::uint32_t partition, std::uint64_t after,
                                              std::size_t bytes_max) {
  auto promise = std::make_shared<std::promise<Result<std::vector<CommitRecord>>>>();
  log.read_output({PartitionId{partition}, CommitSequence{after}, bytes_max},
                  [promise](Result<std::vector<CommitRecord>> result) { promise->set_value(std::move(result)); });
  return get(promise->get_future());
}

std::vector<std::string> ingest_texts(EventLog& log, std::uint32_t partition, std::uint64_t from) {
  std::vector<std::string> texts;
  for (;;) {
    const auto slices = read_ingest(log, partition, from);
    if (!slices) give_up(describe(slices.error()));
    if (slices->empty()) return texts;
    for (const IngestSlice& slice : *slices) {
      texts.emplace_back(slice.bytes.view());
      from = slice.first.value + slice.count;
    }
  }
}

std::vector<std::string> output_texts(EventLog& log, std::uint32_t partition, std::uint64_t after) {
  std::vector<std::string> texts;
  for (;;) {
    const auto records = read_output(log, partition, after);
    if (!records) give_up(describe(records.error()));
    if (records->empty()) return texts;
    for (const CommitRecord& record : *records) {
      std::string text(record.body.view());
      text.erase(text.find_last_not_of(' ') + 1);
      texts.push_back(std::move(text));
      after = record.sequence.value;
    }
  }
}

struct Completions::State {
  mutable std::mutex mutex;
  std::condition_variable came;
  std::vector<int> labels;
  std::vector<Result<void>> results;
  std::vector<CommitOutcome> outcomes;
  std::optional<std::thread::id> inside;
  bool on_stack = false;
  void note(int label) {
    labels.push_back(label);
    on_stack = on_stack || inside == std::this_thread::get_id();
    came.notify_all();
  }
};

Completions::Completions() : state_(std::make_shared<State>()) {}
Completions::~Completions() = default;

AppendDone Completions::append_done(int label) {
  return [state = state_, label](Result<void> result) {
    const std::scoped_lock lock(state->mutex);
    state->results.push_back(std::move(result));
    state->note(label);
  };
}
CommitDone Completions::commit_done(int label) {
  return [state = state_, label](CommitOutcome outcome) {
    const std::scoped_lock lock(state->mutex);
    state->outcomes.push_back(std::move(outcome));
    state->note(label);
  };
}
bool Completions::wait(std::size_t count) {
  std::unique_lock lock(state_->mutex);
  return state_->came.wait_for(lock, kPatience, [&] { return state_->labels.size() >= count; });
}
std::vector<int> Completions::labels() const {
  const std::scoped_lock lock(state_->mutex);
  return state_->labels;
}
std::vector<Result<void>> Completions::results() const {
  const std::scoped_lock lock(state_->mutex);
  return state_->results;
}
std::vector<CommitOutcome> Completions::outcomes() const {
  const std::scoped_lock lock(state_->mutex);
  return state_->outcomes;
}
bool Completions::on_stack_of_caller() const {
  const std::scoped_lock lock(state_->mutex);
  return state_->on_stack;
}
void Completions::entering() {
  const std::scoped_lock lock(state_->mutex);
  state_->inside = std::this_thread::get_id();
}
void Completions::leaving() {
  const std::scoped_lock lock(state_->mutex);
  state_->inside.reset();
}

}  // namespace weir::test
