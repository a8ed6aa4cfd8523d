// From the text of a JSON Schema to its table. Internal to actors/validate.
#pragma once
#include <functional>
#include <map>
#include <string>
#include <string_view>
#include <vector>

#include "actors/validate/json_schema.h"

namespace weir {

/// Used once. Goes on after a finding, so that all come at once.
class SchemaCompiler {
 public:
  SchemaCompiler(JsonSchema& schema, const std::string& file) : schema_(schema), source_(schema.source_), file_(file) {}
  [[nodiscard]] Result<void> compile();

 private:
  using Index = SchemaNode::Index;
  static constexpr std::size_t kFindingsMax = 50;

  /// The schema at `node` of the source, compiled once. kNone after a finding.
  [[nodiscard]] Index schema(std::uint32_t node);
  void fill(SchemaNode& out, std::uint32_t node);
  void root(std::uint32_t node);
  void keyword(SchemaNode& out, const std::string& name, std::uint32_t value);
  bool number_keyword(SchemaNode& out, const std::string& name, std::uint32_t value);
  bool text_keyword(SchemaNode& out, const std::string& name, std::uint32_t value);
  bool object_keyword(SchemaNode& out, const std::string& name, std::uint32_t value);
  bool array_keyword(SchemaNode& out, const std::string& name, std::uint32_t value);
  bool combining_keyword(SchemaNode& out, const std::string& name, std::uint32_t value);
  void unknown(const std::string& name, std::uint32_t value);
  void types(SchemaNode& out, std::uint32_t value);
  void choice(SchemaNode& out, std::uint32_t value, bool list);
  void limit(SchemaNode& out, std::uint32_t value, bool lower, bool inclusive);
  void range(std::uint32_t value, std::uint32_t& bound);
  void schemas(std::uint32_t value, std::vector<Index>& out);
  void definitions(std::uint32_t value);
  void names(SchemaNode& out, std::uint32_t node);
  [[nodiscard]] std::uint32_t name(const std::string& text);
  [[nodiscard]] bool pattern(std::uint32_t at, const std::string& text, std::optional<TextPattern>& out);
  [[nodiscard]] Index reference(std::uint32_t value);
  [[nodiscard]] std::uint32_t resolve(std::uint32_t value, std::string_view pointer);

  void find_circles();
  /// The most schemas held against one value from `index` on; reports a way back to itself.
  std::uint32_t in_place(Index index);

  [[nodiscard]] bool is(std::uint32_t node, ValueKind kind, std::string_view wanted);
  void finding(std::uint32_t node, const std::string& words);
  [[nodiscard]] std::string pointer(std::uint32_t node) const;

  JsonSchema& schema_;
  const JsonTree& source_;
  const std::string& file_;
  std::vector<std::string> findings_;
  std::map<std::uint32_t, Index> known_;                     // by node of the source
  std::vector<std::uint32_t> places_;                        // the source's node of each schema
  std::vector<std::string> texts_;                           // names of the schema that is being filled
  std::vector<std::uint32_t> depths_;                        // of find_circles
  std::vector<std::pair<Index, std::uint32_t>> references_;  // to be connected: who, to which node
  std::string base_;                                         // $id of the file
};

}  // namespace weir
