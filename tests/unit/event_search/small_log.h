// A log of a few batches to look things up in: what LogReader gives, from memory.
#pragma once
#include <algorithm>
#include <string>
#include <vector>

#include "cluster/node/log_reader.h"
#include "runtime/base/hash.h"
#include "runtime/event/commit_body.h"
#include "runtime/event/ingest_batch.h"

namespace weir::test {

struct Frame {
  std::string id, raw;
  std::uint16_t flags = 0;
};

class SmallLog final : public LogReader {
 public:
  explicit SmallLog(std::uint32_t partitions) : slices_(partitions), begin_(partitions), end_(partitions), commits_(partitions), output_begin_(partitions) {}

  /// One batch behind the others of the partition.
  void accept(std::uint32_t partition, FrameFormat format, const std::string& csv_header,
              const std::vector<Frame>& frames) {
    IngestBatchBuilder builder;
    std::uint64_t line = 1;
    for (const Frame& frame : frames) builder.add({frame.raw, frame.id, frame.flags, {}, ++line});
    slices_[partition].push_back({end_[partition], static_cast<std::uint32_t>(frames.size()),
                                  builder.finish({format, 1'700'000'000'000'000, 0, "file:in.csv", csv_header})});
    end_[partition] = end_[partition] + frames.size();
  }
  /// Behind the others of the partition; everything that was accepted up to `to` and was not yet decided is.
  void commit(std::uint32_t partition, CommitBody body, Offset to) {
    auto& commits = commits_[partition];
    std::string bytes;
    for (const SharedBytes& piece : body.encode()) bytes.append(piece.view());
    commits.push_back({Epoch{3}, CommitSequence{commits.size() + 1}, commits.empty() ? Offset{} : commits.back().to, to, SharedBytes::copy_of(bytes)});
  }
  void trim(std::uint32_t partition, std::uint64_t below) { begin_[partition] = Offset{below}; }
  void trim_output(std::uint32_t partition, std::uint64_t through) { output_begin_[partition] = CommitSequence{through}; }
  [[nodiscard]] std::size_t reads() const noexcept { return reads_; }
  [[nodiscard]] std::size_t commits_read() const noexcept { return commits_read_; }
  [[nodiscard]] const std::vector<CommitRecord>& commits(std::uint32_t partition) const { return commits_[partition]; }

  std::uint32_t partitions() const override { return static_cast<std::uint32_t>(slices_.size()); }
  PartitionStatus status(PartitionId partition) const override {
    PartitionStatus status;
    status.ingest_begin = begin_[partition.value];
    status.ingest_durable = end_[partition.value];
    const auto& commits = commits_[partition.value];
    if (!commits.empty()) status.position = {partition, commits.back().epoch, commits.back().sequence, commits.back().to};
    status.output_begin = output_begin_[partition.value];
    return status;
  }
  /// As the real ones: at least one batch, then no more than bytes_max.
  Result<std::vector<IngestSlice>> read_ingest(const IngestRead& request) const override {
    ++reads_;
    if (request.from < begin_[request.partition.value]) return fail(Errc::below_horizon, "below the horizon");
    std::vector<IngestSlice> found;
    std::size_t bytes = 0;
    for (const IngestSlice& slice : slices_[request.partition.value]) {
      if (slice.first + slice.count <= request.from) continue;
      if (!found.empty() && bytes + slice.bytes.size() > request.bytes_max) break;
      bytes += slice.bytes.size();
      found.push_back(slice);
    }
    return found;
  }
  /// Likewise.
  Result<std::vector<CommitRecord>> read_output(const OutputRead& request) const override {
    if (request.after < output_begin_[request.partition.value]) return fail(Errc::below_horizon, "below the horizon");
    std::vector<CommitRecord> found;
    std::size_t bytes = 0;
    for (const CommitRecord& commit : commits_[request.partition.value]) {
      if (commit.sequence <= request.after) continue;
      if (!found.empty() && bytes + commit.body.size() > request.bytes_max) break;
      bytes += commit.body.size();
      found.push_back(commit);
      ++commits_read_;
    }
    return found;
  }

 private:
  std::vector<std::vector<IngestSlice>> slices_;
  std::vector<Offset> begin_, end_;
  std::vector<std::vector<CommitRecord>> commits_;
  std::vector<CommitSequence> output_begin_;
  mutable std::size_t reads_ = 0;
  mutable std::size_t commits_read_ = 0;
};

}  // namespace weir::test
