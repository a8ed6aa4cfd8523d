// Sinks in memory: what was written, and when it shows, with faults on request.
#pragma once
#include <deque>
#include <map>
#include <memory>
#include <mutex>
#include <optional>
#include <string>
#include <utility>
#include <vector>

#include "runtime/ports/sink_cursors.h"
#include "runtime/ports/sink_target.h"

namespace weir {

/// What survives the process. Thread-safe through its targets, one at a time.
struct MemorySinkStore {
  bool hides = false;
  std::vector<std::string> shown;  // texts
  std::vector<std::string> keys;   // of the batches that were taken
  std::map<std::string, std::vector<std::string>> prepared;  // by state
  std::uint64_t prepares = 0;
  // Faults, each for one call.
  std::deque<SinkAnswer> answers;      // of send(), in place of taken
  std::deque<Error> open_errors;
  std::deque<Error> prepare_errors;
  std::deque<Error> publish_errors;
};

class MemorySinkTarget final : public SinkTarget {
 public:
  explicit MemorySinkTarget(std::shared_ptr<MemorySinkStore> store) : store_(std::move(store)) {}
  [[nodiscard]] bool hides() const override { return store_->hides; }
  [[nodiscard]] Result<void> open(const std::string& state) override;
  void send(std::shared_ptr<const SinkBatch> batch, SinkAnswered answered) override;
  [[nodiscard]] Result<std::string> prepare() override;
  [[nodiscard]] Result<void> publish(const std::string& state) override;

 private:
  std::shared_ptr<MemorySinkStore> store_;
  std::vector<std::string> staged_;
};

class MemorySinkCursors final : public SinkCursors {
 public:
  [[nodiscard]] Result<std::optional<SinkCursor>> load(const std::string& sink, PartitionId partition) override;
  [[nodiscard]] Result<void> store(const std::string& sink, PartitionId partition, const SinkCursor& cursor) override;
  [[nodiscard]] Result<std::vector<std::string>> sinks() override;
  [[nodiscard]] Result<void> remove(const std::string& sink) override;
  /// The next store() fails with this.
  void fail_next_store(Error error) {
    const std::scoped_lock lock(mutex_);
    errors_.push_back(std::move(error));
  }

 private:
  std::mutex mutex_;
  std::map<std::pair<std::string, std::uint32_t>, std::string> cursors_;  // as they would lie in a file
  std::deque<Error> errors_;
};

}  // namespace weir
