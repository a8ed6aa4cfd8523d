#include "runtime/event/document.h"

#include <algorithm>
#include <bit>
#include <cstring>

#include "runtime/event/json_parse.h"
#include "runtime/event/json_scan.h"
#include "runtime/event/splice.h"

namespace weir {

std::string_view to_string(ValueKind kind) noexcept {
  switch (kind) {
    case ValueKind::missing:
      return "missing";
    case ValueKind::null:
      return "null";
    case ValueKind::boolean:
      return "boolean";
    case ValueKind::number:
      return "number";
    case ValueKind::string:
    case ValueKind::text:
      return "string";
    case ValueKind::object:
      return "object";
    case ValueKind::array:
      return "array";
  }
  return "unknown";
}

Value make_text(std::string_view span, std::uint8_t flags) noexcept {
  for (std::size_t at = 0; at < span.size(); at += 16) {
    const std::uint32_t inside = span.size() - at >= 16 ? 0xffffu : (1u << (span.size() - at)) - 1;
    if (json_scan::string_block(span.data() + at).special & inside) flags |= value_flag::escapes;
  }
  return make_value(ValueKind::text, span, flags);
}

Value Document::get(const FieldPlan& plan, Slot slot) const {
  const FieldPlan::Field& field = plan.field(slot);
  if (field.parent == kNoSlot || !slots[field.parent].has(value_flag::edited)) [[likely]]
    return slots[slot];
  const Value& parent = slots[field.parent];
  if (parent.kind != ValueKind::object) return {};
  return find_path(parent.span(), std::span<const std::string>(field.parts).subspan(1));
}

std::string_view unescaped_text(const Value& value, ChainArena& arena) {
  return unescape_json(value.span(), arena.take(value.length));
}

namespace {

/// A cursor over JSON that was checked before: nothing is verified again.
struct Cursor {
  const char* p;
  const char* end;

  void white() noexcept {
    while (p < end && static_cast<unsigned char>(*p) <= ' ') ++p;
  }
  /// At an opening quote; goes behind the closing one.
  std::string_view string(bool& escapes) noexcept {
    const char* const start = ++p;
    for (;;) {
      while (*p != '"' && *p != '\\') ++p;
      if (*p == '"') break;
      escapes = true;
      p += 2;
    }
    return {start, static_cast<std::size_t>(p++ - start)};
  }
  Value value() noexcept {
    const char* const start = p;
    if (*p == '"') {
      bool escapes = false;
      const std::string_view inside = string(escapes);
      return make_value(ValueKind::string, inside, escapes ? value_flag::escapes : std::uint8_t{0});
    }
    if (*p == '{' || *p == '[') {
      const ValueKind kind = *p == '{' ? ValueKind::object : ValueKind::array;
      bool spaced = false;
      for (int depth = 0;;) {
        if (*p == '"') {
          bool escapes = false;
          (void)string(escapes);
          continue;
        }
        if (*p == '{' || *p == '[') ++depth;
        if (*p == '}' || *p == ']') --depth;
        if (static_cast<unsigned char>(*p) <= ' ') spaced = true;
        ++p;
        if (depth == 0) break;
      }
      return make_value(kind, {start, static_cast<std::size_t>(p - start)},
                        spaced ? value_flag::spaced : std::uint8_t{0});
    }
    while (p < end && *p != ',' && *p != '}' && *p != ']' && static_cast<unsigned char>(*p) > ' ') ++p;
    const ValueKind kind = *start == 'n'                    ? ValueKind::null
                           : *start == 't' || *start == 'f' ? ValueKind::boolean
                                                            : ValueKind::number;
    return make_value(kind, {start, static_cast<std::size_t>(p - start)});
  }
};

bool same_key(std::string_view raw, bool escapes, std::string_view wanted) {
  if (!escapes) return raw == wanted;
  std::string text(raw.size(), '\0');
  return unescape_json(raw, text.data()) == wanted;
}

}  // namespace

Value find_path(std::string_view object, std::span<const std::string> parts) {
  if (parts.empty() || object.empty() || object.front() != '{') return {};
  Cursor cursor{object.data() + 1, object.data() + object.size()};
  for (;;) {
    cursor.white();
    if (*cursor.p == '}') return {};
    if (*cursor.p == ',') {
      ++cursor.p;
      continue;
    }
    bool escapes = false;
    const std::string_view key = cursor.string(escapes);
    cursor.white();
    ++cursor.p;  // ':'
    cursor.white();
    const Value value = cursor.value();
    if (!same_key(key, escapes, parts.front())) continue;
    if (parts.size() == 1) return value;
    return value.kind == ValueKind::object ? find_path(value.span(), parts.subspan(1)) : Value{};
  }
}

Value token_value(std::string_view token) {
  if (token.empty()) return {};
  return Cursor{token.data(), token.data() + token.size()}.value();
}

bool ArrayElements::next(Value& element) noexcept {
  Cursor cursor{at_, end_};
  cursor.white();
  if (*cursor.p == ',') {
    ++cursor.p;
    cursor.white();
  }
  if (*cursor.p == ']') return false;
  element = cursor.value();
  at_ = cursor.p;
  return true;
}

Value current_value(const Document& document, const FieldPlan& plan, Slot slot, ChainArena& arena) {
  Value value = document.get(plan, slot);
  if (value.kind != ValueKind::object || !document.changed) return value;
  ByteArena edited;
  if (!encode_edited_inside(document, plan, value, edited)) return value;
  return make_value(ValueKind::object, arena.copy(edited.view()), value.flags & value_flag::tabular);
}

}  // namespace weir
