// One transform form, compiled: what `set:` computes for a field.
#pragma once
#include <cstdint>
#include <memory>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "actors/transform/small_decimal.h"
#include "runtime/base/decimal.h"
#include "runtime/base/result.h"
#include "runtime/engine/chain_plan.h"
#include "runtime/engine/field_ref.h"
#include "runtime/ports/pipeline_config.h"

namespace weir {

/// Why an event has no value for a formula: field_missing (an operand that is computed with is missing or null),
/// field_type (it is of another type), number_range (limits of decimals, division by zero), enrich_miss (no such key in
/// a table).
struct FormulaFault {
  std::string_view reason;
  std::string text;  // "UnitPrice is missing"
};

/// Immutable and pure. A copied path takes what is there: null stays null, missing stays missing.
class Formula {
 public:
  /// Errors: config_invalid (a constant that is no number where one is needed, a column that is not there), or of a
  /// table.
  [[nodiscard]] static Result<Formula> compile(const Expression& expression, StageContext& context);

  /// False: `fault` says why.
  [[nodiscard]] bool evaluate(const ChainEvent& event, ChainBatch& batch, Value& value, FormulaFault& fault) const;

 private:
  struct Leaf {
    Slot slot = kNoSlot;  // or the constant:
    Value value;
  };
  struct Node {
    Expression::Kind kind = Expression::Kind::constant;
    FieldRef field;
    std::vector<ConstantValue> constant;  // one, or none
    Value value;                          // the constant's
    std::optional<Decimal> decimal;       // the constant's, where it is a number
    std::optional<SmallDecimal> small;    // the same, where it is small
    std::vector<std::uint32_t> arguments;
    std::uint32_t scale = 0;
    std::uint32_t bits = 0;
    std::shared_ptr<const ReferenceTable> table;
    std::uint32_t column = 0;
    std::vector<Leaf> leaves;  // of a concat of nothing but top-level fields and constants
  };
  struct Run {
    const ChainEvent& event;
    ChainBatch& batch;
    FormulaFault& fault;
  };
  [[nodiscard]] Result<std::uint32_t> add(const Expression& expression, StageContext& context);
  [[nodiscard]] bool value_of(const Node& node, Run& run, Value& value) const {
    if (node.kind == Expression::Kind::path) {
      value = node.field.read(run.event, run.batch);
      return true;
    }
    if (node.kind == Expression::Kind::constant) {
      value = node.value;
      return true;
    }
    return made_value(node, run, value);
  }
  [[nodiscard]] bool made_value(const Node& node, Run& run, Value& value) const;
  [[nodiscard]] bool number_of(const Node& node, Run& run, Decimal& number) const;
  [[nodiscard]] bool arithmetic(const Node& node, Run& run, Decimal& number) const;
  /// The same in 64 bits; false: leave it to arithmetic(), which also knows why there is no number.
  [[nodiscard]] bool small_of(const Node& node, Run& run, SmallDecimal& number) const;
  [[nodiscard]] bool concat_leaves(const Node& node, Run& run, Value& value) const;
  [[nodiscard]] static bool no_number(const Node& node, Run& run, const Value& value, DecimalFault why);
  /// `plain`: nothing in it needs escaping, as far as that is known without looking.
  [[nodiscard]] bool text_of(const Node& node, Run& run, std::string_view& text, bool& plain) const;
  [[nodiscard]] bool concat(const Node& node, Run& run, Value& value) const;
  [[nodiscard]] bool change_case(const Node& node, Run& run, Value& value) const;
  [[nodiscard]] bool look_up(const Node& node, Run& run, Value& value) const;
  [[nodiscard]] bool ip_prefix(const Node& node, Run& run, Value& value) const;
  /// How the details name an operand.
  [[nodiscard]] static std::string_view called(const Node& node);

  std::vector<Node> nodes_;  // the root is the last one
};

}  // namespace weir
