// One way to drive every EventLog: open, close, crash and open again, and wait for completions.
#pragma once
#include <atomic>
#include <chrono>
#include <cstdint>
#include <memory>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "runtime/adapters/embedded_log/embedded_log.h"
#include "runtime/adapters/memory/memory_event_log.h"
#include "runtime/ports/clock.h"
#include "runtime/ports/event_log.h"
#include "runtime/ports/rng.h"
#include "tests/contract/event_log/fault_disk.h"

namespace weir::test {

/// Time that only a test moves. Thread-safe.
class ManualClock final : public Clock {
 public:
  [[nodiscard]] TimePoint now() const override { return std::chrono::microseconds(micros_.load()); }
  [[nodiscard]] UnixMicros wall() const override { return 1'700'000'000'000'000 + micros_.load(); }
  void advance(std::chrono::microseconds by) { micros_ += by.count(); }

 private:
  std::atomic<std::int64_t> micros_{0};
};

/// splitmix64.
class SeededRng final : public Rng {
 public:
  explicit SeededRng(std::uint64_t seed) : state_(seed) {}
  [[nodiscard]] std::uint64_t next() override {
    std::uint64_t z = (state_ += 0x9e3779b97f4a7c15);
    z = (z ^ (z >> 30)) * 0xbf58476d1ce4e5b9;
    z = (z ^ (z >> 27)) * 0x94d049bb133111eb;
    return z ^ (z >> 31);
  }
  [[nodiscard]] std::uint64_t below(std::uint64_t limit) { return next() % limit; }

 private:
  std::uint64_t state_;
};

/// The log under test. `reopen` and `crash` end the present log and open another on what it left.
class LogFixture {
 public:
  virtual ~LogFixture() = default;
  [[nodiscard]] virtual EventLog& log() = 0;
  virtual void reopen() = 0;
  virtual void crash() = 0;
  /// Not on the real file system.
  virtual void set_disk_full(bool full) = 0;
  /// An append that is larger than a segment (256 KiB) cannot be written from now on; it is accepted all the same.
  virtual void fail_large_appends() = 0;
  [[nodiscard]] virtual std::uint64_t outstanding_bytes_max() const = 0;
};

inline constexpr std::uint32_t kPartitions = 4;
inline constexpr const char* kFixtures[] = {"memory", "embedded", "embedded on the file system"};
inline constexpr const char* kFaultyFixtures[] = {"memory", "embedded"};  // that can run out of space on request

[[nodiscard]] std::unique_ptr<LogFixture> make_fixture(std::string_view name);

// Waiting for completions. Every helper fails the test after a minute instead of hanging.

[[nodiscard]] PartitionBatch batch(std::uint32_t partition, std::uint32_t count, std::string_view text);
[[nodiscard]] SharedBytes body(std::string_view text);  // padded with blanks to a multiple of 8
[[nodiscard]] PartitionCommit part(const EventLog& log, std::uint32_t partition, std::uint64_t events,
                                   std::string_view text);

/// Appends and waits. Errors of the call and of the completion alike.
[[nodiscard]] Result<AppendReceipt> append(EventLog& log, AppendGroup group);
[[nodiscard]] Result<AppendReceipt> append(EventLog& log, std::uint32_t partition, std::uint32_t count,
                                           std::string_view text);
[[nodiscard]] CommitOutcome commit(EventLog& log, CommitGroup group);
[[nodiscard]] Result<std::vector<PartitionPosition>> fence(EventLog& log, std::vector<PartitionId> partitions);
[[nodiscard]] std::vector<PartitionId> all_partitions(const EventLog& log);
[[nodiscard]] Result<std::vector<IngestSlice>> read_ingest(EventLog& log, std::uint32_t partition, std::uint64_t from,
                                                           std::size_t bytes_max = 1 << 20);
[[nodiscard]] Result<std::vector<CommitRecord>> read_output(EventLog& log, std::uint32_t partition, std::uint64_t after,
                                                            std::size_t bytes_max = 1 << 20);
/// All bytes of a partition from `from` on, batch by batch. Fails the test on an error.
[[nodiscard]] std::vector<std::string> ingest_texts(EventLog& log, std::uint32_t partition, std::uint64_t from = 0);
[[nodiscard]] std::vector<std::string> output_texts(EventLog& log, std::uint32_t partition, std::uint64_t after = 0);

/// Counts completions and remembers their order; waits for a number of them. Thread-safe.
class Completions {
 public:
  Completions();
  ~Completions();
  [[nodiscard]] AppendDone append_done(int label);
  [[nodiscard]] CommitDone commit_done(int label);
  /// Waits until `count` completions came; false after a minute.
  [[nodiscard]] bool wait(std::size_t count);
  [[nodiscard]] std::vector<int> labels() const;
  [[nodiscard]] std::vector<Result<void>> results() const;
  [[nodiscard]] std::vector<CommitOutcome> outcomes() const;
  [[nodiscard]] bool on_stack_of_caller() const;
  /// Set around a call into the log: a completion that comes on this thread meanwhile is on the caller's stack.
  void entering();
  void leaving();

 private:
  struct State;
  std::shared_ptr<State> state_;
};

}  // namespace weir::test
