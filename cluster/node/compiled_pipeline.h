// A pipeline file compiled into everything a node runs: views, chain, encoder. Names every concrete stage.
#pragma once
#include <memory>
#include <string>
#include <vector>

#include "actors/partition/window.h"
#include "actors/supervise/stage_shell.h"
#include "runtime/engine/chain_plan.h"
#include "runtime/engine/condition.h"
#include "runtime/engine/view_set.h"
#include "runtime/engine/view_value.h"
#include "runtime/engine/views_setup.h"
#include "runtime/ports/pipeline_config.h"

namespace weir {

/// What decides whether parts of a stage apply to an event; for whoever looks on. A stage has its own copy.
struct StageConditions {
  Condition when;                // of the whole stage; holds before it has worked
  std::vector<Condition> rules;  // of the named rules of validate, in their order; hold behind its conversions
};

/// Immutable, shared by all actors of the pipeline; must outlive them. Not movable: others point into it.
class CompiledPipeline {
 public:
  /// Errors: config_invalid, input_unreadable (a table).
  [[nodiscard]] static Result<std::unique_ptr<CompiledPipeline>> compile(PipelineConfig config);

  [[nodiscard]] const PipelineConfig& config() const noexcept { return config_; }
  [[nodiscard]] const ViewSet& views() const noexcept { return views_; }
  [[nodiscard]] const StateMerger& merger() const noexcept { return merger_; }
  [[nodiscard]] const ChainEncoder& encoder() const noexcept { return *encoder_; }
  [[nodiscard]] const ChainPlan& plan() const noexcept { return *plan_; }
  [[nodiscard]] const StageConditions& conditions(std::size_t stage) const { return conditions_.at(stage); }
  /// Of stages and tables: what decided an event.
  [[nodiscard]] const Digest128& rules_hash() const noexcept { return rules_hash_; }
  /// The steps of the chain, for one partition each time they are called: reading first, then the stages.
  [[nodiscard]] std::vector<ChainStepFactory> steps() const;
  [[nodiscard]] ExtractorFactory extractor() const;

 private:
  CompiledPipeline() = default;
  PipelineConfig config_;
  ViewSet views_;
  ViewMerger merger_;
  std::unique_ptr<const ChainPlan> plan_;
  std::vector<StageConditions> conditions_;  // one for each stage
  std::unique_ptr<const ChainEncoder> encoder_;
  Digest128 rules_hash_;
};

/// Finds the values of views in stored payloads. `views` must outlive what is made.
[[nodiscard]] ExtractorFactory payload_extractor(const ViewSet& views);

}  // namespace weir
