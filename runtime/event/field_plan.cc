#include "runtime/event/field_plan.h"

#include "runtime/base/bytes.h"
#include "runtime/base/invariant.h"
#include "runtime/base/json_text.h"

namespace weir {

namespace {
constexpr std::size_t kPathsMax = 4'096;
}  // namespace

const FieldPlan::Node* FieldPlan::Node::child(std::string_view wanted) const noexcept {
  for (const auto& node : children) {
    if (node->name == wanted) return node.get();
  }
  return nullptr;
}

Slot FieldPlan::want(std::span<const std::string> parts) {
  INVARIANT(!parts.empty(), "a path has at least one part");
  Slot parent = kNoSlot;
  if (parts.size() > 1) parent = want(parts.first(1));
  Node* node = &root_;
  for (const std::string& part : parts) {
    Node* next = nullptr;
    for (const auto& child : node->children) {
      if (child->name == part) next = child.get();
    }
    if (next == nullptr) {
      node->children.push_back(std::make_unique<Node>());
      next = node->children.back().get();
      next->name = part;
    }
    node = next;
  }
  if (node->slot != kNoSlot) return node->slot;
  INVARIANT(fields_.size() < kPathsMax, "a plan has at most 4'096 paths");
  Field field;
  field.parts.assign(parts.begin(), parts.end());
  field.parent = parent;
  if (parts.size() == 1) {
    const std::string prefix = "," + to_json_string(parts.front()) + ":";
    field.prefix_length = static_cast<std::uint32_t>(prefix.size());
    field.padded_prefix.assign(prefix.begin(), prefix.end());
    field.padded_prefix.resize(prefix.size() + kBlockPadding, '\0');
  }
  node->slot = static_cast<Slot>(fields_.size());
  fields_.push_back(std::move(field));
  return node->slot;
}

Slot FieldPlan::want(std::string_view top_level_name) {
  const std::string name(top_level_name);
  return want(std::span<const std::string>(&name, 1));
}

Slot FieldPlan::touch(std::span<const std::string> parts) {
  const Slot slot = want(parts);
  if (fields_[slot].touch == kNoSlot) {
    fields_[slot].touch = static_cast<Slot>(touched_.size());
    // The vector's bytes stay where they are when the field moves.
    touched_.push_back({slot, fields_[slot].note, fields_[slot].prefix_length, fields_[slot].padded_prefix.data()});
  }
  return slot;
}

Slot FieldPlan::touch(std::string_view top_level_name) {
  const std::string name(top_level_name);
  return touch(std::span<const std::string>(&name, 1));
}

Slot FieldPlan::note(std::span<const std::string> parts) {
  const Slot slot = want(parts);
  if (fields_[slot].note == kNoSlot) {
    fields_[slot].note = static_cast<Slot>(noted_.size());
    noted_.push_back(slot);
    if (fields_[slot].touch != kNoSlot) touched_[fields_[slot].touch].note = fields_[slot].note;
  }
  return slot;
}

Slot FieldPlan::find(std::span<const std::string> parts) const noexcept {
  const Node* node = &root_;
  for (const std::string& part : parts) {
    node = node->child(part);
    if (node == nullptr) return kNoSlot;
  }
  return node->slot;
}

std::string FieldPlan::text(Slot slot) const {
  std::string text;
  for (const std::string& part : fields_[slot].parts) {
    if (!text.empty()) text += '.';
    for (const char c : part) {
      if (c == '.' || c == '\\') text += '\\';
      text += c;
    }
  }
  return text;
}

}  // namespace weir
