// Values of view rows that a plugin makes. Part of the stored format:
//
//   1 | 'p' | group parts | length of the kind's name | records it failed on, 8 bytes | scales of the group parts | the kind's name | states
//   a state: length, 4 bytes | bytes
// Integers are little-endian. Usually there is one state; of several, which were merged where the plugin was not loaded, or by a plugin that
// failed at it, the lesser bytes stand first: so they are the same whatever the order they came in. None: the kind failed on every record.
#pragma once
#include <cstdint>
#include <optional>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "runtime/base/result.h"
#include "runtime/ports/plugin_kinds.h"

namespace weir {

struct PluginValue {
  std::uint64_t failed = 0;
  std::string_view scales;  // of the group parts
  std::string_view kind;    // by its name
  std::vector<std::string_view> states;

  /// nullopt: damaged, or no value of a plugin's view.
  [[nodiscard]] static std::optional<PluginValue> read(std::string_view value);
  void write(std::string& to) const;
};

/// Whether a value says of itself that it is one.
[[nodiscard]] bool is_plugin_value(std::string_view value) noexcept;

/// `existing` and `operand` as one. Where `kinds` lack theirs, or that fails, the states are kept side by side. False: one of them is
/// damaged, or they are of different kinds.
[[nodiscard]] bool merge_plugin_values(const KindList<PluginViewKind>& kinds, std::string_view existing, std::string_view operand, std::string& out);

/// The one state that `states` are together; empty of none. Error state_damaged: what the plugin says.
[[nodiscard]] Result<std::string> merge_states(const PluginViewKind& kind, std::span<const std::string_view> states);

}  // namespace weir
