// Lines for a terminal of some width.
#pragma once
#include <cstddef>
#include <string>

namespace weir {

/// Keeps what fits `width` characters (code points), the last of them an ellipsis where something is left out. 0: any
/// width. `line` is valid UTF-8.
void cut_to_width(std::string& line, std::size_t width);

}  // namespace weir
