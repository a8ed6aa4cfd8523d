// The cursors of all sinks, a file each: DIRECTORY/SINK/PARTITION.
#pragma once
#include <string>

#include "runtime/ports/sink_cursors.h"

namespace weir {

class SinkCursorFiles final : public SinkCursors {
 public:
  /// Made with the first cursor.
  explicit SinkCursorFiles(std::string directory) : directory_(std::move(directory)) {}
  [[nodiscard]] Result<std::optional<SinkCursor>> load(const std::string& sink, PartitionId partition) override;
  [[nodiscard]] Result<void> store(const std::string& sink, PartitionId partition, const SinkCursor& cursor) override;
  [[nodiscard]] Result<std::vector<std::string>> sinks() override;
  [[nodiscard]] Result<void> remove(const std::string& sink) override;

 private:
  std::string directory_;
};

}  // namespace weir
