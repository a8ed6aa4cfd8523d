// The engine of one test: a pipeline in memory whose time is moved by hand.
#pragma once
#include <cstdint>
#include <functional>
#include <memory>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include <weir/testkit_abi.h>

#include "cluster/node/compiled_pipeline.h"
#include "cluster/node/memory_run.h"
#include "runtime/base/result.h"
#include "runtime/ports/pipeline_tests.h"

namespace weir {

/// A stage is to crash at its `nth` event, a sink or a source behind its `nth` record.
struct PlannedCrash {
  std::string name;
  std::uint64_t nth;
  std::uint64_t seen = 0;
};
/// Shared by the copies of a step.
struct PlannedCrashes {
  std::vector<PlannedCrash> planned;
  std::uint64_t happened = 0;
};

/// Not thread-safe.
class TestkitEngine {
 public:
  /// As weir_testkit_open. Errors: config_invalid.
  [[nodiscard]] Result<void> open(const std::string& file, std::optional<std::string> text, weir_plugin_opener plugin);
  /// Errors: of the framing, of the engine.
  [[nodiscard]] Result<void> feed(std::string_view events, std::string_view format);
  /// Errors: invalid_argument (there are no sources to ask), of the engine.
  [[nodiscard]] Result<void> poll();
  /// Errors: invalid_argument (backwards), of the engine.
  [[nodiscard]] Result<void> advance(std::int64_t microseconds);
  /// What answers of stages led to. Errors: of the engine.
  [[nodiscard]] Result<void> run();
  /// The same, with time that passes as it does outside, until every event is decided for good.
  [[nodiscard]] Result<void> wait();
  [[nodiscard]] std::uint64_t pending() const { return machine_ != nullptr && machine_->life() != nullptr ? machine_->life()->pending() : 0; }
  /// Errors: invalid_argument (no such stage, sink or source, no such event).
  [[nodiscard]] Result<void> crash(const std::string& name, std::uint64_t nth);
  [[nodiscard]] std::uint64_t crashes() const noexcept { return crashes_->happened; }
  /// Each a map. Errors: not_found (the view, the sink), of the engine.
  [[nodiscard]] Result<std::vector<TestValue>> rows(std::uint32_t what, const std::string& name) const;

 private:
  [[nodiscard]] Result<void> live(std::vector<DoorGroup> groups, std::vector<SourceFeedConfig> sources = {});
  [[nodiscard]] StepsWrapper crashing() const;
  [[nodiscard]] Result<void> go_on(std::optional<std::int64_t> until);
  std::unique_ptr<CompiledPipeline> pipeline_;
  std::unique_ptr<MemoryMachine> machine_;
  std::shared_ptr<PlannedCrashes> crashes_ = std::make_shared<PlannedCrashes>();
  std::int64_t now_ = kTestAcceptedAt;
};

}  // namespace weir
