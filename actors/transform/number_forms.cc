// Forms that look at one number: bucket and to_number.
#include <fmt/format.h>

#include <algorithm>

#include "actors/transform/operand_form.h"
#include "runtime/base/decimal.h"
#include "runtime/engine/field_ref.h"

namespace weir {

namespace {

using Kind = Expression::Kind;

bool fault_of(DecimalFault why, const Value& value, std::string_view called, FormulaRun& run) {
  if (value.absent()) {
    run.fault = {"field_missing", fmt::format("{} is {}", called, to_string(value.kind))};
  } else if (why == DecimalFault::range) {
    run.fault = {"number_range",
                 fmt::format("{} {} has more than 38 digits or 18 behind the point", called, shown(value))};
  } else {
    run.fault = {"field_type", fmt::format("{} {} is no number", called, shown(value))};
  }
  return false;
}

class BucketForm final : public OperandForm {
 public:
  static Result<std::unique_ptr<const OperandForm>> compile(const Expression& expression) {
    auto form = std::make_unique<BucketForm>();
    for (const auto& [below, constant] : expression.below) {
      const auto bound = Decimal::parse(below);
      if (!bound) return fail(Errc::config_invalid, "the bound {} of a bucket is no decimal", below);
      if (!form->bounds_.empty() && *bound <= form->bounds_.back())
        return fail(Errc::config_invalid, "the bounds of a bucket must rise, {} does not", below);
      form->bounds_.push_back(*bound);
      form->buckets_.emplace_back(constant);
    }
    form->buckets_.emplace_back(expression.otherwise);
    if (expression.missing) form->missing_.emplace(*expression.missing);
    return std::unique_ptr<const OperandForm>(std::move(form));
  }

  std::string_view makes() const override { return "the bucket"; }
  bool make(const Value& operand, std::string_view called, FormulaRun& run, Value& value) const override {
    if (operand.absent() && missing_) {
      value = missing_->value();
      return true;
    }
    const auto number = to_decimal(operand, run.batch.arena());
    if (!number) return fault_of(number.error(), operand, called, run);
    // The first bound above the number; behind the last one stands `else`.
    const auto bound = std::upper_bound(bounds_.begin(), bounds_.end(), *number);
    value = buckets_[static_cast<std::size_t>(bound - bounds_.begin())].value();
    return true;
  }

 private:
  std::vector<Decimal> bounds_;
  std::vector<ConstantValue> buckets_;  // one more than bounds
  std::optional<ConstantValue> missing_;
};

/// Numbers stay as they are spelled; a text that reads as a decimal becomes one.
class ToNumberForm final : public OperandForm {
 public:
  std::string_view makes() const override { return "the number computed"; }
  bool make(const Value& operand, std::string_view called, FormulaRun& run, Value& value) const override {
    if (operand.kind == ValueKind::number) {
      value = operand;
      value.flags = 0;
      return true;
    }
    if (!operand.is_text()) return fault_of(DecimalFault::syntax, operand, called, run);
    const auto number = Decimal::parse(plain_text(operand, run.batch.arena()));
    if (!number) return fault_of(number.error(), operand, called, run);
    char* const to = run.batch.arena().take(Decimal::kTextMax);
    const std::size_t size = number->write_text(to);
    run.batch.arena().shrink_last(to, size);
    value = make_value(ValueKind::number, {to, size});
    return true;
  }
};

}  // namespace

Result<std::unique_ptr<const OperandForm>> make_number_form(const Expression& expression) {
  std::unique_ptr<const OperandForm> form;
  if (expression.kind == Kind::bucket) return BucketForm::compile(expression);
  if (expression.kind == Kind::to_number) form = std::make_unique<ToNumberForm>();
  return form;
}

}  // namespace weir
