#include "actors/enrich/missing_rule.h"

#include <fmt/format.h>

namespace weir {

MissingRule::MissingRule(const EnrichConfig& config, FieldPlan& fields) : missing_(config.missing) {
  for (const auto& [field, constant] : config.fill) fill_.emplace_back(fields.touch(field), ConstantValue(constant));
}

void MissingRule::apply(ChainBatch& batch, ChainEvent& event, std::string_view stage, const std::vector<FieldRef>& key,
                        std::string_view unknown) const {
  switch (missing_) {
    case OnMissing::pass:
      return;
    case OnMissing::fill:
      for (const auto& [slot, constant] : fill_) event.document.set(slot, constant.value());
      return;
    case OnMissing::reject:
      break;
  }
  std::string text;
  for (const FieldRef& field : key) {
    if (!text.empty()) text += ", ";
    const Value value = field.read(event, batch);
    text += value.kind == ValueKind::missing ? fmt::format("{}: is missing", field.text())
                                             : fmt::format("{}: {} {}", field.text(), shown(value), unknown);
  }
  batch.reject(event, stage, "enrich_miss", text);
}

std::string_view key_part(const FieldRef& field, const ChainEvent& event, ChainBatch& batch) {
  const Value value = field.read(event, batch);
  if (value.absent() || value.kind == ValueKind::object || value.kind == ValueKind::array) return {};
  return plain_text(value, batch.arena());
}

}  // namespace weir
