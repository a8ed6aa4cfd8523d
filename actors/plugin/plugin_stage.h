// A stage of a plugin in the chain, one that answers at once.
#pragma once
#include <memory>
#include <string_view>
#include <utility>

#include "actors/plugin/plugin_calls.h"
#include "runtime/event/stage.h"

namespace weir {

/// What the plugin throws is thrown from process(): a crash of the stage, on that event.
class PluginStage final : public Stage {
 public:
  /// Errors: as PluginCalls::make. Of a kind that may answer later a PendingStage.
  [[nodiscard]] static Result<std::unique_ptr<Stage>> compile(const StageConfig& config, StageContext& context);

  [[nodiscard]] std::string_view name() const noexcept override { return calls_->name(); }
  [[nodiscard]] std::string_view kind() const noexcept override { return calls_->kind(); }
  void process(ChainBatch& batch, StageScratch& scratch) const override;

 private:
  struct Work;
  explicit PluginStage(std::unique_ptr<const PluginCalls> calls) : calls_(std::move(calls)) {}
  void decide_each(ChainBatch& batch, StageScratch& scratch, Work& work) const;
  void decide_all(ChainBatch& batch, Work& work) const;
  void take(ChainBatch& batch, Work& work, PluginPlace& place) const;

  std::unique_ptr<const PluginCalls> calls_;
};

}  // namespace weir
