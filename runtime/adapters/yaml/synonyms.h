// What people who come from other systems call the words of pipeline and node files.
#pragma once
#include <optional>
#include <string>
#include <string_view>
#include <vector>

namespace weir::yaml {

/// The first of the `allowed` words that `found` is another word for, upper or lower case; nullopt: none is.
[[nodiscard]] std::optional<std::string_view> meant_by(std::string_view found, const std::vector<std::string>& allowed);

}  // namespace weir::yaml
