#include "runtime/event/splice.h"

#include <algorithm>
#include <array>
#include <bit>
#include <cstring>
#include <vector>

#include "runtime/event/csv_parse.h"
#include "runtime/event/json_scan.h"

namespace weir {

namespace {

using json_scan::copy_over;

constexpr std::size_t kSlack = 64;  // copy_over may write this much past an end

/// Room for any value: each byte of a text may become six.
std::size_t size_bound(const Value& value) noexcept {
  const bool grows = value.kind == ValueKind::text && value.has(value_flag::escapes);
  return (grows ? std::size_t{value.length} * 6 : value.length) + 4 + kSlack;
}

char* write(char* to, std::string_view text) noexcept {
  copy_over(to, text.data(), text.size());
  return to + text.size();
}

char* write_escaped(char* to, std::string_view text) noexcept {
  static constexpr char kHex[] = "0123456789abcdef";
  for (const char c : text) {
    const auto byte = static_cast<unsigned char>(c);
    if (byte >= 0x20 && c != '"' && c != '\\') {
      *to++ = c;
      continue;
    }
    *to++ = '\\';
    switch (c) {
      case '"':
      case '\\': *to++ = c; break;
      case '\b': *to++ = 'b'; break;
      case '\f': *to++ = 'f'; break;
      case '\n': *to++ = 'n'; break;
      case '\r': *to++ = 'r'; break;
      case '\t': *to++ = 't'; break;
      default:
        std::memcpy(to, "u00", 3);
        to[3] = kHex[byte >> 4];
        to[4] = kHex[byte & 15];
        to += 5;
    }
  }
  return to;
}

/// Copies checked JSON (or a part of it that begins and ends outside strings) without white space outside strings.
char* write_compact(char* to, std::string_view json) noexcept {
  const char* p = json.data();
  const char* const end = p + json.size();
  while (p < end) {
    if (*p == '"') {
      *to++ = *p++;
      while (*p != '"') {
        if (*p == '\\') *to++ = *p++;
        *to++ = *p++;
      }
      *to++ = *p++;
    } else if (static_cast<unsigned char>(*p) <= ' ') {
      ++p;
    } else {
      *to++ = *p++;
    }
  }
  return to;
}

char* write_value(char* to, const Value& value) noexcept {
  switch (value.kind) {
    case ValueKind::missing:
    case ValueKind::null:
      std::memcpy(to, "null", 4);
      return to + 4;
    case ValueKind::string:
      *to++ = '"';
      to = write(to, value.span());
      *to++ = '"';
      return to;
    case ValueKind::text:
      *to++ = '"';
      to = value.has(value_flag::escapes) ? write_escaped(to, value.span()) : write(to, value.span());
      *to++ = '"';
      return to;
    case ValueKind::object:
    case ValueKind::array:
      return value.has(value_flag::spaced) ? write_compact(to, value.span()) : write(to, value.span());
    case ValueKind::boolean:
    case ValueKind::number:
      return write(to, value.span());
  }
  return to;
}

struct Edit {
  Origin origin;
  Slot slot;
};

/// The edits of one document that have a place in its input, in order. A few in practice, so no allocation; any number works.
class Edits {
 public:
  void add(Origin origin, Slot slot) {
    if (count_ == few_.size() && more_.empty()) more_.assign(few_.begin(), few_.end());
    if (!more_.empty()) {
      more_.push_back({origin, slot});
      ++count_;
      return;
    }
    // Insertion keeps them sorted; stages mostly touch fields in the order in which they stand.
    std::size_t i = count_++;
    for (; i > 0 && few_[i - 1].origin.begin > origin.begin; --i) few_[i] = few_[i - 1];
    few_[i] = {origin, slot};
  }
  std::span<const Edit> sorted() {
    if (more_.empty()) return {few_.data(), count_};
    std::sort(more_.begin(), more_.end(), [](const Edit& a, const Edit& b) { return a.origin.begin < b.origin.begin; });
    return more_;
  }

 private:
  std::array<Edit, 16> few_;
  std::size_t count_ = 0;
  std::vector<Edit> more_;
};

char* write_gap(char* to, const char* from, const char* until, bool spaced) noexcept {
  const std::string_view gap{from, static_cast<std::size_t>(until - from)};
  return spaced ? write_compact(to, gap) : write(to, gap);
}

/// Copies [from, until) of the input with the edits inside it.
char* write_edited(char* to, const Document& document, const FieldPlan& plan, std::span<const Edit> edits, const char* from,
                   const char* until) noexcept {
  const char* at = from;
  for (const Edit& edit : edits) {
    const char* const begin = document.begin + edit.origin.begin;
    const char* const end = document.begin + edit.origin.end;
    if (begin < at) continue;  // inside a field that is itself replaced
    to = write_gap(to, at, begin, document.spaced);
    at = end;
    const Value& value = document.slots[edit.slot];
    if (plan.field(edit.slot).parent != kNoSlot) {
      to = write_value(to, value);
    } else if (value.kind != ValueKind::missing) {
      to = write(to, plan.field(edit.slot).prefix());
      to = write_value(to, value);
    } else {
      // Dropped: its comma goes too. The one before it stays for the next field, or is taken back at the end.
      while (static_cast<unsigned char>(*at) <= ' ') ++at;
      if (*at == ',') ++at;
    }
  }
  return write_gap(to, at, until, document.spaced);
}

void encode_json(const Document& document, const FieldPlan& plan, ByteArena& out) {
  const auto length = static_cast<std::size_t>(document.end - document.begin);
  if (!document.changed) {
    out.ensure(length + kSlack);
    char* const start = out.data() + out.size();
    char* const stop = write_gap(start, document.begin, document.end, document.spaced);
    (void)out.extend(static_cast<std::size_t>(stop - start));
    return;
  }
  Edits edits;
  std::size_t bound = length + 2 * kSlack;
  bool added = false;
  for (std::size_t touch = 0; touch < plan.touched().size(); ++touch) {
    const Slot slot = plan.touched()[touch];
    const Value& value = document.slots[slot];
    if (!value.has(value_flag::edited)) continue;
    bound += plan.field(slot).prefix_length + size_bound(value);
    if (document.origins[touch].end != 0) {
      edits.add(document.origins[touch], slot);
    } else {
      added = true;
    }
  }
  out.ensure(bound);
  char* const start = out.data() + out.size();
  char* to = write_edited(start, document, plan, edits.sorted(), document.begin, document.end - 1);
  if (to[-1] == ',') --to;
  if (added) {
    for (std::size_t touch = 0; touch < plan.touched().size(); ++touch) {
      const Slot slot = plan.touched()[touch];
      const Value& value = document.slots[slot];
      if (!value.has(value_flag::edited) || value.kind == ValueKind::missing || document.origins[touch].end != 0) continue;
      const FieldPlan::Field& field = plan.field(slot);
      if (field.parent != kNoSlot) continue;
      if (to != start + 1) *to++ = ',';
      to = write(to, field.prefix());
      to = write_value(to, value);
    }
  }
  *to++ = '}';
  (void)out.extend(static_cast<std::size_t>(to - start));
}

void encode_csv(const Document& document, const FieldPlan& plan, ByteArena& out) {
  const CsvShape& shape = *document.csv;
  std::size_t bound = 2 * kSlack;
  for (const CsvShape::Column& column : shape.columns) {
    const Value& value = column.slot != kNoSlot ? document.slots[column.slot] : document.columns[column.column];
    bound += column.prefix_length + size_bound(value);
  }
  for (const Slot slot : shape.not_columns) bound += plan.field(slot).prefix_length + size_bound(document.slots[slot]);
  out.ensure(bound);
  char* const start = out.data() + out.size();
  char* to = start;
  *to++ = '{';
  const auto field = [&to](std::string_view prefix, const Value& value) {
    if (value.kind == ValueKind::missing) return;
    to = write(to, prefix);
    to = write_value(to, value);
    *to++ = ',';
  };
  for (const CsvShape::Column& column : shape.columns) {
    field({column.padded_prefix.data(), column.prefix_length},
          column.slot != kNoSlot ? document.slots[column.slot] : document.columns[column.column]);
  }
  for (const Slot slot : shape.not_columns) field(plan.field(slot).prefix(), document.slots[slot]);
  if (to[-1] == ',') --to;
  *to++ = '}';
  (void)out.extend(static_cast<std::size_t>(to - start));
}

}  // namespace

void encode_document(const Document& document, const FieldPlan& plan, ByteArena& out) {
  if (document.csv != nullptr) {
    encode_csv(document, plan, out);
  } else {
    encode_json(document, plan, out);
  }
}

void encode_value(const Value& value, ByteArena& out) {
  out.ensure(size_bound(value) + kSlack);
  char* const start = out.data() + out.size();
  (void)out.extend(static_cast<std::size_t>(write_value(start, value) - start));
}

void encode_string(std::string_view text, ByteArena& out) {
  out.ensure(text.size() * 6 + 2);
  char* const start = out.data() + out.size();
  char* to = start;
  *to++ = '"';
  to = write_escaped(to, text);
  *to++ = '"';
  (void)out.extend(static_cast<std::size_t>(to - start));
}

bool encode_edited_inside(const Document& document, const FieldPlan& plan, const Value& value, ByteArena& out) {
  if (document.csv != nullptr || value.data < document.begin || value.data >= document.end) return false;
  const char* const until = value.data + value.length;
  Edits edits;
  std::size_t bound = value.length + 2 * kSlack;
  bool any = false;
  for (std::size_t touch = 0; touch < plan.touched().size(); ++touch) {
    const Slot slot = plan.touched()[touch];
    const Origin origin = document.origins[touch];
    const char* const begin = document.begin + origin.begin;
    if (origin.end == 0 || !document.slots[slot].has(value_flag::edited) || begin < value.data || begin >= until) continue;
    edits.add(origin, slot);
    bound += plan.field(slot).prefix_length + size_bound(document.slots[slot]);
    any = true;
  }
  if (!any) return false;
  out.ensure(bound);
  char* const start = out.data() + out.size();
  char* const stop = write_edited(start, document, plan, edits.sorted(), value.data, until);
  (void)out.extend(static_cast<std::size_t>(stop - start));
  return true;
}

}  // namespace weir
