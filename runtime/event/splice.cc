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
      case '\\':
        *to++ = c;
        break;
      case '\b':
        *to++ = 'b';
        break;
      case '\f':
        *to++ = 'f';
        break;
      case '\n':
        *to++ = 'n';
        break;
      case '\r':
        *to++ = 'r';
        break;
      case '\t':
        *to++ = 't';
        break;
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

char* write_other(char* to, const Value& value) noexcept {
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

inline char* write_value(char* to, const Value& value) noexcept {
  // What nearly all values are: copied as they are, some between quotes.
  constexpr unsigned kQuoted =
      1u << static_cast<unsigned>(ValueKind::string) | 1u << static_cast<unsigned>(ValueKind::text);
  constexpr unsigned kBare =
      1u << static_cast<unsigned>(ValueKind::number) | 1u << static_cast<unsigned>(ValueKind::boolean);
  const unsigned kind = 1u << static_cast<unsigned>(value.kind);
  const bool escapes = value.kind == ValueKind::text && value.has(value_flag::escapes);
  if ((kind & (kQuoted | kBare)) == 0 || escapes) return write_other(to, value);
  const std::size_t quote = (kind & kQuoted) != 0 ? 1 : 0;
  *to = '"';
  to += quote;
  copy_over(to, value.data, value.length);
  to += value.length;
  *to = '"';
  return to + quote;
}

struct Edit {
  std::uint32_t begin;
  std::uint32_t end;
  std::uint32_t touch;
};

/// The edits of one document that have a place in its input, in order. A few in practice, so no allocation; any number
/// works.
class Edits {
 public:
  void add(Origin origin, std::size_t place) {
    const auto touch = static_cast<std::uint32_t>(place);
    if (count_ == few_.size() && more_.empty()) more_.assign(few_.begin(), few_.end());
    if (!more_.empty()) {
      more_.push_back({origin.begin, origin.end, touch});
      ++count_;
      return;
    }
    // Insertion keeps them sorted; stages mostly touch fields in the order in which they stand.
    std::size_t i = count_++;
    for (; i > 0 && few_[i - 1].begin > origin.begin; --i) few_[i] = few_[i - 1];
    few_[i] = {origin.begin, origin.end, touch};
  }
  std::span<const Edit> sorted() {
    if (more_.empty()) return {few_.data(), count_};
    std::sort(more_.begin(), more_.end(), [](const Edit& a, const Edit& b) { return a.begin < b.begin; });
    return more_;
  }

 private:
  std::array<Edit, 16> few_;  // left as it is: clearing it would cost as much as using it
  std::size_t count_ = 0;
  std::vector<Edit> more_;
};

char* write_gap(char* to, const char* from, const char* until, bool spaced) noexcept {
  const std::string_view gap{from, static_cast<std::size_t>(until - from)};
  return spaced ? write_compact(to, gap) : write(to, gap);
}

/// A stretch of the input that was copied as it is.
struct Gap {
  const char* from;
  const char* until;
  std::uint32_t offset;  // of its copy in the output
};

/// Where things went, for TokenPlaces. Knows at most a few gaps; `whole` is false when there were more.
struct Trace {
  TokenPlace* places = nullptr;
  char* start = nullptr;
  std::array<Gap, 16> gaps;
  std::size_t count = 0;
  bool whole = true;

  void copied(const char* from, const char* until, const char* to) noexcept {
    if (count == gaps.size()) {
      whole = false;
      return;
    }
    gaps[count++] = {from, until, static_cast<std::uint32_t>(to - start)};
  }
  void written(Slot note, const char* from, const char* until) const noexcept {
    if (places == nullptr || note == kNoSlot) return;
    places[note] = {static_cast<std::uint32_t>(from - start), static_cast<std::uint32_t>(until - from)};
  }
};

/// Copies [from, until) of the input with the edits inside it.
char* write_edited(char* to, const Document& document, const FieldPlan& plan, std::span<const Edit> edits,
                   const char* from, const char* until, Trace& trace) noexcept {
  const char* at = from;
  for (const Edit& edit : edits) {
    const char* const begin = document.begin + edit.begin;
    const char* const end = document.begin + edit.end;
    if (begin < at) continue;  // inside a field that is itself replaced
    trace.copied(at, begin, to);
    to = write_gap(to, at, begin, document.spaced);
    at = end;
    const FieldPlan::Touch& touch = plan.touched()[edit.touch];
    const Value& value = document.slots[touch.slot];
    if (touch.prefix_length == 0 || value.kind != ValueKind::missing) {
      if (touch.prefix_length != 0) to = write(to, {touch.prefix + 1, touch.prefix_length - 1});
      char* const token = to;
      to = write_value(to, value);
      trace.written(touch.note, token, to);
    } else {
      // Dropped: its comma goes too. The one before it stays for the next field, or is taken back at the end.
      while (static_cast<unsigned char>(*at) <= ' ') ++at;
      if (*at == ',') ++at;
    }
  }
  trace.copied(at, until, to);
  return write_gap(to, at, until, document.spaced);
}

/// The places of values that left as they came; `trace.places` has those that stages set.
void place_untouched(const Document& document, const FieldPlan& plan, const Trace& trace, std::string_view output) {
  for (std::size_t note = 0; note < plan.noted().size(); ++note) {
    const Slot slot = plan.noted()[note];
    const FieldPlan::Field& field = plan.field(slot);
    TokenPlace& place = trace.places[note];
    const bool below_edited = field.parent != kNoSlot && document.slots[field.parent].has(value_flag::edited);
    if (below_edited || !trace.whole || document.spaced) {
      const Value found = find_path(output, field.parts);
      const std::uint32_t quote = found.is_text() ? 1 : 0;
      place = {};
      if (found.kind != ValueKind::missing)
        place = {static_cast<std::uint32_t>(found.data - output.data()) - quote, found.length + 2 * quote};
      continue;
    }
    const Value& value = document.slots[slot];
    if (value.kind == ValueKind::missing || value.has(value_flag::edited)) continue;
    const std::uint32_t quote = value.kind == ValueKind::string ? 1 : 0;
    const char* const token = value.data - quote;
    for (std::size_t i = 0; i < trace.count; ++i) {
      const Gap& gap = trace.gaps[i];
      if (token < gap.from || token >= gap.until) continue;
      place = {gap.offset + static_cast<std::uint32_t>(token - gap.from), value.length + 2 * quote};
      break;
    }
  }
}

/// Fields that were not in the input, behind what was; returns the end.
char* write_added(char* to, const Document& document, const FieldPlan& plan, std::size_t first,
                  const Trace& trace) noexcept {
  const char* const empty = trace.start + 1;
  for (std::size_t i = first; i < plan.touched().size(); ++i) {
    const FieldPlan::Touch& touch = plan.touched()[i];
    const Value& value = document.slots[touch.slot];
    if (!value.has(value_flag::edited) || value.kind == ValueKind::missing || document.origins[i].end != 0 ||
        touch.prefix_length == 0)
      continue;
    const std::size_t comma = to == empty ? 1 : 0;  // none before the first field
    to = write(to, {touch.prefix + comma, touch.prefix_length - comma});
    char* const token = to;
    to = write_value(to, value);
    trace.written(touch.note, token, to);
  }
  return to;
}

void encode_json(const Document& document, const FieldPlan& plan, ByteArena& out, TokenPlace* places) {
  Edits edits;
  std::size_t bound = static_cast<std::size_t>(document.end - document.begin) + 2 * kSlack;
  const std::size_t touches = plan.touched().size();
  std::size_t added = touches;  // the first touched field that was added
  if (document.changed) {
    for (std::size_t i = 0; i < touches; ++i) {
      const FieldPlan::Touch& touch = plan.touched()[i];
      const Value& value = document.slots[touch.slot];
      if (!value.has(value_flag::edited)) continue;
      bound += touch.prefix_length + size_bound(value);
      if (document.origins[i].end != 0) {
        edits.add(document.origins[i], i);
      } else if (added == touches) {
        added = i;
      }
    }
  }
  out.ensure(bound);
  Trace trace;
  trace.places = places;
  trace.start = out.data() + out.size();
  char* to = write_edited(trace.start, document, plan, edits.sorted(), document.begin, document.end - 1, trace);
  if (to[-1] == ',') --to;
  if (added != touches) to = write_added(to, document, plan, added, trace);
  *to++ = '}';
  const auto written = static_cast<std::size_t>(to - trace.start);
  (void)out.extend(written);
  if (places != nullptr) place_untouched(document, plan, trace, {trace.start, written});
}

void encode_csv(const Document& document, const FieldPlan& plan, ByteArena& out, TokenPlace* places) {
  const CsvShape& shape = *document.csv;
  std::size_t bound = 2 * kSlack;
  for (const CsvShape::Column& column : shape.columns) {
    const Value& value = column.slot != kNoSlot ? document.slots[column.slot] : document.columns[column.column];
    bound += column.prefix_length + size_bound(value);
  }
  for (const FieldPlan::Touch& touch : shape.not_columns)
    bound += touch.prefix_length + size_bound(document.slots[touch.slot]);
  out.ensure(bound);
  Trace trace;
  trace.places = places;
  trace.start = out.data() + out.size();
  char* to = trace.start;
  *to++ = '{';
  const auto field = [&](const char* prefix, std::size_t length, Slot note, const Value& value) {
    if (value.kind == ValueKind::missing) return;
    const std::size_t comma = to == trace.start + 1 ? 1 : 0;  // none before the first field
    to = write(to, {prefix + comma, length - comma});
    char* const token = to;
    to = write_value(to, value);
    trace.written(note, token, to);
  };
  for (const CsvShape::Column& column : shape.columns) {
    field(column.padded_prefix.data(), column.prefix_length, column.note,
          column.slot != kNoSlot ? document.slots[column.slot] : document.columns[column.column]);
  }
  for (const FieldPlan::Touch& touch : shape.not_columns)
    field(touch.prefix, touch.prefix_length, touch.note, document.slots[touch.slot]);
  *to++ = '}';
  const auto written = static_cast<std::size_t>(to - trace.start);
  (void)out.extend(written);
  if (places == nullptr) return;
  // Paths below a field exist only where a stage set an object.
  for (std::size_t note = 0; note < plan.noted().size(); ++note) {
    const FieldPlan::Field& path = plan.field(plan.noted()[note]);
    if (path.parent == kNoSlot || !document.slots[path.parent].has(value_flag::edited)) continue;
    const Value found = find_path({trace.start, written}, path.parts);
    const std::uint32_t quote = found.is_text() ? 1 : 0;
    if (found.kind != ValueKind::missing)
      places[note] = {static_cast<std::uint32_t>(found.data - trace.start) - quote, found.length + 2 * quote};
  }
}

}  // namespace

void encode_document(const Document& document, const FieldPlan& plan, ByteArena& out, TokenPlace* places) {
  for (std::size_t note = 0; places != nullptr && note < plan.noted().size(); ++note) places[note] = {};
  if (document.csv != nullptr) {
    encode_csv(document, plan, out, places);
  } else {
    encode_json(document, plan, out, places);
  }
}

void encode_value(const Value& value, ByteArena& out) {
  out.ensure(size_bound(value) + kSlack);
  char* const start = out.data() + out.size();
  (void)out.extend(static_cast<std::size_t>(write_value(start, value) - start));
}

bool encode_edited_inside(const Document& document, const FieldPlan& plan, const Value& value, ByteArena& out) {
  if (document.csv != nullptr || value.data < document.begin || value.data >= document.end) return false;
  const char* const until = value.data + value.length;
  Edits edits;
  std::size_t bound = value.length + 2 * kSlack;
  bool any = false;
  for (std::size_t i = 0; i < plan.touched().size(); ++i) {
    const FieldPlan::Touch& touch = plan.touched()[i];
    const Origin origin = document.origins[i];
    const char* const begin = document.begin + origin.begin;
    if (origin.end == 0 || !document.slots[touch.slot].has(value_flag::edited) || begin < value.data || begin >= until)
      continue;
    edits.add(origin, i);
    bound += touch.prefix_length + size_bound(document.slots[touch.slot]);
    any = true;
  }
  if (!any) return false;
  out.ensure(bound);
  Trace trace;
  trace.start = out.data() + out.size();
  char* const stop = write_edited(trace.start, document, plan, edits.sorted(), value.data, until, trace);
  (void)out.extend(static_cast<std::size_t>(stop - trace.start));
  return true;
}

}  // namespace weir
