// A log of a few batches to look things up in: what LogReader gives, from memory.
#pragma once
#include <algorithm>
#include <string>
#include <vector>

#include "cluster/node/log_reader.h"
#include "runtime/base/hash.h"
#include "runtime/event/ingest_batch.h"

namespace weir::test {

struct Frame {
  std::string id, raw;
  std::uint16_t flags = 0;
};

class SmallLog final : public LogReader {
 public:
  explicit SmallLog(std::uint32_t partitions) : slices_(partitions), begin_(partitions), end_(partitions) {}

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
  void trim(std::uint32_t partition, std::uint64_t below) { begin_[partition] = Offset{below}; }
  [[nodiscard]] std::size_t reads() const noexcept { return reads_; }

  std::uint32_t partitions() const override { return static_cast<std::uint32_t>(slices_.size()); }
  PartitionStatus status(PartitionId partition) const override {
    PartitionStatus status;
    status.ingest_begin = begin_[partition.value];
    status.ingest_durable = end_[partition.value];
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
  Result<std::vector<CommitRecord>> read_output(const OutputRead&) const override {
    return std::vector<CommitRecord>{};
  }

 private:
  std::vector<std::vector<IngestSlice>> slices_;
  std::vector<Offset> begin_, end_;
  mutable std::size_t reads_ = 0;
};

}  // namespace weir::test
