// The value at a path of a JSON object, found by a scan from the left that goes no further than that value.
#pragma once
#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

namespace weir {

enum class JsonKind : std::uint8_t { null, boolean, number, string, object, array };

/// A value as it stands in the frame.
struct JsonPiece {
  JsonKind kind = JsonKind::null;
  bool escapes = false;   // string: holds escapes
  std::string_view text;  // string: between its quotes; number and boolean: its spelling; else empty
};

/// Nesting around and before the value, as deep as the chain allows.
inline constexpr int kJsonDepthMax = 64;

/// Scans `frame` from the left. What lies before the value must be well-formed JSON (strings by their quotes and
/// escapes, their UTF-8 is not looked at), the value itself must be whole (a number is whole when something that ends
/// it follows); what lies behind is not read. Of duplicate keys the first counts: where it does not lead to a value,
/// there is none. An object or array is found as soon as it begins. Keys are compared by what their escapes mean.
/// nullopt: not found that way. `path` has at least one part. kBlockPadding bytes behind the frame must be readable.
/// Pure, thread-safe. About 15 ns for the first field of an object, 1 ns for each byte skipped.
[[nodiscard]] std::optional<JsonPiece> locate_json(std::string_view frame, const std::vector<std::string>& path);

}  // namespace weir
