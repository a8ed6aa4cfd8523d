// The values of `format` in a JSON Schema that are checked.
#pragma once
#include <cstdint>
#include <optional>
#include <span>
#include <string_view>

namespace weir {

enum class TextFormat : std::uint8_t { date_time, date, time, email, hostname, ipv4, ipv6, uri, uuid };

/// The format of this name; nothing: draft 7 knows another one, or none, and it is not checked.
[[nodiscard]] std::optional<TextFormat> text_format(std::string_view name) noexcept;
[[nodiscard]] std::string_view to_string(TextFormat format) noexcept;
/// Whether `text` is one. date-time, date and time as RFC 3339 writes them, with a day that exists, a zone, and second
/// 60 taken; email and hostname by their letters and lengths (RFC 5321, RFC 1123); uri: a scheme and nothing that must
/// be escaped (RFC 3986). Pure; one pass.
[[nodiscard]] bool has_format(TextFormat format, std::string_view text) noexcept;

}  // namespace weir
