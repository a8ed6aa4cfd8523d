// The smallest steps of reading JSON: 16 bytes at a time, without a decision per byte. Internal to runtime/event.
#pragma once
#include <bit>
#include <cstdint>
#include <cstring>

#if defined(__SSE2__)
#include <emmintrin.h>
#endif

namespace weir::json_scan {

/// Bit i describes byte i of a 16-byte block.
struct StringBlock {
  std::uint32_t special;  // quote, backslash or control character
  std::uint32_t high;     // not ASCII
};

/// All functions read 16 bytes at `p`.
[[nodiscard]] inline StringBlock string_block(const char* p) noexcept {
#if defined(__SSE2__)
  const __m128i v = _mm_loadu_si128(reinterpret_cast<const __m128i*>(p));
  const __m128i quote = _mm_cmpeq_epi8(v, _mm_set1_epi8('"'));
  const __m128i slash = _mm_cmpeq_epi8(v, _mm_set1_epi8('\\'));
  const __m128i control = _mm_cmpeq_epi8(_mm_min_epu8(v, _mm_set1_epi8(0x1f)), v);
  return {static_cast<std::uint32_t>(_mm_movemask_epi8(_mm_or_si128(_mm_or_si128(quote, slash), control))),
          static_cast<std::uint32_t>(_mm_movemask_epi8(v))};
#else
  StringBlock block{0, 0};
  for (unsigned i = 0; i < 16; ++i) {
    const auto c = static_cast<unsigned char>(p[i]);
    if (c == '"' || c == '\\' || c < 0x20) block.special |= 1u << i;
    if (c >= 0x80) block.high |= 1u << i;
  }
  return block;
#endif
}

/// Bit i set: byte i is no decimal digit. Bit 16 is always set.
[[nodiscard]] inline std::uint32_t non_digits(const char* p) noexcept {
#if defined(__SSE2__)
  const __m128i v = _mm_sub_epi8(_mm_loadu_si128(reinterpret_cast<const __m128i*>(p)), _mm_set1_epi8('0'));
  const __m128i digit = _mm_cmpeq_epi8(_mm_min_epu8(v, _mm_set1_epi8(9)), v);
  return static_cast<std::uint32_t>(_mm_movemask_epi8(digit)) ^ 0x1ffffu;
#else
  std::uint32_t mask = 0x10000u;
  for (unsigned i = 0; i < 16; ++i) {
    if (static_cast<unsigned char>(p[i] - '0') > 9) mask |= 1u << i;
  }
  return mask;
#endif
}

/// Bit i set: byte i equals `a`, or needs escaping in JSON (quote, backslash, control character).
struct SplitBlock {
  std::uint32_t separator;
  std::uint32_t special;
  std::uint32_t high;
};
[[nodiscard]] inline SplitBlock split_block(const char* p, char separator) noexcept {
  const StringBlock block = string_block(p);
#if defined(__SSE2__)
  const __m128i v = _mm_loadu_si128(reinterpret_cast<const __m128i*>(p));
  const __m128i equal = _mm_cmpeq_epi8(v, _mm_set1_epi8(separator));
  return {static_cast<std::uint32_t>(_mm_movemask_epi8(equal)), block.special, block.high};
#else
  std::uint32_t mask = 0;
  for (unsigned i = 0; i < 16; ++i) mask |= static_cast<std::uint32_t>(p[i] == separator) << i;
  return {mask, block.special, block.high};
#endif
}

/// True when the first 16 bytes of `p` equal `head` where `mask` has bits.
[[nodiscard]] inline bool same_head(const char* p, const char* head, std::uint32_t mask) noexcept {
#if defined(__SSE2__)
  const __m128i a = _mm_loadu_si128(reinterpret_cast<const __m128i*>(p));
  const __m128i b = _mm_load_si128(reinterpret_cast<const __m128i*>(head));
  return (static_cast<std::uint32_t>(_mm_movemask_epi8(_mm_cmpeq_epi8(a, b))) & mask) == mask;
#else
  return std::memcmp(p, head, static_cast<std::size_t>(std::popcount(mask))) == 0;
#endif
}

/// Copies `count` bytes, writing (and reading) up to 31 bytes more.
inline void copy_over(char* to, const char* from, std::size_t count) noexcept {
#if defined(__SSE2__)
  for (std::size_t i = 0; i < count; i += 32) {
    const __m128i a = _mm_loadu_si128(reinterpret_cast<const __m128i*>(from + i));
    const __m128i b = _mm_loadu_si128(reinterpret_cast<const __m128i*>(from + i + 16));
    _mm_storeu_si128(reinterpret_cast<__m128i*>(to + i), a);
    _mm_storeu_si128(reinterpret_cast<__m128i*>(to + i + 16), b);
  }
#else
  std::memcpy(to, from, count);
#endif
}

/// The value of up to 8 digits at `p`.
[[nodiscard]] inline std::uint64_t eight_digits(const char* p, std::uint32_t count) noexcept {
  if (count == 0) return 0;
  std::uint64_t x = 0;
  std::memcpy(&x, p, 8);
  x = (x << (64 - 8 * count)) & 0x0f0f0f0f0f0f0f0full;  // the digits at the far end, zeros in front of them
  x = (x * 10 + (x >> 8)) & 0x00ff00ff00ff00ffull;
  x = (x * 100 + (x >> 16)) & 0x0000ffff0000ffffull;
  return (x * 10'000 + (x >> 32)) & 0xffffffffull;
}

/// A number as most are: at most 16 digits, of them at most 6 behind the point, no exponent.
struct SmallNumber {
  std::int64_t unscaled = 0;
  std::uint32_t scale = 0;
  bool point = false;
};
/// Reads `-? digits [. digits]`, the whole text; false: it is another kind of number, or none. Leading zeros are taken.
/// Reads 33 bytes from `p` on.
[[nodiscard]] inline bool small_number(const char* p, std::uint32_t length, SmallNumber& number) noexcept {
  static constexpr std::int64_t kPowers[7] = {1, 10, 100, 1'000, 10'000, 100'000, 1'000'000};
  const bool negative = *p == '-';
  p += negative;
  length -= negative;
  if (length == 0 || length > 16) return false;
  const std::uint32_t rest = non_digits(p);
  const auto whole = static_cast<std::uint32_t>(std::countr_zero(rest));
  std::int64_t value = 0;
  if (whole >= length) {
    value = static_cast<std::int64_t>(length <= 8 ? eight_digits(p, length)
                                                  : eight_digits(p, length - 8) * 100'000'000 +
                                                        eight_digits(p + length - 8, 8));
    number = {negative ? -value : value, 0, false};
    return true;
  }
  const std::uint32_t scale = length - whole - 1;
  if (whole == 0 || whole > 8 || p[whole] != '.' || scale == 0 || scale > 6) return false;
  if (static_cast<std::uint32_t>(std::countr_zero(rest >> (whole + 1))) < scale) return false;
  value = static_cast<std::int64_t>(eight_digits(p, whole)) * kPowers[scale] +
          static_cast<std::int64_t>(eight_digits(p + whole + 1, scale));
  number = {negative ? -value : value, scale, true};
  return true;
}

/// The end of the number at `p` (RFC 8259), or nullptr when it is none. The byte behind it is not looked at.
/// Reads at most 17 bytes past the first byte that belongs to no number.
[[nodiscard, gnu::always_inline]] inline const char* number_end(const char* p) noexcept {
  if (*p == '-') ++p;
  std::uint32_t rest = non_digits(p);
  std::uint32_t digits = static_cast<std::uint32_t>(std::countr_zero(rest));
  if (digits == 0 || (digits > 1 && *p == '0')) return nullptr;
  while (digits == 16) [[unlikely]] {
      p += 16;
      digits = static_cast<std::uint32_t>(std::countr_zero(non_digits(p)));
    }
  p += digits;
  if (*p == '.') {
    ++p;
    digits = static_cast<std::uint32_t>(std::countr_zero(non_digits(p)));
    if (digits == 0) return nullptr;
    while (digits == 16) [[unlikely]] {
        p += 16;
        digits = static_cast<std::uint32_t>(std::countr_zero(non_digits(p)));
      }
    p += digits;
  }
  if ((*p | 0x20) == 'e') [[unlikely]] {
    ++p;
    if (*p == '+' || *p == '-') ++p;
    digits = static_cast<std::uint32_t>(std::countr_zero(non_digits(p)));
    if (digits == 0) return nullptr;
    while (digits == 16) {
      p += 16;
      digits = static_cast<std::uint32_t>(std::countr_zero(non_digits(p)));
    }
    p += digits;
  }
  return p;
}

/// The four hex digits at `p`, or -1.
[[nodiscard]] inline int hex4(const char* p) noexcept {
  int value = 0;
  for (int i = 0; i < 4; ++i) {
    const char c = p[i];
    int digit = 0;
    if (c >= '0' && c <= '9') {
      digit = c - '0';
    } else if ((c | 0x20) >= 'a' && (c | 0x20) <= 'f') {
      digit = (c | 0x20) - 'a' + 10;
    } else {
      return -1;
    }
    value = value * 16 + digit;
  }
  return value;
}

}  // namespace weir::json_scan
