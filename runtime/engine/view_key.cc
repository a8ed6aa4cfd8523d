#include "runtime/engine/view_key.h"

#include <algorithm>
#include <bit>
#include <cstring>

#if defined(__SSE2__)
#include <emmintrin.h>
#endif

#include "runtime/base/bytes.h"
#include "runtime/base/decimal.h"
#include "runtime/base/json_text.h"

namespace weir {

namespace {

// What kind of value a part holds, in the order of sorting.
constexpr char kNull = 1;
constexpr char kFalse = 2;
constexpr char kTrue = 3;
constexpr char kNumber = 4;
constexpr char kOtherNumber = 5;  // no Decimal: by spelling
constexpr char kString = 6;
constexpr char kStructure = 7;  // an object or array, by its text

// Bytes of a text follow as they are, a zero as 0 255; its end is 0 1, below every continuation.
constexpr char kEscape = '\0';
constexpr char kEscapedZero = '\xff';
constexpr char kEnd = '\x01';

template <class T>
void write_big_endian(char* to, T value) noexcept {
  if constexpr (std::endian::native == std::endian::little) {
    if constexpr (sizeof(T) == 8) value = __builtin_bswap64(value);
    if constexpr (sizeof(T) == 2) value = __builtin_bswap16(value);
  }
  std::memcpy(to, &value, sizeof value);
}
std::uint64_t read_big_endian(const char* from) noexcept {
  std::uint64_t value;
  std::memcpy(&value, from, sizeof value);
  return std::endian::native == std::endian::little ? __builtin_bswap64(value) : value;
}

void append_escaped(KeyBuffer& key, std::string_view text) {
  while (!text.empty()) {
    const void* zero = std::memchr(text.data(), 0, text.size());
    const std::size_t plain =
        zero == nullptr ? text.size() : static_cast<std::size_t>(static_cast<const char*>(zero) - text.data());
    key.append(text.substr(0, plain));
    if (zero == nullptr) break;
    key.append(kEscape);
    key.append(kEscapedZero);
    text.remove_prefix(plain + 1);
  }
  key.append(kEscape);
  key.append(kEnd);
}

/// Whether the text holds neither a zero nor a backslash: nearly always, so it is asked before anything else.
inline bool is_plain(std::string_view text) noexcept {
  const char* at = text.data();
#if defined(__SSE2__)
  if (text.size() >= 16) {
    const __m128i slash = _mm_set1_epi8('\\');
    const __m128i zero = _mm_setzero_si128();
    const auto marks = [&](const char* from) {
      const __m128i bytes = _mm_loadu_si128(reinterpret_cast<const __m128i*>(from));
      return _mm_or_si128(_mm_cmpeq_epi8(bytes, slash), _mm_cmpeq_epi8(bytes, zero));
    };
    const char* const last = at + text.size() - 16;
    __m128i found = marks(last);
    for (; at < last; at += 16) found = _mm_or_si128(found, marks(at));
    return _mm_movemask_epi8(found) == 0;
  }
#endif
  // Bytes that are zero, eight at a time; a borrow can only add to what is found.
  const auto zeros = [](std::uint64_t x) {
    return (x - 0x0101010101010101ull) & ~x & 0x8080808080808080ull;
  };
  constexpr std::uint64_t kSlashes = 0x5c5c5c5c5c5c5c5cull;
  if (text.size() >= 8) {
    std::uint64_t found = 0;
    const char* const last = at + text.size() - 8;
    for (; at < last; at += 8) {
      const auto bytes = load<std::uint64_t>(at);
      found |= zeros(bytes) | zeros(bytes ^ kSlashes);
    }
    const auto bytes = load<std::uint64_t>(last);
    return (found | zeros(bytes) | zeros(bytes ^ kSlashes)) == 0;
  }
  bool plain = true;
  for (const char* const end = at + text.size(); at != end; ++at) plain &= *at != '\\' && *at != '\0';
  return plain;
}

/// A part of the given kind whose text needs no escape.
inline void append_plain(KeyBuffer& key, char kind, std::string_view text) {
  char* to = key.room(text.size() + 3);
  to[0] = kind;
  copy_short(to + 1, text.data(), text.size());
  to[text.size() + 1] = kEscape;
  to[text.size() + 2] = kEnd;
  key.commit(text.size() + 3);
}

/// Length up to and with the end mark of an escaped text; 0: damaged.
std::size_t escaped_length(std::string_view from) noexcept {
  for (std::size_t at = 0; at + 1 < from.size(); ++at) {
    if (from[at] != kEscape) continue;
    if (from[at + 1] == kEnd) return at + 2;
    if (from[at + 1] != kEscapedZero) return 0;
    ++at;
  }
  return 0;
}

std::string unescape(std::string_view escaped) {
  std::string text;
  text.reserve(escaped.size());
  for (std::size_t at = 0; at < escaped.size(); ++at) {
    text.push_back(escaped[at]);
    if (escaped[at] == kEscape) ++at;
  }
  return text;
}

// A number: sign and place of its first digit in one byte, then two digits a byte (1..100), closed by a 0; all bytes
// inverted below zero. 0x80 alone is zero. The first digit of a Decimal stands for 10^-18 .. 10^37.
constexpr int kZeroByte = 0x80;
constexpr int kFirstPlace = 0x81 + 18;  // a first digit that stands for 10^0

void append_number(KeyBuffer& key, const Decimal& number) {
  key.append(kNumber);
  if (number.zero()) return key.append(static_cast<char>(kZeroByte));
  char digits[48];
  int count = 0;
  int place = -static_cast<int>(number.scale()) - 1;
  UInt128 rest = number.negative() ? -static_cast<UInt128>(number.unscaled()) : static_cast<UInt128>(number.unscaled());
  // Most have no more than 19 digits: the cheaper division.
  while (rest > ~std::uint64_t{0}) {
    digits[count++] = static_cast<char>(rest % 10);
    rest /= 10;
  }
  for (auto low = static_cast<std::uint64_t>(rest); low != 0; low /= 10) digits[count++] = static_cast<char>(low % 10);
  place += count;
  int last = 0;
  while (digits[last] == 0) ++last;
  char* const start = key.room(32);
  char* to = start;
  *to++ = static_cast<char>(kFirstPlace + place);
  for (int at = count - 1; at >= last; at -= 2) {
    const int second = at - 1 >= last ? digits[at - 1] : 0;
    *to++ = static_cast<char>(digits[at] * 10 + second + 1);
  }
  *to++ = 0;
  if (number.negative())
    for (char* byte = start; byte != to; ++byte) *byte = static_cast<char>(~*byte);
  key.commit(static_cast<std::size_t>(to - start));
}

/// Length of an encoded number; 0: damaged.
std::size_t number_length(std::string_view from) noexcept {
  if (from.empty()) return 0;
  const auto first = static_cast<unsigned char>(from[0]);
  if (first == kZeroByte) return 1;
  const char end = first > kZeroByte ? '\0' : '\xff';
  const std::size_t at = from.find(end, 1);
  return at == std::string_view::npos || at > 21 ? 0 : at + 1;
}

/// The number as text with at least `scale` digits behind the point.
std::optional<std::string> number_text(std::string_view encoded, std::uint8_t scale) {
  std::string digits;
  int place = 0;
  bool negative = false;
  const auto first = static_cast<unsigned char>(encoded[0]);
  if (first != kZeroByte) {
    negative = first < kZeroByte;
    place = (negative ? static_cast<unsigned char>(~first) : first) - kFirstPlace;
    for (std::size_t i = 1; i + 1 < encoded.size(); ++i) {
      const int pair = static_cast<unsigned char>(negative ? ~encoded[i] : encoded[i]) - 1;
      if (pair < 0 || pair > 99) return std::nullopt;
      digits.push_back(static_cast<char>('0' + pair / 10));
      digits.push_back(static_cast<char>('0' + pair % 10));
    }
    if (place > 40 || place < -18) return std::nullopt;
  }
  std::string text = negative ? "-" : "";
  const auto digit = [&](int power) {  // of 10^power
    const int at = place - power;
    return at < 0 || at >= static_cast<int>(digits.size()) ? '0' : digits[static_cast<std::size_t>(at)];
  };
  for (int power = std::max(place, 0); power >= 0; --power) text.push_back(digit(power));
  int behind = scale;
  const std::size_t significant = digits.find_last_not_of('0');
  if (significant != std::string::npos) behind = std::max(behind, static_cast<int>(significant) - place);
  if (behind > 0) text.push_back('.');
  for (int i = 1; i <= behind; ++i) text.push_back(digit(-i));
  return text;
}

/// Length of one part with its kind; 0: damaged.
std::size_t part_length(std::string_view from) noexcept {
  if (from.empty()) return 0;
  switch (from[0]) {
    case kNull:
    case kFalse:
    case kTrue:
      return 1;
    case kNumber: {
      const std::size_t length = number_length(from.substr(1));
      return length == 0 ? 0 : 1 + length;
    }
    case kOtherNumber:
    case kString:
    case kStructure: {
      const std::size_t length = escaped_length(from.substr(1));
      return length == 0 ? 0 : 1 + length;
    }
  }
  return 0;
}

std::string key_of(const KeyBuffer& key) {
  return std::string(key.view());
}

}  // namespace

void KeyBuffer::append(std::string_view bytes) {
  if (bytes.empty()) return;
  copy_short(room(bytes.size()), bytes.data(), bytes.size());
  size_ += bytes.size();
}

void append_view_prefix(KeyBuffer& key, std::uint16_t view) {
  char* to = key.room(kViewPrefixSize);
  to[0] = key_space::view;
  write_big_endian(to + 1, view);
  key.commit(kViewPrefixSize);
}

void append_window(KeyBuffer& key, std::uint8_t window, std::int64_t start) {
  char* to = key.room(kWindowSize);
  to[0] = static_cast<char>(window);
  write_big_endian(to + 1, static_cast<std::uint64_t>(start) ^ (std::uint64_t{1} << 63));
  key.commit(kWindowSize);
}

std::uint8_t append_part(KeyBuffer& key, std::string_view token) {
  if (token.empty()) {
    key.append(kNull);
    return 0;
  }
  switch (token.front()) {
    case '"': {
      const std::string_view inside = token.substr(1, token.size() - 2);
      if (is_plain(inside)) {
        append_plain(key, kString, inside);
      } else if (inside.find('\\') == std::string_view::npos) {
        append_text_part(key, inside);
      } else {
        std::string text;
        // What cannot be unescaped never passed the chain; its bytes still make a group.
        append_text_part(key, append_unescaped(text, inside) ? std::string_view{text} : inside);
      }
      return 0;
    }
    case 'n':
      key.append(kNull);
      return 0;
    case 'f':
      key.append(kFalse);
      return 0;
    case 't':
      key.append(kTrue);
      return 0;
    case '{':
    case '[':
      key.append(kStructure);
      append_escaped(key, token);
      return 0;
    default: {
      const auto number = Decimal::parse(token);
      if (!number) {
        key.append(kOtherNumber);
        append_escaped(key, token);
        return 0;
      }
      append_number(key, *number);
      return static_cast<std::uint8_t>(number->scale());
    }
  }
}

void append_text_part(KeyBuffer& key, std::string_view text) {
  if (is_plain(text)) return append_plain(key, kString, text);
  key.append(kString);
  append_escaped(key, text);
}

void append_offset(KeyBuffer& key, Offset offset) {
  write_big_endian(key.room(8), offset.value);
  key.commit(8);
}

std::string letter_key(Offset offset) {
  KeyBuffer key;
  key.append(key_space::letter);
  append_offset(key, offset);
  return key_of(key);
}

std::string parked_key(Offset offset) {
  KeyBuffer key;
  key.append(key_space::parked);
  append_offset(key, offset);
  return key_of(key);
}

std::string letter_id_key(std::string_view id) {
  KeyBuffer key;
  key.append(key_space::letter_id);
  append_text_part(key, id);
  return key_of(key);
}

std::string conflict_prefix(std::string_view id) {
  KeyBuffer key;
  key.append(key_space::letter_conflict);
  append_text_part(key, id);
  return key_of(key);
}

std::string conflict_key(std::string_view id, Offset offset) {
  KeyBuffer key;
  key.append(key_space::letter_conflict);
  append_text_part(key, id);
  append_offset(key, offset);
  return key_of(key);
}

std::optional<Offset> offset_at_end(std::string_view bytes) noexcept {
  if (bytes.size() < 8) return std::nullopt;
  return Offset{read_big_endian(bytes.data() + bytes.size() - 8)};
}

std::string prefix_end(std::string_view prefix) {
  std::string end(prefix);
  while (!end.empty() && end.back() == '\xff') end.pop_back();
  if (!end.empty()) end.back() = static_cast<char>(static_cast<unsigned char>(end.back()) + 1);
  return end;
}

std::optional<DecodedWindow> take_window(std::string_view& rest) noexcept {
  if (rest.size() < kWindowSize) return std::nullopt;
  DecodedWindow window;
  window.window = static_cast<std::uint8_t>(rest[0]);
  window.start = static_cast<std::int64_t>(read_big_endian(rest.data() + 1) ^ (std::uint64_t{1} << 63));
  rest.remove_prefix(kWindowSize);
  return window;
}

bool skip_part(std::string_view& rest) noexcept {
  const std::size_t length = part_length(rest);
  rest.remove_prefix(length);
  return length != 0;
}

std::optional<std::string> take_text_part(std::string_view& rest) {
  const std::size_t length = part_length(rest);
  if (length == 0 || rest[0] != kString) return std::nullopt;
  std::string text = unescape(rest.substr(1, length - 3));
  rest.remove_prefix(length);
  return text;
}

std::optional<std::string> take_part(std::string_view& rest, std::uint8_t scale) {
  const std::size_t length = part_length(rest);
  if (length == 0) return std::nullopt;
  const std::string_view part = rest.substr(0, length);
  rest.remove_prefix(length);
  switch (part[0]) {
    case kNull:
      return "null";
    case kFalse:
      return "false";
    case kTrue:
      return "true";
    case kNumber:
      return number_text(part.substr(1), scale);
    case kString:
      return to_json_string(unescape(part.substr(1, length - 3)));
    default:
      return unescape(part.substr(1, length - 3));
  }
}

std::vector<std::string> parts_meant_by(std::string_view text) {
  std::vector<std::string> parts;
  KeyBuffer key;
  const auto take = [&] {
    parts.push_back(key_of(key));
    key.clear();
  };
  const bool literal = text == "null" || text == "true" || text == "false";
  if (literal || is_json_number(text)) {
    static_cast<void>(append_part(key, text));
    take();
  }
  append_text_part(key, text);
  take();
  return parts;
}

}  // namespace weir
