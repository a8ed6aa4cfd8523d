#include "actors/transform/array_split.h"

#include <fmt/format.h>

namespace weir {

Result<ArraySplit> ArraySplit::compile(const SplitConfig& config, StageContext& context) {
  ArraySplit split;
  WEIR_ASSIGN(split.field_, FieldRef::compile(config.field, context.fields));
  split.as_ = context.fields.touch(config.as);
  const Slot array = context.fields.touch(config.field.parts);
  if (array != split.as_) {
    split.gone_ = array;
    // Nothing can be taken out of the middle of an object that is copied as it is.
    if (config.field.parts.size() > 1) split.gone_value_ = make_value(ValueKind::null, "null");
  }
  split.parts_max_ = config.parts_max;
  split.missing_passes_ = config.missing == OnMissing::pass;
  return split;
}

void ArraySplit::not_an_array(ChainBatch& batch, ChainEvent& event, std::string_view stage, const Value& found) const {
  if (found.absent()) {
    batch.reject(event, stage, "field_missing", fmt::format("{} is {}", field_.text(), to_string(found.kind)));
  } else {
    batch.reject(event, stage, "field_type",
                 fmt::format("{} is of type {}, only an array can be split", field_.text(), to_string(found.kind)));
  }
}

void ArraySplit::too_many(ChainBatch& batch, ChainEvent& event, std::string_view stage, bool elements) const {
  batch.reject(event, stage, "output_too_large",
               elements ? fmt::format("{} has more than {} elements, the limit of split.parts_max", field_.text(), parts_max_)
                        : fmt::format("the event has more than {} parts", kEventPartsMax));
}

}  // namespace weir
