#include "runtime/base/json_text.h"

#include <bit>
#include <cstdint>
#include <cstring>

#if defined(__SSE2__)
#include <emmintrin.h>
#endif

namespace weir {

namespace {

constexpr char kHex[] = "0123456789abcdef";

bool needs_escape(char c) noexcept {
  return static_cast<unsigned char>(c) < 0x20 || c == '"' || c == '\\';
}

/// Writes the escape of `c` (at most 6 characters); returns its length.
std::size_t write_escape(char c, char* to) noexcept {
  to[0] = '\\';
  switch (c) {
    case '"':
      to[1] = '"';
      return 2;
    case '\\':
      to[1] = '\\';
      return 2;
    case '\b':
      to[1] = 'b';
      return 2;
    case '\f':
      to[1] = 'f';
      return 2;
    case '\n':
      to[1] = 'n';
      return 2;
    case '\r':
      to[1] = 'r';
      return 2;
    case '\t':
      to[1] = 't';
      return 2;
    default:
      break;
  }
  std::memcpy(to + 1, "u00", 3);
  to[4] = kHex[static_cast<unsigned char>(c) >> 4];
  to[5] = kHex[static_cast<unsigned char>(c) & 15];
  return 6;
}

template <class Target>
void append_string(Target& to, std::string_view text) {
  to.append(std::string_view("\"", 1));
  while (!text.empty()) {
    const std::size_t plain = json_plain_prefix(text);
    to.append(text.substr(0, plain));
    text.remove_prefix(plain);
    if (text.empty()) break;
    char escape[6];
    to.append(std::string_view(escape, write_escape(text.front(), escape)));
    text.remove_prefix(1);
  }
  to.append(std::string_view("\"", 1));
}

/// Four hex digits; nullopt when they are not.
std::optional<std::uint32_t> read_hex4(std::string_view text) noexcept {
  if (text.size() < 4) return std::nullopt;
  std::uint32_t value = 0;
  for (std::size_t i = 0; i < 4; ++i) {
    const char c = text[i];
    const char letter = static_cast<char>(c | 0x20);
    std::uint32_t digit = 0;
    if (c >= '0' && c <= '9') {
      digit = static_cast<std::uint32_t>(c - '0');
    } else if (letter >= 'a' && letter <= 'f') {
      digit = static_cast<std::uint32_t>(letter - 'a' + 10);
    } else {
      return std::nullopt;
    }
    value = value << 4 | digit;
  }
  return value;
}

void append_code_point(std::string& to, std::uint32_t code) {
  const auto byte = [&](std::uint32_t value) { to.push_back(static_cast<char>(value)); };
  if (code < 0x80) {
    byte(code);
  } else if (code < 0x800) {
    byte(0xc0 | code >> 6);
    byte(0x80 | (code & 0x3f));
  } else if (code < 0x10000) {
    byte(0xe0 | code >> 12);
    byte(0x80 | (code >> 6 & 0x3f));
    byte(0x80 | (code & 0x3f));
  } else {
    byte(0xf0 | code >> 18);
    byte(0x80 | (code >> 12 & 0x3f));
    byte(0x80 | (code >> 6 & 0x3f));
    byte(0x80 | (code & 0x3f));
  }
}

/// `rest` begins behind `\u`. Returns how many characters were used, 0: not a character.
std::size_t append_unicode_escape(std::string& to, std::string_view rest) {
  const auto first = read_hex4(rest);
  if (!first) return 0;
  if (*first < 0xd800 || *first > 0xdfff) {
    append_code_point(to, *first);
    return 4;
  }
  if (*first > 0xdbff || rest.size() < 10 || rest[4] != '\\' || rest[5] != 'u') return 0;
  const auto second = read_hex4(rest.substr(6));
  if (!second || *second < 0xdc00 || *second > 0xdfff) return 0;
  append_code_point(to, 0x10000 + ((*first - 0xd800) << 10 | (*second - 0xdc00)));
  return 10;
}

/// Length of the sequence that begins at `at`, 0: none is valid.
std::size_t utf8_sequence(const unsigned char* at, std::size_t left) noexcept {
  const unsigned char lead = at[0];
  const auto tail = [&](std::size_t i, unsigned char low, unsigned char high) { return at[i] >= low && at[i] <= high; };
  if (lead < 0x80) return 1;
  if (lead < 0xc2) return 0;
  if (lead < 0xe0) return left >= 2 && tail(1, 0x80, 0xbf) ? 2 : 0;
  if (lead < 0xf0) {
    if (left < 3 || !tail(2, 0x80, 0xbf)) return 0;
    return tail(1, lead == 0xe0 ? 0xa0 : 0x80, lead == 0xed ? 0x9f : 0xbf) ? 3 : 0;
  }
  if (lead > 0xf4 || left < 4 || !tail(2, 0x80, 0xbf) || !tail(3, 0x80, 0xbf)) return 0;
  return tail(1, lead == 0xf0 ? 0x90 : 0x80, lead == 0xf4 ? 0x8f : 0xbf) ? 4 : 0;
}

}  // namespace

std::size_t json_plain_prefix(std::string_view text) noexcept {
  std::size_t i = 0;
#if defined(__SSE2__)
  const __m128i quote = _mm_set1_epi8('"');
  const __m128i backslash = _mm_set1_epi8('\\');
  const __m128i control = _mm_set1_epi8(0x1f);
  for (; i + 16 <= text.size(); i += 16) {
    const __m128i bytes = _mm_loadu_si128(reinterpret_cast<const __m128i*>(text.data() + i));
    const __m128i special = _mm_or_si128(_mm_or_si128(_mm_cmpeq_epi8(bytes, quote), _mm_cmpeq_epi8(bytes, backslash)),
                                         _mm_cmpeq_epi8(_mm_min_epu8(bytes, control), bytes));
    const auto mask = static_cast<unsigned>(_mm_movemask_epi8(special));
    if (mask != 0) return i + static_cast<std::size_t>(std::countr_zero(mask));
  }
#endif
  while (i < text.size() && !needs_escape(text[i])) ++i;
  return i;
}

void append_json_string(std::string& to, std::string_view text) {
  to.reserve(to.size() + text.size() + 2);
  append_string(to, text);
}
void append_json_string(ByteArena& to, std::string_view text) {
  to.ensure(text.size() + 2);
  append_string(to, text);
}
std::string to_json_string(std::string_view text) {
  std::string result;
  append_json_string(result, text);
  return result;
}

bool append_unescaped(std::string& to, std::string_view inside) {
  while (!inside.empty()) {
    const std::size_t plain = json_plain_prefix(inside);
    to.append(inside.substr(0, plain));
    inside.remove_prefix(plain);
    if (inside.empty()) return true;
    if (inside.size() < 2 || inside[0] != '\\') return false;  // a quote or a control character stands only escaped
    std::size_t used = 2;
    switch (inside[1]) {
      case '"':
      case '\\':
      case '/':
        to.push_back(inside[1]);
        break;
      case 'b':
        to.push_back('\b');
        break;
      case 'f':
        to.push_back('\f');
        break;
      case 'n':
        to.push_back('\n');
        break;
      case 'r':
        to.push_back('\r');
        break;
      case 't':
        to.push_back('\t');
        break;
      case 'u': {
        const std::size_t taken = append_unicode_escape(to, inside.substr(2));
        if (taken == 0) return false;
        used += taken;
        break;
      }
      default:
        return false;
    }
    inside.remove_prefix(used);
  }
  return true;
}

bool is_json_number(std::string_view text) noexcept {
  std::size_t i = 0;
  const auto digit = [&] { return i < text.size() && static_cast<unsigned>(text[i] - '0') <= 9; };
  const auto digits = [&] {
    const std::size_t begin = i;
    while (digit()) ++i;
    return i != begin;
  };
  if (i < text.size() && text[i] == '-') ++i;
  if (i < text.size() && text[i] == '0') {
    ++i;
  } else if (!digits()) {
    return false;
  }
  if (i < text.size() && text[i] == '.') {
    ++i;
    if (!digits()) return false;
  }
  if (i < text.size() && (text[i] == 'e' || text[i] == 'E')) {
    ++i;
    if (i < text.size() && (text[i] == '+' || text[i] == '-')) ++i;
    if (!digits()) return false;
  }
  return i == text.size();
}

bool is_valid_utf8(std::string_view text) noexcept {
  const auto* at = reinterpret_cast<const unsigned char*>(text.data());
  std::size_t left = text.size();
  while (left != 0) {
#if defined(__SSE2__)
    while (left >= 32) {
      const auto* block = reinterpret_cast<const __m128i*>(at);
      if (_mm_movemask_epi8(_mm_or_si128(_mm_loadu_si128(block), _mm_loadu_si128(block + 1))) != 0) break;
      at += 32;
      left -= 32;
    }
#endif
    while (left >= 8 && (load<std::uint64_t>(reinterpret_cast<const char*>(at)) & 0x8080808080808080u) == 0) {
      at += 8;
      left -= 8;
    }
    // Text that is not ASCII comes in runs: stay here for some of it before looking for ASCII again.
    for (int i = 0; i < 8 && left != 0; ++i) {
      const std::size_t length = utf8_sequence(at, left);
      if (length == 0) return false;
      at += length;
      left -= length;
    }
  }
  return true;
}

std::size_t count_code_points(std::string_view text) noexcept {
  std::size_t count = 0;
  for (const char c : text) count += (static_cast<unsigned char>(c) & 0xc0) != 0x80 ? 1 : 0;
  return count;
}

}  // namespace weir
