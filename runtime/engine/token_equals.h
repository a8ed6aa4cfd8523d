// `when` of a view: a value of a stored record against a constant of the pipeline file.
#pragma once
#include <string_view>

#include "runtime/ports/config_values.h"

namespace weir {

/// Whether a JSON token says what a constant says: numbers by value, strings by their text, null also where nothing is
/// (`token` empty). A text is never equal to a number.
[[nodiscard]] bool token_equals(std::string_view token, const Constant& constant);

}  // namespace weir
