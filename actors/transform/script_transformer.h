// transform by a script: `function transform(e)` decides what becomes of an event. A pure function of event and script.
#pragma once
#include <memory>
#include <string>
#include <string_view>

#include "runtime/base/result.h"
#include "runtime/engine/chain_plan.h"
#include "runtime/engine/condition.h"
#include "runtime/event/stage.h"
#include "runtime/ports/script.h"

namespace weir {

/// The event as the script has left it, the records it was split into, nothing (filter), or a dead letter with the
/// reason `script`: what the script says against the event, or how it failed.
class ScriptTransformer final : public Stage {
 public:
  /// `config.body` is a TransformConfig with a script. Errors: of reading the file, of ScriptEngine::load, with the
  /// stage's name.
  [[nodiscard]] static Result<std::unique_ptr<Stage>> compile(const StageConfig& config, StageContext& context);

  [[nodiscard]] std::string_view name() const noexcept override { return name_; }
  [[nodiscard]] std::string_view kind() const noexcept override { return "transform"; }
  void process(ChainBatch& batch, StageScratch& scratch) const override;

 private:
  explicit ScriptTransformer(std::string name) : name_(std::move(name)) {}

  struct Running;
  void split(ChainBatch& batch, const Running& running) const;

  std::string name_;
  const FieldPlan* plan_ = nullptr;
  Condition when_;
  std::unique_ptr<const Script> script_;
};

}  // namespace weir
