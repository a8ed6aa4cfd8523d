// A URL with places for the parts of a key.
#pragma once
#include <cstddef>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "runtime/base/result.h"

namespace weir {

/// Immutable.
class UrlTemplate {
 public:
  static constexpr std::size_t kUrlBytesMax = 8'192;

  /// "https://geo.example/v1/{country}/{city}". Errors, config_invalid: no {NAME} at all, one without a name or an end,
  /// one within scheme or server, a `}` alone, a `#`.
  [[nodiscard]] static Result<UrlTemplate> compile(std::string_view text);

  /// What stands between braces, each name once, in the order they come first.
  [[nodiscard]] const std::vector<std::string>& names() const noexcept { return names_; }
  /// "https://geo.example".
  [[nodiscard]] std::string_view server() const noexcept { return server_; }
  /// Length of what every URL begins with.
  [[nodiscard]] std::size_t constant_prefix() const noexcept { return pieces_.front().text.size(); }

  /// The URL with `key`, one part for each of names(), percent-encoded. Error malformed_event: it would be longer than
  /// kUrlBytesMax, or a part makes a segment of the path `.` or `..`, which servers take for a way up.
  [[nodiscard]] Result<std::string> fill(std::span<const std::string_view> key) const;

 private:
  struct Piece {
    std::string text;          // before the part
    std::size_t part = kNone;  // of the key
  };
  static constexpr std::size_t kNone = static_cast<std::size_t>(-1);
  std::string server_;
  std::vector<std::string> names_;
  std::vector<Piece> pieces_;
};

}  // namespace weir
