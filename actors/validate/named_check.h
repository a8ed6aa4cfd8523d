// One named rule of validate, compiled.
#pragma once
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "actors/validate/field_check.h"
#include "runtime/base/result.h"
#include "runtime/engine/chain_plan.h"
#include "runtime/engine/condition.h"
#include "runtime/engine/field_ref.h"
#include "runtime/ports/pipeline_config.h"

namespace weir {

/// A pure function of the event; never changes it. Its violations have the reason `rule:NAME`.
class NamedCheck {
 public:
  /// Errors, config_invalid: as FieldCheck::compile.
  [[nodiscard]] static Result<NamedCheck> compile(const NamedRule& rule, StageContext& context);

  [[nodiscard]] bool pass(ChainBatch& batch, ChainEvent& event, bool csv) const;
  /// The violations of an event that does not pass, at least one; none of one that passes.
  void explain(ChainBatch& batch, ChainEvent& event, bool csv, std::vector<Violation>& to) const;

 private:
  struct Side {
    std::optional<FieldRef> field;
    std::optional<ConstantValue> constant;
    [[nodiscard]] Value read(const ChainEvent& event, ChainBatch& batch) const {
      return field ? field->read(event, batch) : constant->value();
    }
    [[nodiscard]] std::string name(const ChainEvent& event, ChainBatch& batch) const;
  };
  enum class Fault : std::uint8_t { none, relation, missing, null, not_comparable };
  [[nodiscard]] Fault compare(const ChainEvent& event, ChainBatch& batch) const;
  /// Nothing: the sides cannot be compared so.
  [[nodiscard]] std::optional<std::weak_ordering> order(const Value& left, const Value& right, ChainArena& arena) const;
  [[nodiscard]] bool holds(std::weak_ordering order) const noexcept;
  [[nodiscard]] bool count_fits(std::size_t there) const noexcept;
  [[nodiscard]] std::size_t count(const ChainEvent& event, ChainBatch& batch) const;
  [[nodiscard]] std::string explain_compare(Fault fault, const ChainEvent& event, ChainBatch& batch) const;
  [[nodiscard]] std::string explain_count(const ChainEvent& event, ChainBatch& batch) const;

  std::string name_;
  std::string reason_;  // rule:NAME
  NamedRule::Kind kind_ = NamedRule::Kind::field;
  Condition when_;
  std::optional<FieldCheck> field_;
  Side left_, right_;
  NamedRule::Relation relation_ = NamedRule::Relation::equal;
  NamedRule::As as_ = NamedRule::As::automatic;
  bool required_ = true;
  bool nullable_ = false;
  std::vector<FieldRef> paths_;
};

}  // namespace weir
