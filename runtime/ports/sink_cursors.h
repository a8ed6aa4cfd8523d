// Where the cursors of sinks are kept.
#pragma once
#include <optional>
#include <string>
#include <vector>

#include "runtime/ports/sink_target.h"

namespace weir {

/// Thread-safe for different (sink, partition); blocks.
class SinkCursors {
 public:
  virtual ~SinkCursors() = default;
  /// Nothing: this sink has none yet. Errors: state_damaged (a checksum, a part of the file), format_newer, io_failed.
  [[nodiscard]] virtual Result<std::optional<SinkCursor>> load(const std::string& sink, PartitionId partition) = 0;
  /// Durable, and whole or not at all. Errors: io_failed, disk_full.
  [[nodiscard]] virtual Result<void> store(const std::string& sink, PartitionId partition, const SinkCursor& cursor) = 0;
  /// Sinks with a cursor, by name. Error: io_failed.
  [[nodiscard]] virtual Result<std::vector<std::string>> sinks() = 0;
  /// All partitions of one sink. Errors: not_found, io_failed.
  [[nodiscard]] virtual Result<void> remove(const std::string& sink) = 0;
};

/// With a checksum.
[[nodiscard]] std::string encode_cursor(const SinkCursor& cursor);
/// Errors: state_damaged, format_newer.
[[nodiscard]] Result<SinkCursor> decode_cursor(std::string_view bytes);

}  // namespace weir
