// The header line of a CSV input.
#pragma once
#include <string>
#include <string_view>
#include <vector>

#include "runtime/base/result.h"

namespace weir {

/// A header travels with every batch of its records.
inline constexpr std::size_t kCsvHeaderMax = 64 * 1024;

/// The names of `header` (one record without its line end), unquoted, in order. Error input_unreadable: a quote where
/// none may stand, not UTF-8, over kCsvHeaderMax bytes, or two equal names (named with their numbers, counted from 1).
[[nodiscard]] Result<std::vector<std::string>> parse_csv_header(std::string_view header, char separator);

}  // namespace weir
