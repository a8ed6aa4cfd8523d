// The names in a script's text that may be fields of the event. A guess that only saves time: a name that is missed is
// found in the event all the same, one too many costs nothing worth measuring.
#pragma once
#include <string>
#include <string_view>
#include <vector>

namespace weir::lua {

inline constexpr std::size_t kGuessedNamesMax = 256;

/// What stands behind a dot or in brackets as a text, each once, in the order of the text, at most kGuessedNamesMax.
[[nodiscard]] std::vector<std::string> guess_field_names(std::string_view script);

}  // namespace weir::lua
