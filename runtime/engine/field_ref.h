// Paths and constants of a pipeline file, compiled: what stages use to look at an event.
#pragma once
#include <cstdint>
#include <optional>
#include <string>
#include <string_view>

#include "runtime/base/decimal.h"
#include "runtime/base/result.h"
#include "runtime/event/chain_batch.h"
#include "runtime/event/document.h"
#include "runtime/event/field_plan.h"
#include "runtime/ports/pipeline_config.h"

namespace weir {

/// A path that is read. Cheap to copy. The plan it was compiled with must outlive it.
class FieldRef {
 public:
  FieldRef() = default;
  /// Errors: config_invalid (an envelope name that does not exist).
  [[nodiscard]] static Result<FieldRef> compile(const FieldPath& path, FieldPlan& plan);

  /// The value as it is now. Envelope values are made in the batch's arena: `@time` as RFC 3339, `@partition` as a
  /// number.
  [[nodiscard]] Value read(const ChainEvent& event, ChainBatch& batch) const {
    if (envelope_ == Envelope::none) [[likely]] {
      if (parent_ == kNoSlot || !event.document.slots[parent_].has(value_flag::edited))
        return event.document.slots[slot_];
      return event.document.get(*plan_, slot_);
    }
    return read_envelope(event, batch);
  }
  /// As read(), but an object comes with the changes that stages made inside it.
  [[nodiscard]] Value read_whole(const ChainEvent& event, ChainBatch& batch) const {
    if (envelope_ != Envelope::none) return read_envelope(event, batch);
    return current_value(event.document, *plan_, slot_, batch.arena());
  }
  /// kNoSlot: of the envelope.
  [[nodiscard]] Slot slot() const noexcept { return slot_; }
  [[nodiscard]] bool nested() const noexcept { return parent_ != kNoSlot; }
  /// As written in the pipeline file.
  [[nodiscard]] const std::string& text() const noexcept { return text_; }

 private:
  enum class Envelope : std::uint8_t { none, id, time, type, source, partition };
  [[nodiscard]] Value read_envelope(const ChainEvent& event, ChainBatch& batch) const;

  const FieldPlan* plan_ = nullptr;
  Slot slot_ = kNoSlot;
  Slot parent_ = kNoSlot;
  Envelope envelope_ = Envelope::none;
  std::string text_;
};

/// A value as a number. Only numbers are; text is one only where it is tabular (CSV, reference tables).
/// Faults: syntax (no number at all), range.
[[nodiscard]] DecimalResult<Decimal> to_decimal(const Value& value, ChainArena& arena);

/// A constant of a pipeline file as a value; keeps its bytes.
class ConstantValue {
 public:
  explicit ConstantValue(const Constant& constant);
  [[nodiscard]] Value value() const noexcept;
  [[nodiscard]] const std::optional<Decimal>& decimal() const noexcept { return decimal_; }
  /// Equal as JSON values: numbers by value, texts by their characters, null only null. A tabular text equals a number
  /// when it reads as one.
  [[nodiscard]] bool equals(const Value& value, ChainArena& arena) const;

 private:
  PaddedText text_;
  ValueKind kind_;
  std::uint8_t flags_ = 0;
  std::optional<Decimal> decimal_;
};

/// The value as people read it in the details of a dead letter: as JSON, shortened to about 64 bytes.
[[nodiscard]] std::string shown(const Value& value);

}  // namespace weir
