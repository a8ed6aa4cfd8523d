#include "runtime/engine/field_ref.h"

#include <fmt/format.h>

#include "runtime/base/time_text.h"
#include "runtime/event/json_scan.h"
#include "runtime/event/splice.h"

namespace weir {

Result<FieldRef> FieldRef::compile(const FieldPath& path, FieldPlan& plan) {
  FieldRef ref;
  ref.plan_ = &plan;
  ref.text_ = path.text;
  if (!path.envelope()) {
    ref.slot_ = plan.want(path.parts);
    ref.parent_ = plan.field(ref.slot_).parent;
    return ref;
  }
  if (path.text == "@id") {
    ref.envelope_ = Envelope::id;
  } else if (path.text == "@time") {
    ref.envelope_ = Envelope::time;
  } else if (path.text == "@type") {
    ref.envelope_ = Envelope::type;
  } else if (path.text == "@source") {
    ref.envelope_ = Envelope::source;
  } else if (path.text == "@partition") {
    ref.envelope_ = Envelope::partition;
  } else {
    return fail(Errc::config_invalid, "\"{}\" is no envelope field; there are @id @time @type @source @partition",
                path.text);
  }
  return ref;
}

Value FieldRef::read_envelope(const ChainEvent& event, ChainBatch& batch) const {
  switch (envelope_) {
    case Envelope::none:
      break;
    case Envelope::id:
      return make_text(batch.raw(event).id);
    case Envelope::time: {
      char* to = batch.arena().take(kRfc3339Max);
      return make_value(ValueKind::text, {to, write_rfc3339(event.event_time, to)});
    }
    case Envelope::type:
      return make_text(batch.type(event));
    case Envelope::source:
      return make_text(batch.source(event));
    case Envelope::partition:
      return make_value(ValueKind::number, batch.arena().copy(fmt::format("{}", batch.partition().value)));
  }
  return {};
}

DecimalResult<Decimal> to_decimal(const Value& value, ChainArena& arena) {
  if (value.kind == ValueKind::number) {
    json_scan::SmallNumber small;
    if (json_scan::small_number(value.data, value.length, small)) return Decimal::make(small.unscaled, small.scale);
    return Decimal::parse(value.span());
  }
  if (value.is_text() && value.has(value_flag::tabular)) {
    const std::string_view text = plain_text(value, arena);
    json_scan::SmallNumber small;
    if (json_scan::small_number(text.data(), static_cast<std::uint32_t>(text.size()), small))
      return Decimal::make(small.unscaled, small.scale);
    return Decimal::parse(text);
  }
  return tl::unexpected(DecimalFault::syntax);
}

ConstantValue::ConstantValue(const Constant& constant)
    : text_(constant.kind == Constant::Kind::null ? "null" : constant.text), kind_(ValueKind::null) {
  switch (constant.kind) {
    case Constant::Kind::null:
      break;
    case Constant::Kind::boolean:
      kind_ = ValueKind::boolean;
      break;
    case Constant::Kind::number:
      kind_ = ValueKind::number;
      if (const auto number = Decimal::parse(constant.text)) decimal_ = *number;
      break;
    case Constant::Kind::string: {
      const Value value = make_text(text_.view());
      kind_ = value.kind;
      flags_ = value.flags;
      break;
    }
  }
}

Value ConstantValue::value() const noexcept {
  return make_value(kind_, text_.view(), flags_);
}

bool ConstantValue::equals(const Value& value, ChainArena& arena) const {
  switch (kind_) {
    case ValueKind::null:
      return value.kind == ValueKind::null;
    case ValueKind::boolean:
      return value.kind == ValueKind::boolean && value.span() == text_.view();
    case ValueKind::number: {
      if (!decimal_) return value.kind == ValueKind::number && value.span() == text_.view();
      const auto number = to_decimal(value, arena);
      return number && *number == *decimal_;
    }
    case ValueKind::text:
      return value.is_text() && plain_text(value, arena) == text_.view();
    case ValueKind::missing:
    case ValueKind::string:
    case ValueKind::object:
    case ValueKind::array:
      break;
  }
  return false;
}

std::string shown(const Value& value) {
  constexpr std::size_t kShownMax = 64;
  Value part = value;
  const bool cut = value.length > kShownMax;
  if (cut) {
    part.length = kShownMax;
    // Not inside a character, and not inside an escape (at most six bytes, or a pair of them).
    while (part.length > 0 && (static_cast<unsigned char>(part.data[part.length]) & 0xc0) == 0x80) --part.length;
    if (part.kind == ValueKind::string && part.has(value_flag::escapes)) {
      const std::size_t slash = part.span().substr(part.length - 12).rfind('\\');
      if (slash != std::string_view::npos) part.length = static_cast<std::uint32_t>(part.length - 12 + slash);
      while (part.length > 0 && part.data[part.length - 1] == '\\') --part.length;
    }
    if (part.kind == ValueKind::object || part.kind == ValueKind::array)
      part.flags = 0;  // half of it cannot be compacted
  }
  ByteArena out;
  encode_value(part, out);
  std::string text(out.view());
  if (!cut) return text;
  if (part.is_text()) text.pop_back();
  return text + "…";
}

}  // namespace weir
