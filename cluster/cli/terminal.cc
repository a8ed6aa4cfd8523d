#include "cluster/cli/terminal.h"

#include <sys/ioctl.h>
#include <unistd.h>

#include <charconv>
#include <cstdlib>
#include <string_view>

namespace weir::cli {

bool is_terminal(int descriptor) noexcept {
  return ::isatty(descriptor) != 0;
}

std::size_t terminal_width(int descriptor) noexcept {
  if (!is_terminal(descriptor)) return 0;
  if (const char* columns = std::getenv("COLUMNS")) {
    const std::string_view text = columns;
    std::size_t width = 0;
    const auto [end, error] = std::from_chars(text.data(), text.data() + text.size(), width);
    if (error == std::errc{} && end == text.data() + text.size() && width > 0) return width;
  }
  winsize size{};
  return ::ioctl(descriptor, TIOCGWINSZ, &size) == 0 ? size.ws_col : 0;
}

bool may_decorate(int descriptor) noexcept {
  const char* plain = std::getenv("NO_COLOR");
  return is_terminal(descriptor) && (plain == nullptr || *plain == '\0');
}

}  // namespace weir::cli
