#include "actors/transform/transformer.h"

#include <fmt/format.h>

namespace weir {

Result<std::unique_ptr<Stage>> Transformer::compile(const StageConfig& config, StageContext& context) {
  const auto& transform = std::get<TransformConfig>(config.body);
  auto stage = std::unique_ptr<Transformer>(new Transformer(config.name));
  WEIR_ASSIGN(stage->when_, Condition::compile(config.when, context.fields));
  stage->plan_ = &context.fields;
  if (transform.split) {
    WEIR_ASSIGN(stage->split_, ArraySplit::compile(*transform.split, context));
  }
  for (const auto& [field, expression] : transform.set) {
    auto formula = Formula::compile(expression, context);
    if (!formula)
      return fail(formula.error().code, "stage \"{}\", field \"{}\": {}", config.name, field, formula.error().context);
    stage->set_.push_back({context.fields.touch(field), field, std::move(*formula)});
  }
  if (transform.filter) {
    WEIR_ASSIGN(stage->filter_, Condition::compile(transform.filter->condition, context.fields));
    stage->keep_ = transform.filter->keep;
  }
  for (const std::string& field : transform.drop) stage->drop_.push_back(context.fields.touch(field));
  return std::unique_ptr<Stage>(std::move(stage));
}

void Transformer::process(ChainBatch& batch, StageScratch&) const {
  if (split_) return split(batch);
  for (ChainEvent& event : batch.events()) {
    if (event.verdict == Verdict::pass && when_.holds(event, batch)) shape(batch, event);
  }
}

void Transformer::split(ChainBatch& batch) const {
  ChainSplit out(batch, *plan_);
  for (ChainEvent& event : batch.events()) {
    if (event.verdict == Verdict::pass && when_.holds(event, batch)) {
      split_->split(batch, event, name_, out, [&](ChainEvent& part) { shape(batch, part); });
    } else {
      out.keep(event);
    }
  }
  out.finish();
}

void Transformer::shape(ChainBatch& batch, ChainEvent& event) const {
  if (!set(batch, event)) return;
  if (filter_ && filter_->holds(event, batch) != keep_) return batch.filter(event);
  for (const Slot slot : drop_) event.document.drop(slot);
}

bool Transformer::set(ChainBatch& batch, ChainEvent& event) const {
  FormulaFault fault;
  for (const Assignment& assignment : set_) {
    Value value;
    if (!assignment.formula.evaluate(event, batch, value, fault)) [[unlikely]] {
      batch.reject(event, name_, fault.reason, fmt::format("{}: {}", assignment.field, fault.text));
      return false;
    }
    event.document.set(assignment.slot, value);
  }
  return true;
}

}  // namespace weir
