// Forms of one operand, compiled: what they make of its value. Arithmetic, concat and lookup are the formula's own
// (formula.h).
#pragma once
#include <memory>
#include <string>
#include <string_view>

#include "runtime/base/result.h"
#include "runtime/event/chain_batch.h"
#include "runtime/event/document.h"
#include "runtime/ports/transform_config.h"

namespace weir {

/// A longer text is not computed (output_too_large): the largest event that limits.event_bytes_max can allow.
inline constexpr std::size_t kComputedTextMax = 16 * 1024 * 1024;

/// Why an event has no value for a formula: field_missing (an operand that is computed with is missing or null),
/// field_type (it is of another type), number_range (limits of decimals, division by zero), time (no time of the form,
/// or outside the years 1900 to 2200), enrich_miss (no such key in a table).
struct FormulaFault {
  std::string_view reason;
  std::string text;  // "UnitPrice is missing"
};

struct FormulaRun {
  const ChainEvent& event;
  ChainBatch& batch;
  FormulaFault& fault;
};

/// The text of a string, number or boolean. False, with the fault set: missing, null, an object or array. `called`
/// names the operand.
[[nodiscard]] bool text_of_value(const Value& value, std::string_view called, FormulaRun& run, std::string_view& text);

/// Immutable and pure. What make() gives lives as long as the batch.
class OperandForm {
 public:
  virtual ~OperandForm() = default;
  /// False, with the fault set. `called`: how details name the operand.
  [[nodiscard]] virtual bool make(const Value& operand, std::string_view called, FormulaRun& run,
                                  Value& value) const = 0;
  /// How details name what comes out: "the text computed".
  [[nodiscard]] virtual std::string_view makes() const = 0;
};

/// The form of an expression with one operand: null when its kind is none. Errors: config_invalid, of a time pattern.
[[nodiscard]] Result<std::unique_ptr<const OperandForm>> make_text_form(const Expression& expression);
[[nodiscard]] Result<std::unique_ptr<const OperandForm>> make_time_form(const Expression& expression);
[[nodiscard]] Result<std::unique_ptr<const OperandForm>> make_number_form(const Expression& expression);

}  // namespace weir
