// validate: checks declared fields and converts text to their types. A pure function of event and rules.
#pragma once
#include <memory>
#include <string>
#include <string_view>
#include <vector>

#include "actors/validate/field_check.h"
#include "runtime/base/result.h"
#include "runtime/engine/chain_plan.h"
#include "runtime/engine/condition.h"
#include "runtime/event/stage.h"

namespace weir {

/// Rejects with field_missing, field_type, field_range or number_range; the reason is that of the first violation in
/// the order of the file, the details list all of them. Fields that were text and are declared integer, decimal or
/// boolean leave as such where coercion is on (by default for CSV only).
class Validator final : public Stage {
 public:
  /// `config.body` is a ValidateConfig. Errors, config_invalid: a bound that is no decimal, a path that does not exist.
  [[nodiscard]] static Result<std::unique_ptr<Stage>> compile(const StageConfig& config, StageContext& context);

  [[nodiscard]] std::string_view name() const noexcept override { return name_; }
  [[nodiscard]] std::string_view kind() const noexcept override { return "validate"; }
  void process(ChainBatch& batch, StageScratch& scratch) const override;

 private:
  explicit Validator(std::string name) : name_(std::move(name)) {}
  void reject(ChainBatch& batch, ChainEvent& event, bool csv) const;

  std::string name_;
  Condition when_;
  std::vector<FieldCheck> checks_;
  std::vector<FieldCheck::Quick> quick_;  // of checks_, close together
};

}  // namespace weir
