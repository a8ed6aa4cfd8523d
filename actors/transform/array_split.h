// `split:` of a transform stage: one record for every element of an array.
#pragma once
#include <cstdint>
#include <string>

#include "runtime/base/result.h"
#include "runtime/engine/chain_plan.h"
#include "runtime/engine/field_ref.h"
#include "runtime/event/chain_batch.h"
#include "runtime/ports/transform_config.h"

namespace weir {

/// Immutable and pure. A part is the event with the element at `as`; the array itself is gone from it (a nested array
/// leaves null behind), so that the parts together are not larger than need be.
class ArraySplit {
 public:
  /// Errors: config_invalid.
  [[nodiscard]] static Result<ArraySplit> compile(const SplitConfig& config, StageContext& context);

  /// Adds the parts of `event` to `out`, in the order of the elements, each after `finish_part(part)` has done the rest
  /// of the stage to it. Of an empty array there is no part: the event is filtered. Rejects the event, with the stage's
  /// name: field_missing (unless the rule lets it pass whole), field_type (no array), output_too_large (more elements
  /// than parts_max, or more than kEventPartsMax parts with earlier splits); what rejects one part rejects the event.
  template <class FinishPart>
  void split(ChainBatch& batch, ChainEvent& event, std::string_view stage, ChainSplit& out,
             const FinishPart& finish_part) const {
    const Value array = field_.read(event, batch);
    if (array.kind != ValueKind::array) [[unlikely]]
      return no_array(batch, event, stage, array, out, finish_part);
    ArrayElements elements(array.span());
    std::uint32_t count = 0;
    for (Value element; elements.next(element);) {
      ChainEvent* const part = count++ == parts_max_ ? nullptr : out.add_part(event);
      if (part == nullptr) [[unlikely]] {
        too_many(batch, event, stage, count > parts_max_);
        return out.reject(event);
      }
      if (gone_ != kNoSlot) part->document.set(gone_, gone_value_);
      part->document.set(as_, element);
      finish_part(*part);
      if (part->verdict == Verdict::reject) return out.reject(*part);
    }
    if (count != 0) return;
    batch.filter(event);
    out.keep(event);
  }

 private:
  template <class FinishPart>
  void no_array(ChainBatch& batch, ChainEvent& event, std::string_view stage, const Value& found, ChainSplit& out,
                const FinishPart& finish_part) const {
    if (found.absent() && missing_passes_) {
      finish_part(event);
    } else {
      not_an_array(batch, event, stage, found);
    }
    if (event.verdict == Verdict::reject) return out.reject(event);
    out.keep(event);
  }
  void not_an_array(ChainBatch& batch, ChainEvent& event, std::string_view stage, const Value& found) const;
  void too_many(ChainBatch& batch, ChainEvent& event, std::string_view stage, bool elements) const;

  FieldRef field_;
  Slot as_ = kNoSlot;
  Slot gone_ = kNoSlot;  // the array's own, where the element takes another place
  Value gone_value_;
  std::uint32_t parts_max_ = 0;
  bool missing_passes_ = false;
};

}  // namespace weir
