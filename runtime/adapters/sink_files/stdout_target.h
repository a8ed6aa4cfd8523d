// A sink onto stdout, or any other descriptor: one line for each record, at once.
#pragma once
#include <atomic>
#include <memory>

#include "runtime/ports/sink_target.h"

namespace weir {

/// What the partitions of one such sink share.
struct StdoutStream {
  int descriptor = 1;
  bool csv = false;
  bool header_written = false;           // on the sink's own thread
  std::atomic<bool> closing{false};      // nobody reads it, and the process wants to end
};

class StdoutTarget final : public SinkTarget {
 public:
  explicit StdoutTarget(std::shared_ptr<StdoutStream> stream) : stream_(std::move(stream)) {}
  [[nodiscard]] bool hides() const override { return false; }
  [[nodiscard]] Result<void> open(const std::string&) override { return {}; }
  void send(std::shared_ptr<const SinkBatch> batch, SinkAnswered answered) override;
  [[nodiscard]] Result<std::string> prepare() override { return std::string(); }
  [[nodiscard]] Result<void> publish(const std::string&) override { return {}; }

 private:
  std::shared_ptr<StdoutStream> stream_;
};

}  // namespace weir
