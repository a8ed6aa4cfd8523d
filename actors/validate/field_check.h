// One rule of validate.fields, compiled.
#pragma once
#include <array>
#include <compare>
#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "actors/validate/text_pattern.h"
#include "runtime/base/decimal.h"
#include "runtime/base/result.h"
#include "runtime/engine/chain_plan.h"
#include "runtime/engine/field_ref.h"
#include "runtime/ports/pipeline_config.h"

namespace weir {

/// A set of texts that answers in about the time of one comparison.
class TextSet {
 public:
  TextSet() = default;
  explicit TextSet(std::vector<std::string> texts);
  /// Its number among the texts it was made of, or kNone. kBlockPadding bytes behind `text` must be readable.
  [[nodiscard]] std::uint32_t find(std::string_view text) const noexcept;
  [[nodiscard]] bool holds(std::string_view text) const noexcept { return find(text) != kNone; }
  [[nodiscard]] const std::vector<std::string>& texts() const noexcept { return texts_; }
  static constexpr std::uint32_t kNone = 0xffffffff;

 private:
  struct Entry {
    std::uint64_t head = 0;
    std::uint32_t text = kNone;
  };
  [[nodiscard]] static std::uint64_t head_of(std::string_view text) noexcept;
  std::vector<std::string> texts_;
  std::vector<Entry> entries_;  // open addressing, at most half full
  unsigned shift_ = 64;
};

struct Violation {
  /// field_missing, field_type, field_range, number_range, rule:NAME, schema, script; lives as long as the batch.
  std::string_view reason;
  std::string text;  // "Quantity: 0 is not above 0"
};

/// Whether a check puts the converted value into the event.
enum class Converts : std::uint8_t { yes, no };

class FieldCheck {
 public:
  /// Errors, config_invalid: a bound or pattern that is none, a path that does not exist.
  [[nodiscard]] static Result<FieldCheck> compile(const FieldRule& rule, StageContext& context,
                                                  Converts converts = Converts::yes);

  /// Checks and, where coercion is on and the value is text of the declared type, converts. True: nothing to complain
  /// about.
  [[nodiscard]] bool pass(ChainBatch& batch, ChainEvent& event, bool csv) const;
  /// What can be told from the kind of a value alone: a kind whose bit is set in `kinds` passes. Slot kNoSlot: nothing
  /// can.
  struct Quick {
    Slot slot = kNoSlot;
    std::uint16_t kinds = 0;
  };
  [[nodiscard]] const Quick& quick() const noexcept { return quick_; }
  /// Converts as pass() does a value that does not pass, where only its range or choice is wrong.
  void convert_anyway(ChainBatch& batch, ChainEvent& event, bool csv) const;
  /// The violations of a value that does not pass, at least one.
  void explain(ChainBatch& batch, const ChainEvent& event, bool csv, std::vector<Violation>& to) const;

 private:
  enum class Fault : std::uint8_t { none, type, number_range };
  struct Bound {
    std::string text;
    Decimal value;
    bool inclusive = true;
    /// value * 10^scale for small scales, where it fits: most numbers are compared without making a Decimal.
    std::array<std::optional<std::int64_t>, 7> at_scale;
  };
  [[nodiscard]] static Result<std::optional<Bound>> bound(const FieldRule& rule,
                                                          const std::optional<std::string>& inclusive,
                                                          const std::optional<std::string>& exclusive);
  /// The value as its declared type, or why it is not one.
  [[nodiscard]] Fault convert(Value& value, ChainArena& arena, bool csv) const;
  [[nodiscard]] Fault convert_number(Value& value, ChainArena& arena, bool coerce) const;
  void set_quick();
  [[nodiscard]] std::optional<bool> pass_small(const Value& value) const;
  [[nodiscard]] Fault check_number(const Value& value) const;
  [[nodiscard]] static std::weak_ordering order(const Value& value, const Bound& bound, ChainArena& arena);
  [[nodiscard]] bool above_low(const Value& value, ChainArena& arena) const;
  [[nodiscard]] bool below_high(const Value& value, ChainArena& arena) const;
  [[nodiscard]] bool allowed(const Value& value, ChainArena& arena) const;
  [[nodiscard]] bool length_fits(const Value& value, ChainArena& arena) const;
  [[nodiscard]] bool pattern_found(const Value& value, ChainArena& arena) const;

  FieldRef field_;
  Quick quick_;
  FieldType type_ = FieldType::any;
  bool required_ = true;
  bool nullable_ = false;
  bool has_lengths_ = false;
  bool converts_ = true;
  std::optional<bool> coerce_;
  std::optional<Bound> low_;
  std::optional<Bound> high_;
  std::uint32_t length_min_ = 0;
  std::uint32_t length_max_ = UINT32_MAX;
  bool has_set_ = false;
  TextSet texts_;                         // one_of: the texts among it
  std::vector<ConstantValue> constants_;  // one_of: everything else
  std::optional<TextPattern> pattern_;
};

}  // namespace weir
