// Which fields of an event the chain and its views look at. Every path gets a slot once, when a pipeline is loaded; on
// the path of an event nothing is looked up by name.
#pragma once
#include <cstdint>
#include <memory>
#include <span>
#include <string>
#include <string_view>
#include <vector>

namespace weir {

/// Number of a wanted path in its FieldPlan, 0-based and dense.
using Slot = std::uint16_t;
inline constexpr Slot kNoSlot = 0xffff;

/// The wanted paths of one chain (or of one view). Build it first, then give it to a DocumentParser; it must not grow
/// after that. Not thread-safe while it grows, read-only from then on.
class FieldPlan {
 public:
  /// A name within an object and what is wanted below it.
  struct Node {
    std::string name;
    Slot slot = kNoSlot;
    std::vector<std::unique_ptr<Node>> children;
    [[nodiscard]] const Node* child(std::string_view name) const noexcept;
  };
  struct Field {
    std::vector<std::string> parts;   // one: a top-level field
    Slot parent = kNoSlot;            // of a nested path: the slot of its top-level field
    Slot touch = kNoSlot;             // place in touched(), or kNoSlot: nobody ever changes it
    Slot note = kNoSlot;              // place in noted(), or kNoSlot
    std::vector<char> padded_prefix;  // `,"name":` as JSON, of a top-level field, and kBlockPadding zeros
    std::uint32_t prefix_length = 0;  // 0 of a nested path
  };

  /// The slot of a path that is read. `parts` is not empty. The same path gives the same slot. At most 4'096 paths
  /// (asserted).
  Slot want(std::span<const std::string> parts);
  Slot want(std::string_view top_level_name);
  /// The slot of a path that some stage may change, add or drop. Added fields leave in the order of the first touch().
  Slot touch(std::span<const std::string> parts);
  Slot touch(std::string_view top_level_name);
  /// The slot of a path whose place in the encoded output is wanted (encode_document's `places`).
  Slot note(std::span<const std::string> parts);
  /// The slot of a path that is already there, else kNoSlot.
  [[nodiscard]] Slot find(std::span<const std::string> parts) const noexcept;

  [[nodiscard]] std::size_t size() const noexcept { return fields_.size(); }
  [[nodiscard]] const Field& field(Slot slot) const noexcept { return fields_[slot]; }
  /// A touched field as the encoder needs it. `prefix` is `,"name":` with padding behind it; empty for a nested path.
  struct Touch {
    Slot slot = kNoSlot;
    Slot note = kNoSlot;
    std::uint32_t prefix_length = 0;
    const char* prefix = nullptr;
  };
  [[nodiscard]] const std::vector<Touch>& touched() const noexcept { return touched_; }
  [[nodiscard]] const std::vector<Slot>& noted() const noexcept { return noted_; }
  [[nodiscard]] const Node& root() const noexcept { return root_; }
  /// The path as a person writes it: parts joined with '.', dots inside escaped by '\'.
  [[nodiscard]] std::string text(Slot slot) const;

 private:
  Node root_;
  std::vector<Field> fields_;
  std::vector<Touch> touched_;
  std::vector<Slot> noted_;
};

}  // namespace weir
