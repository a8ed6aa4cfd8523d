// One event while it travels through the chain: the parsed form that stages read and change. Nothing is copied: values
// are spans of the input, of the batch's arena or of a reference table; the output is spliced from the same spans.
#pragma once
#include <cstdint>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "runtime/event/chain_arena.h"
#include "runtime/event/field_plan.h"

namespace weir {

enum class ValueKind : std::uint8_t {
  missing = 0,  // not there: never was, empty in CSV, or dropped
  null,
  boolean,  // span: true or false
  number,   // span: a legal JSON number, spelled as it came
  string,   // span: the inside of a JSON string (legal JSON when put between quotes)
  text,     // span: plain UTF-8 text, needs escaping on output (CSV, computed)
  object,   // span: raw JSON, checked
  array,    // span: raw JSON, checked
};
[[nodiscard]] std::string_view to_string(ValueKind kind) noexcept;

namespace value_flag {
inline constexpr std::uint8_t escapes = 1;  // string: contains backslashes. text: contains what JSON must escape
inline constexpr std::uint8_t tabular = 2;  // from CSV or a reference table, where numbers are text
inline constexpr std::uint8_t edited = 4;   // a stage changed, added or dropped it
inline constexpr std::uint8_t spaced = 8;   // object, array: white space outside strings
}  // namespace value_flag

/// 16 bytes. The span lives as long as the batch it belongs to, and kBlockPadding bytes behind it are readable (input,
/// arena and tables are made that way; a stage keeps its constants in a PaddedText).
struct Value {
  const char* data = nullptr;
  std::uint32_t length = 0;
  ValueKind kind = ValueKind::missing;
  std::uint8_t flags = 0;
  std::uint16_t reserved = 0;

  [[nodiscard]] std::string_view span() const noexcept { return {data, length}; }
  [[nodiscard]] bool has(std::uint8_t flag) const noexcept { return (flags & flag) != 0; }
  [[nodiscard]] bool is_text() const noexcept { return kind == ValueKind::string || kind == ValueKind::text; }
  [[nodiscard]] bool absent() const noexcept { return kind <= ValueKind::null; }  // missing or null
};
static_assert(sizeof(Value) == 16);

/// A constant text with kBlockPadding zero bytes behind it, so that values may point to it. Moves keep the place.
class PaddedText {
 public:
  explicit PaddedText(std::string_view text) : bytes_(text.begin(), text.end()), size_(text.size()) {
    bytes_.resize(size_ + kBlockPadding, '\0');
  }
  [[nodiscard]] std::string_view view() const noexcept { return {bytes_.data(), size_}; }

 private:
  std::vector<char> bytes_;
  std::size_t size_;
};

/// Makes values of computed text. `span` must live as long as the batch.
[[nodiscard]] inline Value make_value(ValueKind kind, std::string_view span, std::uint8_t flags = 0) noexcept {
  return {span.data(), static_cast<std::uint32_t>(span.size()), kind, flags, 0};
}
/// A text value; finds out whether it needs escaping.
[[nodiscard]] Value make_text(std::string_view span, std::uint8_t flags = 0) noexcept;

/// Where a touched field stood in the input, relative to Document::begin: from the opening quote of its key (of a
/// nested path: from its value) to one past its value. Both 0: it was not there.
struct Origin {
  std::uint32_t begin = 0;
  std::uint32_t end = 0;
};

struct CsvShape;

/// Cheap to copy; owns nothing. Made by a DocumentParser, valid while the batch's frame bytes and arena live.
struct Document {
  const char* begin = nullptr;    // JSON: its `{`
  const char* end = nullptr;      // JSON: one past its `}`
  Value* slots = nullptr;         // one per slot of the plan
  Origin* origins = nullptr;      // JSON: one per touched slot
  const CsvShape* csv = nullptr;  // set for CSV; then `columns` has one value per column that has no slot
  Value* columns = nullptr;
  bool spaced = false;   // JSON: white space outside strings
  bool changed = false;  // some slot is edited

  /// The value of a path whose top-level field no stage changes, or of a top-level field.
  [[nodiscard]] const Value& operator[](Slot slot) const noexcept { return slots[slot]; }
  /// The value of any path as it is now, also below a field that a stage replaced or dropped.
  [[nodiscard]] Value get(const FieldPlan& plan, Slot slot) const;
  /// Replaces, adds or (kind missing) drops. The slot must have been touch()ed in the plan: changes of others do not
  /// leave.
  void set(Slot slot, Value value) noexcept {
    value.flags |= value_flag::edited;
    slots[slot] = value;
    changed = true;
  }
  void drop(Slot slot) noexcept { set(slot, Value{}); }
};

/// The text of a string, text, number or boolean value without JSON escapes; arena memory is used only for escapes.
/// Null and missing give an empty view; objects and arrays their raw JSON.
[[nodiscard]] std::string_view unescaped_text(const Value& value, ChainArena& arena);
[[nodiscard]] inline std::string_view plain_text(const Value& value, ChainArena& arena) {
  if (value.kind == ValueKind::string && value.has(value_flag::escapes)) [[unlikely]]
    return unescaped_text(value, arena);
  return value.absent() ? std::string_view{} : value.span();
}

/// The value of `slot` as it is now, whole: an object with the changes that stages made inside it.
[[nodiscard]] Value current_value(const Document& document, const FieldPlan& plan, Slot slot, ChainArena& arena);

/// The value at `parts` inside `object`, raw JSON that was checked before. Missing when there is no such path.
[[nodiscard]] Value find_path(std::string_view object, std::span<const std::string> parts);
/// A JSON value by itself, known to be well-formed; nothing at all is missing.
[[nodiscard]] Value token_value(std::string_view token);

/// The elements of `array`, raw JSON that was checked before, one after the other. Values point into it.
class ArrayElements {
 public:
  explicit ArrayElements(std::string_view array) noexcept : at_(array.data() + 1), end_(array.data() + array.size()) {}
  /// False: there are no more.
  [[nodiscard]] bool next(Value& element) noexcept;

 private:
  const char* at_;
  const char* end_;
};

}  // namespace weir
