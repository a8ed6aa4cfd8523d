// A pipeline file compiled into everything a node runs: views, chain, encoder. Names every concrete stage.
#pragma once
#include <memory>
#include <span>
#include <string>
#include <vector>

#include "actors/partition/partition_actor.h"
#include "actors/supervise/stage_shell.h"
#include "runtime/base/ids.h"
#include "runtime/engine/chain_plan.h"
#include "runtime/engine/condition.h"
#include "runtime/engine/view_set.h"
#include "runtime/engine/views_setup.h"
#include "runtime/ports/http_fetch.h"
#include "runtime/ports/pipeline_config.h"

namespace weir {

/// What decides whether parts of a stage apply to an event; for whoever looks on. A stage has its own copy.
struct StageConditions {
  Condition when;                // of the whole stage; holds before it has worked
  std::vector<Condition> rules;  // of the named rules of validate, in their order; hold behind its conversions
};

/// A file that stages were made of: a table, a schema, a script.
struct RuleFile {
  std::string name;
  Digest128 content;
};

struct CompiledRules {
  std::shared_ptr<const ChainRules> rules;
  std::shared_ptr<const ChainPlan> plan;    // what `rules` are made of
  std::vector<StageConditions> conditions;  // one for each stage; of the same plan
  std::vector<RuleFile> files;              // each once
};

/// The chain alone, from what its files hold now. `view_paths` as ChainPlan::compile. Errors: config_invalid, input_unreadable
/// (a file of a stage).
[[nodiscard]] Result<CompiledRules> compile_rules(const PipelineConfig& config, std::span<const FieldPath> view_paths, const ReadFile& read);

/// Immutable, shared by all actors of the pipeline; must outlive them. Not movable: others point into it.
class CompiledPipeline {
 public:
  /// Errors: as compile_rules().
  [[nodiscard]] static Result<std::unique_ptr<CompiledPipeline>> compile(PipelineConfig config);

  [[nodiscard]] const PipelineConfig& config() const noexcept { return config_; }
  [[nodiscard]] const ViewSet& views() const noexcept { return views_; }
  [[nodiscard]] const StateMerger& merger() const noexcept { return *views_.merger(); }
  /// Stages and the files they read: what decides an event. Does not need this object any more.
  [[nodiscard]] const std::shared_ptr<const ChainRules>& rules() const noexcept { return rules_.rules; }
  [[nodiscard]] const ChainPlan& plan() const noexcept { return *rules_.plan; }
  [[nodiscard]] const StageConditions& conditions(std::size_t stage) const { return rules_.conditions.at(stage); }
  [[nodiscard]] const Digest128& rules_hash() const noexcept { return rules_.rules->version.hash; }
  /// For whoever changes them: nothing of the above may be asked for afterwards.
  [[nodiscard]] CompiledRules take_rules() noexcept { return std::move(rules_); }
  [[nodiscard]] ExtractorFactory extractor() const;

 private:
  CompiledPipeline() = default;
  PipelineConfig config_;
  ViewSet views_;
  CompiledRules rules_;
};

/// `limits` for the chain of this pipeline: what it makes of events, and how many rounds wait for servers.
[[nodiscard]] WindowLimits chain_limits(const PipelineConfig& config, WindowLimits limits);
/// Of the one fetcher of a node for all lookups of all partitions: as many connections as there may be calls, so that none of them spends
/// its deadline waiting for another one's connection.
[[nodiscard]] HttpFetchConfig fetch_config(const PipelineConfig& config);

/// Reads a whole file. Error input_unreadable.
[[nodiscard]] Result<std::string> read_whole_file(const std::string& name);

/// Finds the values of views in stored payloads. `views` must outlive what is made.
[[nodiscard]] ExtractorFactory payload_extractor(const ViewSet& views);

}  // namespace weir
