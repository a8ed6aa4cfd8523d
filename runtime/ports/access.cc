#include "runtime/ports/access.h"

#include <algorithm>

#include "runtime/base/suggest.h"
#include "runtime/base/text_place.h"
#include "runtime/event/sha256.h"

namespace weir {

namespace {

constexpr std::string_view kRoles[] = {"ingest", "read", "operate", "admin"};
constexpr std::string_view kDigestMark = "sha256:";
constexpr std::size_t kNameMax = 64;
constexpr std::size_t kFindingsMax = 100;  // of a file that is none a book would be printed

bool is_alphanumeric(char c) noexcept {
  return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9');
}

bool all_of(std::string_view text, std::string_view others) noexcept {
  return std::all_of(text.begin(), text.end(),
                     [&](char c) { return is_alphanumeric(c) || others.find(c) != std::string_view::npos; });
}

/// Without an end before the end: no branch depends on what differs.
bool equal(const std::array<char, 64>& a, const std::array<char, 64>& b) noexcept {
  unsigned different = 0;
  for (std::size_t i = 0; i < a.size(); ++i)
    different |= static_cast<unsigned char>(a[i]) ^ static_cast<unsigned char>(b[i]);
  return different == 0;
}

std::array<char, 64> digest_of(std::string_view token) {
  std::array<char, 64> digest{};
  Sha256().write_hex(token, digest.data());
  return digest;
}

}  // namespace

std::string_view to_string(Role role) noexcept {
  return kRoles[static_cast<std::size_t>(role)];
}

std::string_view to_string(Need need) noexcept {
  switch (need) {
    case Need::nothing:
      return "nothing";
    case Need::any_role:
      return "any role";
    case Need::ingest:
      return "ingest";
    case Need::read:
      return "read";
    case Need::operate:
      return "operate";
    case Need::admin:
      return "admin";
  }
  return "admin";
}

bool allows(Role role, Need need) noexcept {
  switch (need) {
    case Need::nothing:
    case Need::any_role:
      return true;
    case Need::ingest:
      return role != Role::read;
    case Need::read:
      return role != Role::ingest;
    case Need::operate:
      return role == Role::operate || role == Role::admin;
    case Need::admin:
      return role == Role::admin;
  }
  return false;
}

bool is_token_text(std::string_view text) noexcept {
  while (text.ends_with('=')) text.remove_suffix(1);
  return !text.empty() && all_of(text, "-._~+/");
}

/// Reads a tokens file line by line.
class TokenLines {
 public:
  TokenLines(std::string_view text, const std::string& file) : text_(text), file_(file) {}

  Result<AccessTokens> read() {
    if (text_.size() > AccessTokens::kFileBytesMax)
      return fail(Errc::config_invalid, "{}: it is longer than {} bytes; is it a tokens file?", file_,
                  AccessTokens::kFileBytesMax);
    std::size_t begin = text_.starts_with("\xef\xbb\xbf") ? 3 : 0;
    while (begin < text_.size()) {
      const std::size_t end = std::min(text_.find('\n', begin), text_.size());
      ++line_;
      read_line(begin, end);
      begin = end + 1;
    }
    if (findings_.empty() && tokens_.entries_.empty())
      find(0,
           "it holds no token, so nobody could ask anything; write one a line: ROLE NAME TOKEN, such as: read "
           "dashboard TOKEN");
    if (findings_.empty()) return std::move(tokens_);
    std::string all;
    for (std::size_t i = 0; i < findings_.size() && i < kFindingsMax; ++i) all += (i == 0 ? "" : "\n") + findings_[i];
    if (findings_.size() > kFindingsMax)
      all += fmt::format("\nand more: only the first {} findings are shown", kFindingsMax);
    return fail(Errc::config_invalid, "{}", all);
  }

 private:
  struct Word {
    std::size_t at = 0;
    std::string_view text;
  };

  void find(std::size_t at, std::string_view what) {
    if (findings_.size() <= kFindingsMax)
      findings_.push_back(fmt::format("{}: {}", place_text(file_, text_, at), what));
  }

  [[nodiscard]] std::vector<Word> words(std::size_t begin, std::size_t end) const {
    constexpr std::string_view kApart = " \t\r";
    std::vector<Word> found;
    for (std::size_t at = begin; at < end;) {
      at = std::min(text_.find_first_not_of(kApart, at), end);
      const std::size_t stop = std::min(text_.find_first_of(kApart, at), end);
      if (at < stop) found.push_back({at, text_.substr(at, stop - at)});
      at = stop;
    }
    return found;
  }

  void read_line(std::size_t begin, std::size_t end) {
    const std::vector<Word> found = words(begin, end);
    if (found.empty() || found.front().text.starts_with('#')) return;
    if (found.size() != 3) {
      const Word& last = found.back();
      return find(
          found.size() > 3 ? found[3].at : last.at + last.text.size(),
          fmt::format("a line has three words, ROLE NAME TOKEN; this one has {}; comments have lines of their own",
                      found.size()));
    }
    if (tokens_.entries_.size() == AccessTokens::kTokensMax)
      return find(begin, fmt::format("this is one token more than the {} that are allowed", AccessTokens::kTokensMax));
    const auto role = read_role(found[0]);
    const bool name = read_name(found[1]);
    const auto digest = read_token(found[2]);
    if (!role || !name || !digest) return;
    tokens_.entries_.push_back({{std::string(found[1].text), *role}, *digest});
    lines_.push_back(line_);
  }

  std::optional<Role> read_role(const Word& word) {
    for (std::size_t i = 0; i < std::size(kRoles); ++i)
      if (kRoles[i] == word.text) return static_cast<Role>(i);
    const auto near = nearest(word.text, kRoles);
    find(word.at, fmt::format("the first word is the role: {}{}", fmt::join(kRoles, ", "),
                              near ? fmt::format("; did you mean {}?", *near) : ""));
    return std::nullopt;
  }

  bool read_name(const Word& word) {
    const bool good = word.text.size() <= kNameMax && is_alphanumeric(word.text.front()) && all_of(word.text, "-_.@");
    if (!good || word.text == Principal{}.name) {
      find(word.at, good ? "this name is that of those without a token; give it another one"
                         : "the second word is the name: at most 64 letters, digits, and - _ . @ behind the first");
      return false;
    }
    for (std::size_t i = 0; i < tokens_.entries_.size(); ++i) {
      if (tokens_.entries_[i].principal.name != word.text) continue;
      find(word.at,
           fmt::format(
               "this name stands in line {}, too; each token has a name of its own, so that logs tell them apart",
               lines_[i]));
      return false;
    }
    return true;
  }

  std::optional<AccessTokens::HexDigest> read_token(const Word& word) {
    AccessTokens::HexDigest digest{};
    if (word.text.starts_with(kDigestMark)) {
      const std::string_view hex = word.text.substr(kDigestMark.size());
      const auto lower = [](char c) { return c >= 'A' && c <= 'F' ? static_cast<char>(c | 0x20) : c; };
      std::transform(hex.begin(), hex.begin() + static_cast<std::ptrdiff_t>(std::min(hex.size(), digest.size())),
                     digest.begin(), lower);
      const bool good = hex.size() == digest.size() && std::all_of(digest.begin(), digest.end(), [](char c) {
                          return (c >= '0' && c <= '9') || (c >= 'a' && c <= 'f');
                        });
      if (!good) {
        find(word.at, "behind sha256: stand the 64 hex digits of the token's digest: printf %s TOKEN | sha256sum");
        return std::nullopt;
      }
    } else if (word.text.size() < AccessTokens::kTokenBytesMin || word.text.size() > AccessTokens::kTokenBytesMax ||
               !is_token_text(word.text)) {
      find(word.at, fmt::format("the third word is the token: {} to {} letters, digits, and - . _ ~ + / (= at its "
                                "end), or sha256: and its "
                                "digest; openssl rand -hex 32 makes one",
                                AccessTokens::kTokenBytesMin, AccessTokens::kTokenBytesMax));
      return std::nullopt;
    } else {
      digest = digest_of(word.text);
    }
    for (std::size_t i = 0; i < tokens_.entries_.size(); ++i) {
      if (!equal(tokens_.entries_[i].digest, digest)) continue;
      find(word.at, fmt::format("this token stands in line {}, too; each name has a token of its own", lines_[i]));
      return std::nullopt;
    }
    return digest;
  }

  std::string_view text_;
  const std::string& file_;
  std::size_t line_ = 0;
  AccessTokens tokens_;
  std::vector<std::size_t> lines_;  // of tokens_.entries_
  std::vector<std::string> findings_;
};

Result<AccessTokens> AccessTokens::parse(std::string_view text, const std::string& file) {
  return TokenLines(text, file).read();
}

std::optional<Principal> AccessTokens::find(std::string_view token) const {
  const HexDigest digest = digest_of(token);
  const Entry* found = nullptr;
  for (const Entry& entry : entries_) found = equal(entry.digest, digest) ? &entry : found;
  if (found == nullptr) return std::nullopt;
  return found->principal;
}

}  // namespace weir
