// validate: checks fields, named rules, a script and a schema, and converts text to declared types. A pure function of
// event and rules.
#pragma once
#include <memory>
#include <string>
#include <string_view>
#include <vector>

#include "actors/validate/field_check.h"
#include "actors/validate/json_schema.h"
#include "actors/validate/named_check.h"
#include "runtime/base/result.h"
#include "runtime/engine/chain_plan.h"
#include "runtime/engine/condition.h"
#include "runtime/event/stage.h"
#include "runtime/ports/script.h"

namespace weir {

/// Rejects with field_missing, field_type, field_range, number_range, rule:NAME, schema or script. Everything is checked:
/// fields in the order of the file, then rules in the order of the file, then the script, then the schema, each on the
/// event with the conversions of all fields that could be converted. The reason is that of the first violation, the
/// details list all of them, up to kViolationsMax. A script that fails says nothing of an event that something else is
/// wrong with; of any other it is the reason `script`. Fields that were text and are declared integer, decimal or boolean leave as such
/// where coercion is on (by default for CSV only).
class Validator final : public Stage {
 public:
  static constexpr std::size_t kViolationsMax = 32;
  /// `config.body` is a ValidateConfig. Errors, config_invalid: a bound that is no decimal, a pattern that is none, a
  /// path that does not exist, all findings of the schema, the script does not load; input_unreadable: the file of either.
  [[nodiscard]] static Result<std::unique_ptr<Stage>> compile(const StageConfig& config, StageContext& context);

  [[nodiscard]] std::string_view name() const noexcept override { return name_; }
  [[nodiscard]] std::string_view kind() const noexcept override { return "validate"; }
  void process(ChainBatch& batch, StageScratch& scratch) const override;
  /// All that is wrong with an event, whose fields it converts as far as that goes; empty: nothing.
  [[nodiscard]] std::vector<Violation> violations(ChainBatch& batch, ChainEvent& event, StageScratch& scratch) const;

 private:
  explicit Validator(std::string name) : name_(std::move(name)) {}
  /// What one batch is looked at with. `script` is null without a script.
  struct Running;
  struct Work {
    ChainBatch& batch;
    StageScratch& scratch;
    Running* script;
    bool csv;
  };
  [[nodiscard]] Running* running(StageScratch& scratch) const;
  [[nodiscard]] Work work_on(ChainBatch& batch, StageScratch& scratch) const;
  [[nodiscard]] bool passes(Work& work, ChainEvent& event) const;
  [[nodiscard]] std::vector<Violation> violations(Work& work, ChainEvent& event) const;
  void reject(Work& work, ChainEvent& event) const;
  /// The event as it is now; false: it has more values than a schema is held against.
  [[nodiscard]] bool read_tree(const ChainEvent& event, StageScratch& scratch, ParseProblem& problem) const;

  std::string name_;
  Condition when_;
  std::vector<FieldCheck> checks_;
  std::vector<FieldCheck::Quick> quick_;  // of checks_, close together
  std::vector<NamedCheck> rules_;
  std::unique_ptr<const Script> script_;
  std::shared_ptr<const JsonSchema> schema_;
  const FieldPlan* plan_ = nullptr;
};

}  // namespace weir
