// JSON at the level of text: strings in and out of their escapes, the grammar of a number, and UTF-8.
#pragma once
#include <cstddef>
#include <optional>
#include <string>
#include <string_view>

#include "runtime/base/bytes.h"

namespace weir {

/// Appends `text` as a JSON string with its quotes. Escapes `"`, `\` and everything below 0x20 (\b \f \n \r \t by
/// letter, the rest as \u00xx); all other bytes are copied, so the result is legal JSON exactly where `text` is valid
/// UTF-8.
void append_json_string(std::string& to, std::string_view text);
void append_json_string(ByteArena& to, std::string_view text);
[[nodiscard]] std::string to_json_string(std::string_view text);

/// Length of the longest start of `text` that needs no escape: copied as it is between quotes.
[[nodiscard]] std::size_t json_plain_prefix(std::string_view text) noexcept;

/// Appends what the inside of a JSON string (without its quotes) means. False: an escape that does not exist, a lone
/// surrogate, or a character below 0x20; `to` then holds what was read before it. UTF-8 is not checked.
[[nodiscard]] bool append_unescaped(std::string& to, std::string_view inside);

/// `-? (0 | [1-9][0-9]*) (. [0-9]+)? ([eE] [+-]? [0-9]+)?`, the whole text.
[[nodiscard]] bool is_json_number(std::string_view text) noexcept;

/// No overlong forms, no surrogates, nothing above U+10FFFF. About 20 GB/s on ASCII.
[[nodiscard]] bool is_valid_utf8(std::string_view text) noexcept;
/// Code points of valid UTF-8.
[[nodiscard]] std::size_t count_code_points(std::string_view text) noexcept;

}  // namespace weir
