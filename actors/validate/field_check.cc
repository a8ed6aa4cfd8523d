#include "actors/validate/field_check.h"

#include <fmt/format.h>

#include <algorithm>
#include <bit>
#include <cstring>

#include "runtime/base/json_text.h"
#include "runtime/event/json_scan.h"

namespace weir {

namespace {

std::string_view type_name(FieldType type) noexcept {
  switch (type) {
    case FieldType::any:
      return "value";
    case FieldType::string:
      return "string";
    case FieldType::integer:
      return "integer";
    case FieldType::decimal:
      return "decimal";
    case FieldType::boolean:
      return "boolean";
    case FieldType::object:
      return "object";
    case FieldType::array:
      return "array";
  }
  return "value";
}

bool same_letters(std::string_view text, std::string_view lower) noexcept {
  return std::equal(text.begin(), text.end(), lower.begin(), lower.end(), [](char a, char b) {
    return (static_cast<unsigned char>(a) | 0x20u) == static_cast<unsigned char>(b);
  });
}

}  // namespace

TextSet::TextSet(std::vector<std::string> texts) : texts_(std::move(texts)) {
  const std::size_t size = std::bit_ceil(std::max<std::size_t>(texts_.size() * 4, 4));
  entries_.resize(size);
  shift_ = 64 - static_cast<unsigned>(std::countr_zero(size));
  for (std::uint32_t i = 0; i < texts_.size(); ++i) {
    const PaddedText padded(texts_[i]);
    const std::uint64_t head = head_of(padded.view());
    std::size_t at = head >> shift_;
    while (entries_[at].text != kNone) at = (at + 1) & (size - 1);
    entries_[at] = {head, i};
  }
}

std::uint64_t TextSet::head_of(std::string_view text) noexcept {
  std::uint64_t head = load<std::uint64_t>(text.data());
  if (text.size() < 8) head &= (std::uint64_t{1} << (8 * text.size())) - 1;
  return (head ^ (text.size() * 0x9e3779b97f4a7c15ull)) * 0xd6e8feb86659fd93ull;
}

std::uint32_t TextSet::find(std::string_view text) const noexcept {
  if (texts_.empty()) return kNone;
  const std::uint64_t head = head_of(text);
  for (std::size_t at = head >> shift_; entries_[at].text != kNone; at = (at + 1) & (entries_.size() - 1)) {
    if (entries_[at].head == head && texts_[entries_[at].text] == text) return entries_[at].text;
  }
  return kNone;
}

Result<std::optional<FieldCheck::Bound>> FieldCheck::bound(const FieldRule& rule,
                                                           const std::optional<std::string>& inclusive,
                                                           const std::optional<std::string>& exclusive) {
  const std::optional<std::string>& text = inclusive ? inclusive : exclusive;
  if (!text) return std::optional<Bound>{};
  const auto value = Decimal::parse(*text);
  if (!value)
    return fail(Errc::config_invalid, "{}: the bound \"{}\" is {}", rule.path.text, *text, to_string(value.error()));
  Bound bound;
  bound.text = *text;
  bound.value = *value;
  bound.inclusive = inclusive.has_value();
  for (std::uint32_t scale = 0; scale < bound.at_scale.size(); ++scale) {
    const auto rescaled = value->round(scale);
    // Only where nothing is lost: a bound of 0.005 has no exact form at scale 2.
    if (!rescaled || *rescaled != *value) continue;
    if (rescaled->unscaled() > INT64_MAX || rescaled->unscaled() < INT64_MIN) continue;
    bound.at_scale[scale] = static_cast<std::int64_t>(rescaled->unscaled());
  }
  return std::optional<Bound>(std::move(bound));
}

Result<FieldCheck> FieldCheck::compile(const FieldRule& rule, StageContext& context, Converts converts) {
  FieldCheck check;
  check.converts_ = converts == Converts::yes;
  WEIR_ASSIGN(check.field_, FieldRef::compile(rule.path, context.fields));
  check.type_ = rule.type;
  check.required_ = rule.required;
  check.nullable_ = rule.nullable;
  check.coerce_ = rule.coerce;
  // Only an explicit coerce changes JSON; CSV writes every column from its slot anyway.
  if (check.converts_ && rule.coerce.value_or(false) && !rule.path.envelope())
    (void)context.fields.touch(rule.path.parts);
  WEIR_ASSIGN(check.low_, bound(rule, rule.min, rule.above));
  WEIR_ASSIGN(check.high_, bound(rule, rule.max, rule.below));
  check.has_lengths_ = rule.length_min || rule.length_max;
  check.length_min_ = rule.length_min.value_or(0);
  check.length_max_ = rule.length_max.value_or(UINT32_MAX);
  check.has_set_ = !rule.one_of.empty();
  std::vector<std::string> texts;
  for (const Constant& constant : rule.one_of) {
    if (constant.kind == Constant::Kind::string) {
      texts.push_back(constant.text);
    } else {
      check.constants_.emplace_back(constant);
    }
  }
  check.texts_ = TextSet(std::move(texts));
  if (rule.pattern) {
    auto pattern = TextPattern::compile(*rule.pattern);
    if (!pattern) {
      const std::string where = rule.pattern_key.empty() ? rule.path.text : fmt::format("\"{}\"", rule.pattern_key);
      return fail(Errc::config_invalid, "{}: {}", where, pattern.error().context);
    }
    check.pattern_ = std::move(*pattern);
  }
  check.set_quick();
  return check;
}

void FieldCheck::set_quick() {
  if (field_.slot() == kNoSlot || field_.nested()) return;
  quick_.slot = field_.slot();
  const auto accept = [this](ValueKind kind) {
    quick_.kinds = static_cast<std::uint16_t>(quick_.kinds | 1u << static_cast<unsigned>(kind));
  };
  if (!required_) accept(ValueKind::missing);
  if (nullable_) accept(ValueKind::null);
  if (has_lengths_ || has_set_ || pattern_) return;
  switch (type_) {
    case FieldType::any:
      for (const ValueKind kind : {ValueKind::boolean, ValueKind::number, ValueKind::string, ValueKind::text,
                                   ValueKind::object, ValueKind::array})
        accept(kind);
      break;
    case FieldType::string:
      accept(ValueKind::string);
      accept(ValueKind::text);
      break;
    case FieldType::boolean:
      accept(ValueKind::boolean);
      break;
    case FieldType::object:
      accept(ValueKind::object);
      break;
    case FieldType::array:
      accept(ValueKind::array);
      break;
    case FieldType::integer:
    case FieldType::decimal:
      break;  // has its limits
  }
}

FieldCheck::Fault FieldCheck::check_number(const Value& value) const {
  json_scan::SmallNumber small;
  if (json_scan::small_number(value.data, value.length, small)) [[likely]]
    return small.point && type_ == FieldType::integer ? Fault::type : Fault::none;
  const std::string_view text = value.span();
  if (type_ == FieldType::integer && text.find_first_of(".eE") != std::string_view::npos) return Fault::type;
  const auto number = Decimal::parse(text);
  return number && (type_ != FieldType::integer || number->to_int64()) ? Fault::none : Fault::number_range;
}

FieldCheck::Fault FieldCheck::convert_number(Value& value, ChainArena& arena, bool coerce) const {
  if (value.kind == ValueKind::number) return check_number(value);
  if (!coerce || !value.is_text()) return Fault::type;
  const std::string_view text = plain_text(value, arena);
  if (is_json_number(text)) {
    value = make_value(ValueKind::number, text);
    return check_number(value);
  }
  // Not as JSON spells it: 007, .5, +3.
  const auto number = Decimal::parse(text);
  if (!number) return number.error() == DecimalFault::range ? Fault::number_range : Fault::type;
  if (type_ == FieldType::integer && text.find_first_of(".eE") != std::string_view::npos) return Fault::type;
  char* to = arena.take(Decimal::kTextMax);
  value = make_value(ValueKind::number, {to, number->write_text(to)});
  return check_number(value);
}

FieldCheck::Fault FieldCheck::convert(Value& value, ChainArena& arena, bool csv) const {
  const auto is = [&value](ValueKind kind) { return value.kind == kind ? Fault::none : Fault::type; };
  switch (type_) {
    case FieldType::any:
      return Fault::none;
    case FieldType::string:
      return value.is_text() ? Fault::none : Fault::type;
    case FieldType::integer:
    case FieldType::decimal:
      return convert_number(value, arena, coerce_.value_or(csv));
    case FieldType::boolean: {
      if (value.kind == ValueKind::boolean || !value.is_text() || !coerce_.value_or(csv)) return is(ValueKind::boolean);
      const std::string_view text = plain_text(value, arena);
      if (same_letters(text, "true")) {
        value = make_value(ValueKind::boolean, arena.copy("true"));
      } else if (same_letters(text, "false")) {
        value = make_value(ValueKind::boolean, arena.copy("false"));
      } else {
        return Fault::type;
      }
      return Fault::none;
    }
    case FieldType::object:
      return is(ValueKind::object);
    case FieldType::array:
      return is(ValueKind::array);
  }
  return Fault::type;
}

std::weak_ordering FieldCheck::order(const Value& value, const Bound& bound, ChainArena& arena) {
  json_scan::SmallNumber small;
  if (value.kind == ValueKind::number && json_scan::small_number(value.data, value.length, small) &&
      bound.at_scale[small.scale]) [[likely]]
    return small.unscaled <=> *bound.at_scale[small.scale];
  const auto number = to_decimal(value, arena);
  return number ? *number <=> bound.value : std::weak_ordering::equivalent;  // check_number has let it pass
}

bool FieldCheck::above_low(const Value& value, ChainArena& arena) const {
  const auto found = order(value, *low_, arena);
  return found > 0 || (found == 0 && low_->inclusive);
}

bool FieldCheck::below_high(const Value& value, ChainArena& arena) const {
  const auto found = order(value, *high_, arena);
  return found < 0 || (found == 0 && high_->inclusive);
}

bool FieldCheck::allowed(const Value& value, ChainArena& arena) const {
  if (value.is_text() && texts_.holds(plain_text(value, arena))) return true;
  return std::any_of(constants_.begin(), constants_.end(),
                     [&](const ConstantValue& constant) { return constant.equals(value, arena); });
}

bool FieldCheck::length_fits(const Value& value, ChainArena& arena) const {
  if (!value.is_text()) return true;
  const std::size_t length = count_code_points(plain_text(value, arena));
  return length >= length_min_ && length <= length_max_;
}

bool FieldCheck::pattern_found(const Value& value, ChainArena& arena) const {
  return !value.is_text() || pattern_->found_in(plain_text(value, arena));
}

/// Most numbers, read once for type and bounds; nullopt: not such a number or rule.
std::optional<bool> FieldCheck::pass_small(const Value& value) const {
  if (type_ == FieldType::integer && !low_ && !high_ && value.length <= 16) {
    const std::uint32_t digits = json_scan::non_digits(value.data + (*value.data == '-'));
    if (static_cast<std::uint32_t>(std::countr_zero(digits)) + (*value.data == '-') == value.length) return true;
  }
  json_scan::SmallNumber small;
  if ((type_ != FieldType::integer && type_ != FieldType::decimal) ||
      !json_scan::small_number(value.data, value.length, small))
    return std::nullopt;
  if (small.point && type_ == FieldType::integer) return false;
  if (low_) {
    const auto& limit = low_->at_scale[small.scale];
    if (!limit) return std::nullopt;
    if (small.unscaled < *limit || (small.unscaled == *limit && !low_->inclusive)) return false;
  }
  if (high_) {
    const auto& limit = high_->at_scale[small.scale];
    if (!limit) return std::nullopt;
    if (small.unscaled > *limit || (small.unscaled == *limit && !high_->inclusive)) return false;
  }
  return true;
}

bool FieldCheck::pass(ChainBatch& batch, ChainEvent& event, bool csv) const {
  Value value = field_.read(event, batch);
  if (value.absent()) [[unlikely]]
    return value.kind == ValueKind::missing ? !required_ : nullable_;
  if (value.kind == ValueKind::number && !has_set_) {
    if (const auto found = pass_small(value)) [[likely]]
      return *found;
  }
  const char* const before = value.data;
  const ValueKind kind = value.kind;
  if (convert(value, batch.arena(), csv) != Fault::none) return false;
  if (low_ && !above_low(value, batch.arena())) return false;
  if (high_ && !below_high(value, batch.arena())) return false;
  if (has_lengths_ && !length_fits(value, batch.arena())) return false;
  if (has_set_ && !allowed(value, batch.arena())) return false;
  if (pattern_ && !pattern_found(value, batch.arena())) return false;
  if (converts_ && (value.kind != kind || value.data != before) && field_.slot() != kNoSlot)
    event.document.set(field_.slot(), value);
  return true;
}

void FieldCheck::convert_anyway(ChainBatch& batch, ChainEvent& event, bool csv) const {
  Value value = field_.read(event, batch);
  if (value.absent() || !converts_ || field_.slot() == kNoSlot) return;
  const char* const before = value.data;
  const ValueKind kind = value.kind;
  if (convert(value, batch.arena(), csv) != Fault::none) return;
  if (value.kind != kind || value.data != before) event.document.set(field_.slot(), value);
}

void FieldCheck::explain(ChainBatch& batch, const ChainEvent& event, bool csv, std::vector<Violation>& to) const {
  Value value = field_.read(event, batch);
  const auto add = [&](std::string_view reason, const std::string& text) {
    to.push_back({reason, fmt::format("{}: {}", field_.text(), text)});
  };
  if (value.kind == ValueKind::missing) {
    if (required_) add("field_missing", "is missing");
    return;
  }
  if (value.kind == ValueKind::null) {
    if (!nullable_) add("field_type", "is null");
    return;
  }
  const std::string text = shown(value);
  switch (convert(value, batch.arena(), csv)) {
    case Fault::none:
      break;
    case Fault::type:
      add("field_type", fmt::format("{} is not of type {}", text, type_name(type_)));
      return;
    case Fault::number_range:
      add("number_range", type_ == FieldType::integer
                              ? fmt::format("{} is beyond 64 bits", text)
                              : fmt::format("{} has more than 38 digits or 18 behind the point", text));
      return;
  }
  const std::string number = value.kind == ValueKind::number ? shown(value) : text;
  if (low_ && !above_low(value, batch.arena()))
    add("field_range", fmt::format("{} is {} {}", number, low_->inclusive ? "below" : "not above", low_->text));
  if (high_ && !below_high(value, batch.arena()))
    add("field_range", fmt::format("{} is {} {}", number, high_->inclusive ? "above" : "not below", high_->text));
  if (has_lengths_ && !length_fits(value, batch.arena())) {
    const std::size_t length = count_code_points(plain_text(value, batch.arena()));
    add("field_range", length < length_min_
                           ? fmt::format("{} characters, at least {} are needed", length, length_min_)
                           : fmt::format("{} characters, at most {} are allowed", length, length_max_));
  }
  if (has_set_ && !allowed(value, batch.arena()))
    add("field_range", fmt::format("{} is none of the allowed values", text));
  if (pattern_ && !pattern_found(value, batch.arena()))
    add("field_range", fmt::format("{} does not match the pattern {}", text, pattern_->text()));
}

}  // namespace weir
