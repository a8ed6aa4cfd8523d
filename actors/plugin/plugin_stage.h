// A stage of a plugin in the chain: the plugin decides one event, weir does the rest.
#pragma once
#include <memory>
#include <string>
#include <string_view>
#include <utility>

#include "actors/plugin/plugin_host.h"
#include "runtime/base/result.h"
#include "runtime/engine/chain_plan.h"
#include "runtime/engine/condition.h"
#include "runtime/event/stage.h"
#include "runtime/ports/plugin_kinds.h"

namespace weir {

/// Reasons of dead letters and retries are `stage:REASON`; of a result outside 38 digits `number_range`, of a text that is not UTF-8
/// `encoding`, of too many records `output_too_large`. What a plugin throws, and what it does that it may not do (a reason that is
/// none, a field it did not ask for), is thrown from process(): a crash of the stage, on that event.
class PluginStage final : public Stage {
 public:
  /// `config.body` is a PluginStageConfig. Errors: config_invalid (what the plugin's constructor throws, a field's path), with the
  /// stage's name.
  [[nodiscard]] static Result<std::unique_ptr<Stage>> compile(const StageConfig& config, StageContext& context);
  ~PluginStage() override;

  [[nodiscard]] std::string_view name() const noexcept override { return name_; }
  [[nodiscard]] std::string_view kind() const noexcept override { return kind_->name; }
  void process(ChainBatch& batch, StageScratch& scratch) const override;

 private:
  struct Work;
  explicit PluginStage(const StageConfig& config);
  [[nodiscard]] Result<void> create(const PluginStageConfig& config);
  void decide_each(ChainBatch& batch, StageScratch& scratch, Work& work) const;
  void decide_all(ChainBatch& batch, StageScratch& scratch, Work& work) const;
  void take(ChainBatch& batch, Work& work, std::size_t place) const;
  void give_reason(ChainBatch& batch, ChainEvent& event, const PluginAnswer& answer) const;
  void split(ChainBatch& batch, const Work& work) const;

  std::string name_;
  std::shared_ptr<const PluginStageKind> kind_;
  Condition when_;
  weir_fields fields_;
  void* made_ = nullptr;
};

}  // namespace weir
