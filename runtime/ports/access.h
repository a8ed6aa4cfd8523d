// Who may ask what: roles, what a call needs, and the tokens that prove who asks.
#pragma once
#include <array>
#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "runtime/base/result.h"

namespace weir {

/// What a token is for. ingest: sends events, and asks only how they are to look. read: asks everything, and changes
/// nothing. operate: both, and what changes how the node goes on (redrives, releases, snapshots). admin: everything.
enum class Role : std::uint8_t { ingest, read, operate, admin };

/// What a call asks of its caller. nothing: anybody may. any_role: a token, whichever it is.
enum class Need : std::uint8_t { nothing, any_role, ingest, read, operate, admin };

[[nodiscard]] std::string_view to_string(Role role) noexcept;
[[nodiscard]] std::string_view to_string(Need need) noexcept;
[[nodiscard]] bool allows(Role role, Need need) noexcept;

/// Who asks. One without a role may do what needs nothing.
struct Principal {
  std::string name = "anonymous";
  std::optional<Role> role;
  [[nodiscard]] bool may(Need need) const noexcept { return need == Need::nothing || (role && allows(*role, need)); }
};

/// The tokens of a node, as digests: the tokens themselves are not kept. Immutable; thread-safe.
class AccessTokens {
 public:
  static constexpr std::size_t kTokensMax = 1'000;
  static constexpr std::size_t kFileBytesMax = 1024 * 1024;
  static constexpr std::size_t kTokenBytesMin = 16;
  static constexpr std::size_t kTokenBytesMax = 512;

  /// Reads the text of a tokens file. One token a line, `ROLE NAME TOKEN`, apart by spaces or tabs; for the token its
  /// digest may stand, `sha256:` and 64 hex digits. Empty lines, and lines that begin with `#`, are passed over. Error
  /// config_invalid: everything that is wrong, one finding a line, `file:line:column: what, what is allowed`; nothing
  /// that stands in the file is in it, since what stands at a wrong place may be a token.
  [[nodiscard]] static Result<AccessTokens> parse(std::string_view text, const std::string& file);

  /// Who has this token; nullopt: nobody. Looks at all of them, whichever fits, and compares digests byte by byte to
  /// their end: how long it takes says nothing about any token.
  [[nodiscard]] std::optional<Principal> find(std::string_view token) const;
  [[nodiscard]] std::size_t size() const noexcept { return entries_.size(); }

 private:
  friend class TokenLines;
  using HexDigest = std::array<char, 64>;
  struct Entry {
    Principal principal;
    HexDigest digest;
  };
  std::vector<Entry> entries_;
};

/// Whether a text can be a token at all: what RFC 6750 lets stand behind `Bearer`.
[[nodiscard]] bool is_token_text(std::string_view text) noexcept;

}  // namespace weir
