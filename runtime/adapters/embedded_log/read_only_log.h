// A stopped node's log, opened to be looked at: no lock, no write, no thread.
#pragma once
#include <cstdint>
#include <memory>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "runtime/adapters/embedded_log/embedded_log.h"
#include "runtime/base/result.h"
#include "runtime/ports/event_log.h"

namespace weir {

/// Answers as EventLog does, at once and on the caller's stack. What a crash left torn is passed over, as opening would
/// cut it. Thread-safe. A log that a node writes to meanwhile may look damaged: use it on stopped nodes.
class ReadOnlyLog {
 public:
  virtual ~ReadOnlyLog() = default;
  [[nodiscard]] virtual Digest128 log_id() const = 0;
  [[nodiscard]] virtual std::uint32_t partitions() const = 0;
  [[nodiscard]] virtual PartitionStatus status(PartitionId partition) const = 0;
  [[nodiscard]] virtual std::optional<std::string> source_position(std::string_view source) const = 0;
  [[nodiscard]] virtual Result<std::vector<IngestSlice>> read_ingest(const IngestRead& request) const = 0;
  [[nodiscard]] virtual Result<std::vector<CommitRecord>> read_output(const OutputRead& request) const = 0;
  [[nodiscard]] virtual const LogRecovery& recovery() const = 0;
};

/// `files` null: the operating system's. Errors: not_found (no log there, or its creation was never finished),
/// format_newer, log_damaged, io_failed.
[[nodiscard]] Result<std::unique_ptr<ReadOnlyLog>> open_log_read_only(const std::string& directory,
                                                                      journal::FileOps* files = nullptr,
                                                                      const LogProgress& progress = {});

}  // namespace weir
