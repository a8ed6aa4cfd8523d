// Where in a text something stands, as people and editors count.
#pragma once
#include <cstddef>
#include <cstdint>
#include <string>
#include <string_view>

namespace weir {

struct TextPlace {
  std::uint64_t line = 1;    // from 1
  std::uint64_t column = 1;  // code points, from 1; of text that is not UTF-8, whatever that gives
};

/// Of the byte `at`, at most text.size(). Takes as long as the text in front of it: for messages. A byte order mark at
/// the beginning is not counted.
[[nodiscard]] TextPlace place_in(std::string_view text, std::size_t at) noexcept;

/// "file:line:column".
[[nodiscard]] std::string place_text(const std::string& file, std::string_view text, std::size_t at);

}  // namespace weir
