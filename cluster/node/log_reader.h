// A log to read from, whoever holds it: a running node's, or that of a stopped one.
#pragma once
#include <cstdint>
#include <vector>

#include "runtime/adapters/embedded_log/read_only_log.h"
#include "runtime/base/result.h"
#include "runtime/ports/event_log.h"

namespace weir {

/// Reads wait for their answer: never in an actor's handler. Thread-safe. Errors: as of EventLog's reads.
class LogReader {
 public:
  virtual ~LogReader() = default;
  [[nodiscard]] virtual std::uint32_t partitions() const = 0;
  [[nodiscard]] virtual PartitionStatus status(PartitionId partition) const = 0;
  [[nodiscard]] virtual Result<std::vector<IngestSlice>> read_ingest(const IngestRead& request) const = 0;
  [[nodiscard]] virtual Result<std::vector<CommitRecord>> read_output(const OutputRead& request) const = 0;
};

/// `log` must outlive it.
class StoppedLogReader final : public LogReader {
 public:
  explicit StoppedLogReader(const ReadOnlyLog& log) : log_(log) {}
  std::uint32_t partitions() const override { return log_.partitions(); }
  PartitionStatus status(PartitionId partition) const override { return log_.status(partition); }
  Result<std::vector<IngestSlice>> read_ingest(const IngestRead& request) const override {
    return log_.read_ingest(request);
  }
  Result<std::vector<CommitRecord>> read_output(const OutputRead& request) const override {
    return log_.read_output(request);
  }

 private:
  const ReadOnlyLog& log_;
};

/// `log` must outlive it, and must not be closed while a read waits.
class LiveLogReader final : public LogReader {
 public:
  explicit LiveLogReader(EventLog& log) : log_(log) {}
  std::uint32_t partitions() const override { return log_.partitions(); }
  PartitionStatus status(PartitionId partition) const override { return log_.status(partition); }
  Result<std::vector<IngestSlice>> read_ingest(const IngestRead& request) const override;
  Result<std::vector<CommitRecord>> read_output(const OutputRead& request) const override;

 private:
  EventLog& log_;
};

}  // namespace weir
