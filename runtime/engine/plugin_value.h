// Values of view rows that a plugin makes. Part of the stored format:
//
//   1 | 'p' | group parts | length of the kind's name | broken | records it failed on, 8 bytes | scales of the group parts | the kind's name | states
//   a state: length, 4 bytes | bytes
// Integers are little-endian. Usually there is one state; of several, which were merged where the plugin was not loaded, or by a plugin that
// had no memory for it, the lesser bytes stand first: so they are the same whatever the order they came in. None: the kind failed on every
// record, or the row is broken: it could not be merged, or became too large. What is merged with a broken row is broken, so that it does not
// matter when that was found.
#pragma once
#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "runtime/ports/plugin_kinds.h"

namespace weir {

/// A state of more bytes breaks its row.
inline constexpr std::size_t kRowStateMax = std::size_t{1} << 20;

struct PluginValue {
  bool broken = false;
  std::uint64_t failed = 0;  // of a broken row 0, always
  std::string_view scales;  // of the group parts
  std::string_view kind;    // by its name
  std::vector<std::string_view> states;

  /// nullopt: damaged, or no value of a plugin's view.
  [[nodiscard]] static std::optional<PluginValue> read(std::string_view value);
  void write(std::string& to) const;
};

/// Whether a value says of itself that it is one.
[[nodiscard]] bool is_plugin_value(std::string_view value) noexcept;

/// `existing` and `operand` as one. Where `kinds` lack theirs the states are kept side by side; where it cannot merge them the row is broken.
/// False: one of them is damaged, or they are of different kinds.
[[nodiscard]] bool merge_plugin_values(const KindList<PluginViewKind>& kinds, std::string_view existing, std::string_view operand, std::string& out);

/// The same of a value alone: afterwards it has one state at most, where `kinds` have its kind. False: it is damaged.
[[nodiscard]] bool settle_plugin_value(const KindList<PluginViewKind>& kinds, std::string& value);

}  // namespace weir
