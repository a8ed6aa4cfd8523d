// transform: sets and drops fields. A pure function of event, rules and tables.
#pragma once
#include <memory>
#include <optional>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "actors/transform/array_split.h"
#include "actors/transform/formula.h"
#include "runtime/base/result.h"
#include "runtime/engine/chain_plan.h"
#include "runtime/engine/condition.h"
#include "runtime/event/stage.h"

namespace weir {

/// `split`; then, for each part, `set` in the order of the file (each sees the ones before it), `filter`, `drop`. An
/// event for which a formula has no value is rejected with the formula's reason; the first one counts.
class Transformer final : public Stage {
 public:
  /// `config.body` is a TransformConfig. Errors: as Formula::compile.
  [[nodiscard]] static Result<std::unique_ptr<Stage>> compile(const StageConfig& config, StageContext& context);

  [[nodiscard]] std::string_view name() const noexcept override { return name_; }
  [[nodiscard]] std::string_view kind() const noexcept override { return "transform"; }
  void process(ChainBatch& batch, StageScratch& scratch) const override;

 private:
  explicit Transformer(std::string name) : name_(std::move(name)) {}
  struct Assignment {
    Slot slot;
    std::string field;
    Formula formula;
  };
  void shape(ChainBatch& batch, ChainEvent& event) const;
  [[nodiscard]] bool set(ChainBatch& batch, ChainEvent& event) const;
  void split(ChainBatch& batch) const;

  std::string name_;
  Condition when_;
  const FieldPlan* plan_ = nullptr;
  std::optional<ArraySplit> split_;
  std::optional<Condition> filter_;
  bool keep_ = true;  // what the filter holds for
  std::vector<Assignment> set_;
  std::vector<Slot> drop_;
};

}  // namespace weir
