// What stands at the other end of stdout and stderr.
#pragma once
#include <cstddef>

namespace weir::cli {

[[nodiscard]] bool is_terminal(int descriptor) noexcept;

/// Characters of a line of that terminal: COLUMNS, else what the terminal says; 0: it is no terminal, or does not say.
[[nodiscard]] std::size_t terminal_width(int descriptor) noexcept;

/// Colours and progress are for people only: `descriptor` is a terminal, and NO_COLOR is not set to anything.
[[nodiscard]] bool may_decorate(int descriptor) noexcept;

}  // namespace weir::cli
