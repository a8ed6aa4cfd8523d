// The nearest right word for a wrong one, for messages about configuration and commands.
#pragma once
#include <cstddef>
#include <optional>
#include <span>
#include <string>
#include <string_view>

namespace weir {

/// Damerau-Levenshtein distance (optimal string alignment): insertions, deletions, changes and swaps of neighbours,
/// each 1. Bytes are compared with ASCII letters in any case.
[[nodiscard]] std::size_t edit_distance(std::string_view a, std::string_view b);

/// The known word nearest to `word`, the first of equals. nullopt: none is within a third of its length (at least 1, at
/// most 3).
[[nodiscard]] std::optional<std::string_view> nearest(std::string_view word, std::span<const std::string_view> known);
[[nodiscard]] std::optional<std::string_view> nearest(std::string_view word, std::span<const std::string> known);

}  // namespace weir
