// A small world for tests of views and state: events, what commits make of them, and partitions that may crash.
#pragma once
#include <deque>
#include <map>
#include <memory>
#include <string>
#include <vector>

#include "runtime/adapters/memory/memory_state.h"
#include "runtime/base/hash.h"
#include "runtime/engine/partition_state.h"
#include "runtime/engine/query.h"
#include "runtime/engine/query_json.h"
#include "runtime/engine/query_output.h"
#include "runtime/engine/view_set.h"
#include "tests/support/catch.h"

namespace weir::test {

inline FieldPath path(const std::string& text) {
  return {split_path(text), text};
}

inline constexpr std::int64_t kSecond = 1'000'000;
inline constexpr std::int64_t kDay = 86'400 * kSecond;
/// 2024-01-01T00:00:00Z
inline constexpr std::int64_t kNewYear = 1'704'067'200 * kSecond;

inline WindowConfig window(WindowConfig::Unit unit, const std::string& text, std::int64_t seconds = 0) {
  return {unit, std::chrono::microseconds(seconds * kSecond), text};
}

/// Finds values with the engine's own walker; knows the paths it is asked for.
class PathExtractor final : public RecordExtractor {
 public:
  explicit PathExtractor(const ViewSet& views) : views_(views) {}
  Result<void> extract(std::string_view payload, std::span<std::string_view> values) override {
    ++calls;
    if (payload.empty() || payload.front() != '{') return fail(Errc::log_damaged, "no object");
    for (std::size_t i = 0; i < values.size(); ++i)
      values[i] = find_member(payload, views_.paths()[i].parts).value_or(std::string_view{});
    return {};
  }
  std::uint64_t calls = 0;

 private:
  const ViewSet& views_;
};

/// One event as decided.
struct Decided {
  std::string id;
  Outcome outcome = Outcome::served;
  std::uint8_t flags = 0;
  std::int64_t time = kNewYear;
  std::vector<std::string> records;  // payloads
  std::string reason = "field_range";
  std::string original;
  std::string type = "sale";
  std::optional<std::uint64_t> at;  // redecided: its offset
  std::uint32_t attempts = 1;       // of retrying; 0: held
  std::int64_t due_at = kNewYear;   // likewise
};

inline Decided decided(const std::string& id, Outcome outcome = Outcome::served, std::uint8_t flags = 0) {
  Decided event;
  event.id = id;
  event.outcome = outcome;
  event.flags = flags;
  if (outcome == Outcome::dead_lettered) event.original = "original of " + id;
  return event;
}

/// The commits of one partition, as a log would keep them: read back from their bytes.
class TestLog {
 public:
  void commit(const std::vector<Decided>& events, std::int64_t event_time_max = kNoTime) {
    std::vector<Decided> fresh;
    std::vector<Decided> again;
    for (const Decided& event : events) (event.at ? again : fresh).push_back(event);
    CommitBody body;
    if (!fresh.empty()) body.batches.push_back(pack(fresh));
    if (!again.empty()) body.batches.push_back(pack(again));
    for (const Decided& event : events) {
      const std::string seen = event.id + ":" + std::string(to_string(event.outcome));
      if (event.outcome != Outcome::duplicate) state_sum_ += xxh3_128(seen);
      if (event.outcome == Outcome::served) {
        ++ledger_.served;
        event_time_max_ = std::max(event_time_max_, event.time);
      }
      if (event.outcome == Outcome::dead_lettered) ++ledger_.dead_lettered;
    }
    event_time_max_ = std::max(event_time_max_, event_time_max);
    body.meta.ledger = ledger_;
    body.meta.state_sum = state_sum_;
    body.meta.event_time_max = event_time_max_;
    body.meta.partition_time = kNewYear + static_cast<std::int64_t>(commits_.size());
    std::string bytes;
    for (const SharedBytes& piece : body.encode()) bytes.append(piece.view());
    const Offset from = commits_.empty() ? Offset{0} : commits_.back().to;
    commits_.push_back(
        {Epoch{1}, CommitSequence{commits_.size() + 1}, from, from + fresh.size(), SharedBytes::copy_of(bytes)});
  }
  [[nodiscard]] const std::vector<CommitRecord>& commits() const { return commits_; }
  [[nodiscard]] Offset end() const { return commits_.empty() ? Offset{0} : commits_.back().to; }

 private:
  [[nodiscard]] OutcomeBatch pack(const std::vector<Decided>& events) const {
    OutcomeBatchBuilder builder(end());
    for (const Decided& event : events) {
      const OutcomeBatchBuilder::Event head{event.id, xxh3_128(event.original), kNewYear};
      if (event.at) builder.next_is(Offset{*event.at});
      builder.add(head, event.outcome, event.flags);
      if (event.outcome == Outcome::dead_lettered) {
        LetterView letter;
        letter.original = event.original;
        letter.stage = "validate";
        letter.reason = event.reason;
        letter.details = "[\"amount\"]";
        letter.door = "file:a.csv";
        letter.attempts = 2;
        builder.letter(letter);
      }
      if (event.outcome == Outcome::retrying) {
        LetterView letter;
        letter.original = event.original;
        letter.stage = "lookup";
        letter.reason = "timeout";
        letter.details = "[]";
        letter.attempts = event.attempts;
        builder.park(letter, {kNewYear, event.due_at, event.id, event.attempts == 0});
      }
      for (const std::string& record : event.records) {
        const std::uint16_t attributes = builder.attributes(event.type, "test");
        builder.begin_record().append(record);
        builder.end_record(event.time, attributes);
      }
    }
    return builder.finish();
  }

  std::vector<CommitRecord> commits_;
  Ledger ledger_;
  Digest128 state_sum_;
  std::int64_t event_time_max_ = kNoTime;
};

/// One partition's state over a disk that survives, applied from a log, flushed and crashed on request.
class Partition {
 public:
  Partition(std::uint32_t number, const ViewSet& views, const TestLog& log, std::size_t delta_bytes_max = 64 * 1024)
      : number_(number), views_(&views), log_(&log), delta_bytes_max_(delta_bytes_max) {
    start();
  }
  /// Forgets what was not flushed; starts over from the disk.
  void crash() {
    store_->crash();
    start();
  }
  /// The same with a store that merges otherwise; it outlives this.
  void crash_into(const StateMerger& merger) {
    merger_ = &merger;
    crash();
  }
  /// `trimmed`: the log no longer has the commits up to this one.
  void restart_with(const ViewSet& views, std::uint64_t trimmed = 0) {
    store_->crash();
    views_ = &views;
    trimmed_ = CommitSequence{trimmed};
    start();
  }
  /// Applies commits up to and including `through` (0: all there are).
  void apply(std::uint64_t through = 0) {
    const auto& commits = log_->commits();
    if (through == 0) through = commits.size();
    while (next_ < through) {
      const CommitRecord& commit = commits[next_++];
      const auto body = CommitBody::decode(commit.body);
      REQUIRE(body);
      const auto applied = state_->apply(commit, *body, *extractor_);
      INFO((applied ? std::string() : describe(applied.error())));
      REQUIRE(applied);
    }
  }
  /// Begins a flush; it completes in run_flush() or is lost in crash().
  void seal() {
    auto flush = state_->seal();
    REQUIRE(flush);
    hand_in(std::move(*flush));
  }
  void hand_in(StateFlush flush) {
    store_->flush(std::move(flush), [this](Result<void> result) { heard_ = std::move(result); });
  }
  /// The store does its work; the partition hears of it only in hear().
  void work() {
    while (!queue_.empty()) {
      auto job = std::move(queue_.front());
      queue_.pop_front();
      job();
    }
  }
  void hear() {
    if (!heard_) return;
    state_->flushed(*heard_);
    heard_.reset();
  }
  void flush() {
    if (state_->flushing()) {
      work();
      hear();
    }
    seal();
    work();
    hear();
  }

  [[nodiscard]] PartitionState& state() { return *state_; }
  [[nodiscard]] MemoryState& store() { return *store_; }
  [[nodiscard]] PartitionPicture picture() { return state_->picture().value(); }
  [[nodiscard]] std::uint64_t applied() const { return next_; }
  [[nodiscard]] PathExtractor& extractor() { return *extractor_; }

 private:
  void start() {
    queue_.clear();
    heard_.reset();
    state_.reset();
    store_ = std::make_unique<MemoryState>(disk_, merger_ != nullptr ? *merger_ : *views_->merger(),
                                           [this](std::function<void()> job) { queue_.push_back(std::move(job)); });
    state_ = std::make_unique<PartitionState>(
        PartitionStateOptions{PartitionId{number_}, delta_bytes_max_, Digest128{7, 7}}, *views_, *store_);
    extractor_ = std::make_unique<PathExtractor>(*views_);
    const auto after = state_->recover(trimmed_);
    INFO((after ? std::string() : describe(after.error())));
    REQUIRE(after);
    next_ = after->value;
  }

  std::uint32_t number_;
  const ViewSet* views_;
  const TestLog* log_;
  const StateMerger* merger_ = nullptr;
  std::size_t delta_bytes_max_;
  std::shared_ptr<MemoryStateDisk> disk_ = std::make_shared<MemoryStateDisk>();
  std::deque<std::function<void()>> queue_;
  std::unique_ptr<MemoryState> store_;
  std::unique_ptr<PartitionState> state_;
  std::unique_ptr<PathExtractor> extractor_;
  std::optional<Result<void>> heard_;
  std::uint64_t next_ = 0;
  CommitSequence trimmed_;
};

/// Rows as JSON texts.
inline std::vector<std::string> rows(const std::vector<PartitionPicture>& partitions, const ViewSet& views,
                                     const QueryRequest& request) {
  std::vector<std::string> found;
  const auto answer = query_view(partitions, views, request, [&](const Row& row) {
    append_row_json(found.emplace_back(), row);
    return true;
  });
  INFO((answer ? std::string() : describe(answer.error())));
  REQUIRE(answer);
  return found;
}
inline std::vector<std::string> all_rows(const std::vector<PartitionPicture>& partitions, const ViewSet& views,
                                         const std::string& view) {
  QueryRequest request;
  request.view = view;
  request.limit = 0;
  return rows(partitions, views, request);
}

}  // namespace weir::test
