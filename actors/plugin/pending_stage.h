// A stage of a plugin in the chain, one that may answer later. Events wait in their round until they are answered; nothing else does.
#pragma once
#include <chrono>
#include <memory>
#include <string_view>
#include <utility>

#include "actors/plugin/plugin_calls.h"
#include "runtime/engine/waiting_stage.h"

namespace weir {

/// Of the keys `deadline` and `pending_max`.
struct PendingLimits {
  std::chrono::nanoseconds deadline{};
  std::uint32_t pending_max = 1;  // of one partition
};

/// An event that is not answered by its deadline, or in vain, is retried: reasons `stage:deadline` and `stage:failed`.
class PendingStage final : public WaitingStage {
 public:
  /// `calls` are those of a kind with `resume`; `config.body` is its PluginStageConfig.
  [[nodiscard]] static std::unique_ptr<Stage> make(const StageConfig& config, std::unique_ptr<const PluginCalls> calls);

  [[nodiscard]] std::string_view name() const noexcept override { return calls_->name(); }
  [[nodiscard]] std::string_view kind() const noexcept override { return calls_->kind(); }
  [[nodiscard]] std::unique_ptr<StageWork> make_work(const StagePorts& ports, StageWorkHost host) const override;

 private:
  PendingStage(std::unique_ptr<const PluginCalls> calls, PendingLimits limits) : calls_(std::move(calls)), limits_(limits) {}
  std::unique_ptr<const PluginCalls> calls_;
  PendingLimits limits_;
};

}  // namespace weir
