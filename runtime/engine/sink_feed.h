// What a sink has read of its log and not finished: commits in, batches out. Any part of it can be made into a batch again, as often as it
// takes, until it is forgotten.
#pragma once
#include <cstdint>
#include <deque>
#include <memory>
#include <optional>
#include <string>
#include <vector>

#include "runtime/base/result.h"
#include "runtime/engine/sink_text.h"
#include "runtime/event/commit_body.h"
#include "runtime/event/log_records.h"
#include "runtime/ports/sink_target.h"

namespace weir {

/// Not thread-safe. `sink` and `pipeline` must outlive it.
class SinkFeed {
 public:
  SinkFeed(const SinkConfig& sink, const PipelineConfig& pipeline, PartitionId partition);

  /// From here on; everything read before is forgotten. `columns` as the cursor has them.
  void begin(SinkPosition at, std::vector<std::string> columns);
  /// Commits behind end(), in order. Errors: log_damaged, format_newer (a body); internal (a commit is missing).
  [[nodiscard]] Result<void> add(std::vector<CommitRecord> records);
  /// Commits up to this one are known.
  [[nodiscard]] CommitSequence end() const noexcept { return CommitSequence{first_.value + commits_.size()}; }

  struct Bounds {
    std::uint32_t events_max = 1;
    std::uint64_t bytes_max = 1;             // of texts; one record may be more
    std::optional<SinkPosition> until = {};  // not beyond
  };
  struct Made {
    std::shared_ptr<const SinkBatch> batch;
    bool full = false;  // a bound ended it, not the end of what is known
  };
  /// What stands behind `from`, which is not below what is forgotten. Its `to` lies behind everything that is not for this sink, too.
  [[nodiscard]] Made batch(SinkPosition from, const Bounds& bounds);
  /// Nobody asks for this any more.
  void forget(SinkPosition below);

  /// When the commit was made that `at` stands before, microseconds since 1970; nothing: it is not known.
  [[nodiscard]] std::optional<std::int64_t> committed_at(SinkPosition at) const;
  /// Records of the curated log up to and with the last commit that was forgotten; nothing: none was.
  [[nodiscard]] std::optional<std::uint64_t> log_records() const noexcept { return log_records_; }
  /// Memory of the commits.
  [[nodiscard]] std::uint64_t bytes() const noexcept { return bytes_; }
  /// Of CSV.
  [[nodiscard]] const std::vector<std::string>& columns() const noexcept { return text_.learned(); }

 private:
  struct Commit {
    CommitSequence sequence;
    CommitBody body;
    std::uint64_t bytes = 0;
  };
  class Builder;
  bool walk(const Commit& commit, std::uint32_t skip, Builder& builder);
  bool walk_records(const Commit& commit, const OutcomeBatch& batch, std::uint32_t& number, std::uint32_t skip, Builder& builder);
  bool walk_letters(const Commit& commit, const OutcomeBatch& batch, std::uint32_t& number, std::uint32_t skip, Builder& builder);

  const SinkConfig& sink_;
  const PipelineConfig& pipeline_;
  PartitionId partition_;
  SinkTextWriter text_;
  CommitSequence first_;  // commits_[0] is the one behind it
  std::deque<Commit> commits_;
  std::uint64_t bytes_ = 0;
  std::optional<std::uint64_t> log_records_;
};

}  // namespace weir
