// JSON taken apart at its top level, with every value as it is spelled: 15.30 stays 15.30.
#pragma once
#include <optional>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

namespace weir::cli {

/// The members of an object in their order: names unescaped, values as they stand. nullopt: `text` is no object.
[[nodiscard]] std::optional<std::vector<std::pair<std::string, std::string>>> members_of(std::string_view text);
/// The elements of an array as they stand. nullopt: `text` is no array.
[[nodiscard]] std::optional<std::vector<std::string>> elements_of(std::string_view text);

}  // namespace weir::cli
