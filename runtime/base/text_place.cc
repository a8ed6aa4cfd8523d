#include "runtime/base/text_place.h"

#include <fmt/format.h>

#include <algorithm>

namespace weir {

TextPlace place_in(std::string_view text, std::size_t at) noexcept {
  if (text.starts_with("\xEF\xBB\xBF")) {
    text.remove_prefix(3);
    at -= std::min<std::size_t>(at, 3);
  }
  const std::string_view before = text.substr(0, std::min(at, text.size()));
  const std::size_t line_begin = before.rfind('\n') + 1;  // 0 where there is none
  const auto count = [](std::string_view part, auto counts) {
    return static_cast<std::uint64_t>(std::count_if(part.begin(), part.end(), counts));
  };
  return {1 + count(before, [](char c) { return c == '\n'; }),
          1 + count(before.substr(line_begin), [](char c) { return (static_cast<unsigned char>(c) & 0xc0) != 0x80; })};
}

std::string place_text(const std::string& file, std::string_view text, std::size_t at) {
  const TextPlace place = place_in(text, at);
  return fmt::format("{}:{}:{}", file, place.line, place.column);
}

}  // namespace weir
