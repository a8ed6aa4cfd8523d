#include "actors/validate/validator.h"

namespace weir {

Result<std::unique_ptr<Stage>> Validator::compile(const StageConfig& config, StageContext& context) {
  auto stage = std::unique_ptr<Validator>(new Validator(config.name));
  WEIR_ASSIGN(stage->when_, Condition::compile(config.when, context.fields));
  for (const FieldRule& rule : std::get<ValidateConfig>(config.body).fields) {
    WEIR_ASSIGN(FieldCheck check, FieldCheck::compile(rule, context));
    stage->quick_.push_back(check.quick());
    stage->checks_.push_back(std::move(check));
  }
  return std::unique_ptr<Stage>(std::move(stage));
}

void Validator::process(ChainBatch& batch, StageScratch&) const {
  const bool csv = batch.input().header().format == FrameFormat::csv;
  for (ChainEvent& event : batch.events()) {
    if (event.verdict != Verdict::pass || !when_.holds(event, batch)) continue;
    const Value* const slots = event.document.slots;
    for (std::size_t i = 0; i < checks_.size(); ++i) {
      const FieldCheck::Quick quick = quick_[i];
      if (quick.slot != kNoSlot && (quick.kinds >> static_cast<unsigned>(slots[quick.slot].kind) & 1u) != 0) continue;
      if (checks_[i].pass(batch, event, csv)) [[likely]]
        continue;
      reject(batch, event, csv);
      break;
    }
  }
}

void Validator::reject(ChainBatch& batch, ChainEvent& event, bool csv) const {
  std::vector<Violation> violations;
  for (const FieldCheck& check : checks_) check.explain(batch, event, csv, violations);
  std::vector<std::string_view> details;
  for (const Violation& violation : violations) details.push_back(violation.text);
  batch.reject(event, name_, violations.front().reason, details);
}

}  // namespace weir
