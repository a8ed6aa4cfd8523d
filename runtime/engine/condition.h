// Conditions of a pipeline file, compiled: `when:` of a stage, view or sink, and what a filter keeps or drops.
#pragma once
#include <optional>
#include <vector>

#include "runtime/base/decimal.h"
#include "runtime/base/result.h"
#include "runtime/engine/field_ref.h"
#include "runtime/event/chain_batch.h"
#include "runtime/event/field_plan.h"
#include "runtime/ports/config_values.h"

namespace weir {

/// Immutable and pure. Tests compare as ConstantValue::equals does; what is missing, null or no number is neither above
/// nor below anything, so a comparison with a bound does not hold for it, and never rejects the event.
class Condition {
 public:
  /// Without a config it always holds. Errors: config_invalid (an envelope name that does not exist).
  [[nodiscard]] static Result<Condition> compile(const std::optional<WhenConfig>& config, FieldPlan& plan);
  /// Errors: the same, and a bound that is no decimal.
  [[nodiscard]] static Result<Condition> compile(const ConditionConfig& config, FieldPlan& plan);

  [[nodiscard]] bool always() const noexcept { return any_.empty(); }
  [[nodiscard]] bool holds(const ChainEvent& event, ChainBatch& batch) const {
    if (always()) return true;
    for (const std::vector<Test>& all : any_) {
      if (all_hold(all, event, batch)) return true;
    }
    return false;
  }

 private:
  struct Test {
    FieldRef field;
    std::vector<ConstantValue> one_of;
    std::vector<ConstantValue> none_of;
    std::optional<Decimal> min, max, above, below;
    std::optional<bool> exists;
    [[nodiscard]] bool bounded() const noexcept { return min || max || above || below; }
    [[nodiscard]] bool holds(const Value& value, ChainArena& arena) const;
  };
  [[nodiscard]] static bool all_hold(const std::vector<Test>& all, const ChainEvent& event, ChainBatch& batch);
  std::vector<std::vector<Test>> any_;
};

}  // namespace weir
