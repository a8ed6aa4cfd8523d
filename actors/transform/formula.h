// One transform form, compiled: what `set:` computes for a field.
#pragma once
#include <cstdint>
#include <memory>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "actors/transform/operand_form.h"
#include "actors/transform/small_decimal.h"
#include "runtime/base/decimal.h"
#include "runtime/base/result.h"
#include "runtime/engine/chain_plan.h"
#include "runtime/engine/field_ref.h"
#include "runtime/ports/transform_config.h"

namespace weir {

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
  /// How a node gets its value. Forms of one operand are all one case: their own object knows the rest.
  enum class Way : std::uint8_t {
    path,
    constant,
    add,
    subtract,
    multiply,
    divide,
    round,
    concat,
    form,
    lookup,
    coalesce
  };
  struct Node {
    Way way = Way::constant;
    FieldRef field;
    std::vector<ConstantValue> constant;  // one, or none
    Value value;                          // the constant's
    std::optional<Decimal> decimal;       // the constant's, where it is a number
    std::optional<SmallDecimal> small;    // the same, where it is small
    std::vector<std::uint32_t> arguments;
    std::uint32_t scale = 0;
    std::unique_ptr<const OperandForm> form;
    std::shared_ptr<const ReferenceTable> table;
    std::uint32_t column = 0;
    std::vector<Leaf> leaves;  // of a concat of nothing but top-level fields and constants
  };
  using Run = FormulaRun;
  [[nodiscard]] Result<std::uint32_t> add(const Expression& expression, StageContext& context);
  [[nodiscard]] static Result<void> compile_constant(const Constant& constant, Node& node);
  [[nodiscard]] static Result<void> compile_lookup(const Expression& expression, StageContext& context, Node& node);
  [[nodiscard]] static Result<void> compile_form(const Expression& expression, Node& node);
  void find_leaves(Node& node) const;
  [[nodiscard]] bool value_of(const Node& node, Run& run, Value& value) const {
    if (node.way == Way::path) {
      value = node.field.read(run.event, run.batch);
      return true;
    }
    if (node.way == Way::constant) {
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
  [[nodiscard]] bool coalesce(const Node& node, Run& run, Value& value) const;
  [[nodiscard]] bool look_up(const Node& node, Run& run, Value& value) const;
  [[nodiscard]] static bool too_long(Run& run);
  /// How the details name an operand.
  [[nodiscard]] static std::string_view called(const Node& node);

  std::vector<Node> nodes_;  // the root is the last one
};

}  // namespace weir
