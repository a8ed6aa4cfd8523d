// A JSON Schema (draft 7), compiled: a table of schemas that refer to each other by number.
//
// valijson was measured and rejected: 8.3 us for an event of 290 bytes through nlohmann's values, where this takes 0.9
// us; it runs users' patterns through std::regex (exponential time, and a stack that overflows on long texts) and reads
// numbers as doubles. The oracle of the tests is the public test suite of draft 7.
#pragma once
#include <cstdint>
#include <memory>
#include <optional>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "actors/validate/field_check.h"
#include "actors/validate/text_format.h"
#include "actors/validate/text_pattern.h"
#include "runtime/base/json_number.h"
#include "runtime/base/result.h"
#include "runtime/event/json_tree.h"

namespace weir {

/// One schema of the file. A keyword that is not given costs nothing but the look whether it is.
struct SchemaNode {
  using Index = std::uint32_t;
  static constexpr Index kNone = 0xffffffff;
  static constexpr std::uint8_t kAnyType = 0xff;
  struct Limit {
    JsonNumber value;
    std::string text;
    bool lower = true;
    bool inclusive = true;
    std::optional<std::int64_t> whole;  // where it is a small whole number: most are
  };
  struct Range {
    std::uint32_t min = 0;
    std::uint32_t max = 0xffffffff;
    [[nodiscard]] bool given() const noexcept { return min != 0 || max != 0xffffffff; }
    [[nodiscard]] bool holds(std::size_t count) const noexcept { return count >= min && count <= max; }
  };
  struct Dependency {
    std::uint32_t name = 0;               // in `names`
    std::vector<std::uint32_t> required;  // likewise
    Index schema = kNone;
  };
  struct Choice {  // const and enum
    TextSet texts;
    std::vector<std::uint32_t> others;  // values of the schema's own text
  };

  Index ref = kNone;  // then nothing else counts
  bool never = false;
  std::uint8_t types = kAnyType;  // bits by schema_type
  std::vector<Limit> limits;
  std::optional<std::pair<JsonNumber, std::string>> multiple_of;
  Range lengths, items_count, properties_count;
  std::optional<TextPattern> pattern;
  std::optional<TextFormat> format;
  std::vector<Choice> choices;
  TextSet names;                // of properties, required and dependencies
  std::vector<Index> property;  // by name; kNone: only asked for
  std::vector<std::uint32_t> required;
  std::vector<std::pair<TextPattern, Index>> pattern_properties;
  std::vector<Dependency> dependencies;
  Index additional_properties = kNone;
  Index property_names = kNone;
  std::vector<Index> tuple;
  Index items = kNone;  // of all items, or of those behind the tuple
  Index contains = kNone;
  bool unique_items = false;
  std::vector<Index> all_of, any_of, one_of;
  Index negated = kNone;
  Index condition = kNone, consequence = kNone, alternative = kNone;
  bool looks_at_members = false;  // some keyword needs the members of an object one by one
};

namespace schema_type {
inline constexpr std::uint8_t null = 1, boolean = 2, integer = 4, number = 8, string = 16, object = 32, array = 64;
}

/// Immutable, shared by all threads.
class JsonSchema {
 public:
  /// A step is one schema held against one value, or one comparison of two values. Arbitrary: schemas of
  /// schemastore.org need 5 to 50 steps a value; some schema may need as many as there are paths through it.
  static constexpr std::uint64_t kStepsMin = 100'000;
  static constexpr std::uint64_t kStepsPerValue = 100;
  static constexpr std::uint32_t kSchemasMax = 10'000;
  static constexpr std::uint32_t kInPlaceMax = 32;  // schemas held against the same value on the way to a deeper one

  /// `text` is the file. Draft 7 whole, read strictly: a keyword of a wrong type or one that is nearly a known one is
  /// refused, other unknown keywords are notes. `format` is checked where has_format() can, else a note. A $ref goes to
  /// `#` or `#/…` of the same file. Patterns are RE2's. Error config_invalid: all findings, one a line,
  /// `file:line:column: #/pointer: what`.
  [[nodiscard]] static Result<std::shared_ptr<const JsonSchema>> compile(std::string_view text,
                                                                         const std::string& file);

  /// Whether the value fits. False too when that takes more than kStepsMin + kStepsPerValue * values steps.
  [[nodiscard]] bool pass(const JsonTree& value) const;
  /// At least one violation of a value that does not pass, some `violations_max` at most; reason `schema`. None of one
  /// that passes.
  void explain(const JsonTree& value, std::size_t violations_max, std::vector<Violation>& to) const;

  [[nodiscard]] const SchemaNode& node(SchemaNode::Index index) const noexcept { return nodes_[index]; }
  /// Values of enum and const stand here.
  [[nodiscard]] const JsonTree& source() const noexcept { return source_; }

 private:
  friend class SchemaCompiler;
  explicit JsonSchema(std::string_view text) : text_(text) {}
  PaddedText text_;
  JsonTree source_;
  std::vector<SchemaNode> nodes_;  // 0 is the whole file
};

}  // namespace weir
