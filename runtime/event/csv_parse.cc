#include "runtime/event/csv_parse.h"

#include <simdjson.h>

#include <algorithm>
#include <bit>
#include <cstring>
#include <set>

#include "runtime/base/json_text.h"
#include "runtime/event/json_scan.h"

namespace weir {

namespace {

struct Field {
  const char* data;
  std::size_t length;
  bool special;  // holds a quote, a backslash or a control character
  bool doubled;  // quoted, and quotes inside stand twice
};

/// Reads one field; returns the place behind it (a separator or `end`), or nullptr at a fault. `high` collects
/// non-ASCII.
const char* read_plain(const char* p, const char* end, char separator, Field& field, std::uint32_t& high) noexcept {
  const char* const start = p;
  std::uint32_t special = 0;
  for (;; p += 16) {
    const json_scan::SplitBlock block = json_scan::split_block(p, separator);
    const std::ptrdiff_t left = end - p;
    std::uint32_t stop = block.separator | 0x10000u;
    if (left < 16) stop |= 1u << left;
    const unsigned at = static_cast<unsigned>(std::countr_zero(stop));
    const std::uint32_t inside = (1u << at) - 1;
    special |= block.special & inside;
    high |= block.high & inside;
    if (at < 16) {
      p += at;
      break;
    }
  }
  field = {start, static_cast<std::size_t>(p - start), special != 0, false};
  return p;
}

const char* read_quoted(const char* p, const char* end, char separator, Field& field, std::uint32_t& high,
                        const char*& what) noexcept {
  const char* const start = ++p;
  bool special = false;
  bool doubled = false;
  for (;;) {
    if (p >= end) {
      what = "a quoted field does not end";
      return nullptr;
    }
    const json_scan::StringBlock block = json_scan::string_block(p);
    high |= block.high;  // may count bytes behind the field: that only causes a check too many
    if (block.special == 0) {
      p += 16;
      continue;
    }
    p += std::countr_zero(block.special);
    if (p >= end) continue;
    if (*p != '"') {
      special = true;
      ++p;
    } else if (p + 1 < end && p[1] == '"') {
      special = doubled = true;
      p += 2;
    } else {
      break;
    }
  }
  field = {start, static_cast<std::size_t>(p - start), special, doubled};
  ++p;
  if (p < end && *p != separator) {
    what = "text behind the closing quote of a field";
    return nullptr;
  }
  return p;
}

Value to_value(const Field& field, ChainArena& arena) {
  if (field.length == 0) return {};
  std::string_view text{field.data, field.length};
  if (field.doubled) {
    char* to = arena.take(field.length);
    char* out = to;
    for (std::size_t i = 0; i < text.size(); ++i) {
      *out++ = text[i];
      if (text[i] == '"') ++i;
    }
    text = {to, static_cast<std::size_t>(out - to)};
  }
  return make_value(ValueKind::text, text,
                    static_cast<std::uint8_t>(value_flag::tabular | (field.special ? value_flag::escapes : 0)));
}

/// Calls take(index, field) for each field; false at a fault.
template <class Take>
bool for_each_field(std::string_view record, char separator, std::uint32_t& high, const char*& at, const char*& what,
                    Take take) {
  const char* p = record.data();
  const char* const end = p + record.size();
  for (std::uint32_t index = 0;; ++index) {
    Field field{};
    at = p;
    p = p < end && *p == '"' ? read_quoted(p, end, separator, field, high, what)
                             : read_plain(p, end, separator, field, high);
    if (p == nullptr) return false;
    take(index, field);
    if (p >= end) return true;
    ++p;  // the separator; behind a last one stands one more, empty field
  }
}

}  // namespace

CsvShape make_csv_shape(std::string_view header, const FieldPlan& plan, char separator) {
  CsvShape shape;
  shape.header = header;
  // A copy with padding: the caller's header need not have any.
  const PaddedText padded(header);
  ChainArena arena;
  std::uint32_t high = 0;
  const char* at = nullptr;
  const char* what = nullptr;
  std::set<std::string, std::less<>> names;
  const bool good = for_each_field(padded.view(), separator, high, at, what, [&](std::uint32_t, const Field& field) {
    const std::string_view name = to_value(field, arena).span();
    CsvShape::Column column;
    column.padded_prefix = "," + to_json_string(name) + ":";
    column.prefix_length = static_cast<std::uint32_t>(column.padded_prefix.size());
    column.padded_prefix.append(kBlockPadding, '\0');
    if (const FieldPlan::Node* node = plan.root().child(name)) column.slot = node->slot;
    if (column.slot == kNoSlot) column.column = shape.unslotted++;
    if (column.slot != kNoSlot) column.note = plan.field(column.slot).note;
    shape.columns.push_back(std::move(column));
    if (!names.emplace(name).second) shape.duplicate = true;
  });
  // A header that cannot be split is the door's to refuse; here it fits no record.
  if (!good) shape.columns.clear();
  for (const FieldPlan::Touch& touch : plan.touched()) {
    const Slot slot = touch.slot;
    const bool is_column =
        std::any_of(shape.columns.begin(), shape.columns.end(), [slot](const auto& c) { return c.slot == slot; });
    if (!is_column && plan.field(slot).parent == kNoSlot) shape.not_columns.push_back(touch);
  }
  return shape;
}

bool split_csv(std::string_view frame, const CsvShape& shape, char separator, ChainArena& arena, Document& document,
               ParseProblem& problem) {
  std::uint32_t high = 0;
  const char* at = frame.data();
  const char* what = nullptr;
  std::uint32_t count = 0;
  const auto columns = static_cast<std::uint32_t>(shape.columns.size());
  bool special = false;
  const bool good = for_each_field(frame, separator, high, at, what, [&](std::uint32_t index, const Field& field) {
    count = index + 1;
    special |= field.special;
    if (index >= columns) return;
    const CsvShape::Column& column = shape.columns[index];
    (column.slot != kNoSlot ? document.slots[column.slot] : document.columns[column.column]) = to_value(field, arena);
  });
  // A NUL is no character of a CSV file: it is what is left of a file written with holes or in another encoding.
  const void* const nul = special ? std::memchr(frame.data(), 0, frame.size()) : nullptr;
  if (good && count == columns && !shape.duplicate && high == 0 && nul == nullptr) [[likely]]
    return true;
  if (!simdjson::validate_utf8(frame)) {
    problem = {ParseProblem::Kind::encoding, 0, "not UTF-8", 0, 0};
    return false;
  }
  if (nul != nullptr) {
    problem = {ParseProblem::Kind::malformed, static_cast<std::uint32_t>(static_cast<const char*>(nul) - frame.data()),
               "a NUL byte", 0, 0};
    return false;
  }
  const auto place = static_cast<std::uint32_t>(at - frame.data());
  if (!good) {
    problem = {ParseProblem::Kind::malformed, place, what, 0, 0};
    return false;
  }
  if (count != columns) {
    problem = {ParseProblem::Kind::malformed, place, "wrong number of fields", count, columns};
    return false;
  }
  if (shape.duplicate) {
    problem = {ParseProblem::Kind::malformed, 0, "two columns of the header have the same name", 0, 0};
    return false;
  }
  return true;
}

}  // namespace weir
