// A value held against a compiled JSON Schema. Internal to actors/validate.
#pragma once
#include <string>
#include <vector>

#include "actors/validate/json_schema.h"

namespace weir {

/// Used once. Depth of the stack is bounded by the depths of value and schema (JsonTree::kDepthMax, kInPlaceMax).
class SchemaCheck {
 public:
  /// `report` null: stops at the first violation.
  SchemaCheck(const JsonSchema& schema, const JsonTree& tree, std::vector<std::string>* report, std::size_t report_max)
      : schema_(schema),
        tree_(tree),
        report_(report),
        report_max_(report_max),
        steps_left_(JsonSchema::kStepsMin + JsonSchema::kStepsPerValue * tree.size()) {}

  [[nodiscard]] bool run() {
    const bool good = check(0, 0);
    return good && !exhausted_;
  }
  [[nodiscard]] bool exhausted() const noexcept { return exhausted_; }

 private:
  using Index = SchemaNode::Index;
  /// Numbers of nodes with this bit are keys under propertyNames.
  static constexpr std::uint32_t kKey = 0x80000000;

  [[nodiscard]] const JsonNode& at(std::uint32_t node) const {
    return (node & kKey) == 0 ? tree_[node] : keys_[node & ~kKey];
  }
  [[nodiscard]] bool step();
  [[nodiscard]] bool check(Index index, std::uint32_t node);
  /// The same for something inside the value, for messages.
  [[nodiscard]] bool below(Index index, std::uint32_t node);
  [[nodiscard]] bool silently(Index index, std::uint32_t node);
  [[nodiscard]] bool type(const SchemaNode& s, const Value& value);
  [[nodiscard]] bool number(const SchemaNode& s, const Value& value);
  [[nodiscard]] bool text(const SchemaNode& s, const Value& value);
  [[nodiscard]] bool choice(const SchemaNode& s, std::uint32_t node);
  [[nodiscard]] bool object(const SchemaNode& s, std::uint32_t node);
  [[nodiscard]] bool member(const SchemaNode& s, std::uint32_t child, std::vector<std::uint64_t>& many,
                            std::uint64_t& few);
  [[nodiscard]] bool dependencies(const SchemaNode& s, std::uint32_t node, const std::vector<std::uint64_t>& many,
                                  std::uint64_t few);
  [[nodiscard]] bool array(const SchemaNode& s, std::uint32_t node);
  [[nodiscard]] bool unique(std::uint32_t node);
  [[nodiscard]] bool combined(const SchemaNode& s, std::uint32_t node);

  [[nodiscard]] bool equal(const JsonTree& other, std::uint32_t theirs, std::uint32_t ours);
  [[nodiscard]] std::uint64_t hash(std::uint32_t node);

  [[nodiscard]] bool wants_words() const noexcept { return report_ != nullptr && report_->size() < report_max_; }
  void say(std::string words);
  [[nodiscard]] std::string place() const;

  const JsonSchema& schema_;
  const JsonTree& tree_;
  std::vector<std::string>* report_;
  std::size_t report_max_;
  std::uint64_t steps_left_;
  bool exhausted_ = false;
  std::vector<std::uint32_t> path_;  // kept only for messages
  std::vector<JsonNode> keys_;
};

}  // namespace weir
