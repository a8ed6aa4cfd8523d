// Bytes as letters (RFC 4648).
#pragma once
#include <optional>
#include <string>
#include <string_view>

namespace weir {

/// Section 4, with padding.
[[nodiscard]] std::string to_base64(std::string_view bytes);
/// Section 5 (`-` and `_`), without padding: may stand in headers and addresses as it is.
[[nodiscard]] std::string to_base64url(std::string_view bytes);
/// The reverse. nullopt: another letter, or not the one text that these bytes have.
[[nodiscard]] std::optional<std::string> from_base64url(std::string_view text);

}  // namespace weir
