#include "tests/bench/roofline/order_text.h"

#include <emmintrin.h>
#include <simdjson.h>

#include <bit>
#include <cstring>

namespace weir::roofline {

namespace {

constexpr int kDepthMax = 128;

struct Head {
  alignas(16) char text[16];
  std::uint32_t mask;
  std::uint32_t length;
};
template <std::size_t N>
constexpr Head head(const char (&name)[N]) {
  Head made{};
  made.text[0] = '"';
  for (std::size_t i = 0; i + 1 < N; ++i) made.text[i + 1] = name[i];
  made.text[N] = '"';
  made.text[N + 1] = ':';
  made.length = N + 2;
  made.mask = (1u << made.length) - 1;
  return made;
}
constexpr Head kHeads[kMembers] = {head("id"),     head("ts"),     head("type"),     head("user"),
                                   head("device"), head("amount"), head("currency"), head("country"),
                                   head("ip"),     head("ua"),     head("attrs"),    head("v")};

bool starts(const char* p, const Head& head) noexcept {
  const __m128i a = _mm_loadu_si128(reinterpret_cast<const __m128i*>(p));
  const __m128i b = _mm_load_si128(reinterpret_cast<const __m128i*>(head.text));
  return (static_cast<std::uint32_t>(_mm_movemask_epi8(_mm_cmpeq_epi8(a, b))) & head.mask) == head.mask;
}

const char* white(const char* p) noexcept {
  while (*p == ' ' || *p == '\n' || *p == '\r' || *p == '\t') ++p;
  return p;
}

bool hex4(const char* p) noexcept {
  for (int i = 0; i < 4; ++i) {
    const char c = static_cast<char>(p[i] | 0x20);
    if (!((p[i] >= '0' && p[i] <= '9') || (c >= 'a' && c <= 'f'))) return false;
  }
  return true;
}

class Reader {
 public:
  explicit Reader(const char* end) : end_(end) {}

  /// Behind the opening quote -> the closing one; null: no string.
  const char* string_end(const char* p) noexcept {
    for (;;) {
      const __m128i v = _mm_loadu_si128(reinterpret_cast<const __m128i*>(p));
      const __m128i stop =
          _mm_or_si128(_mm_or_si128(_mm_cmpeq_epi8(v, _mm_set1_epi8('"')), _mm_cmpeq_epi8(v, _mm_set1_epi8('\\'))),
                       _mm_cmpeq_epi8(_mm_min_epu8(v, _mm_set1_epi8(0x1f)), v));
      const auto stops = static_cast<std::uint32_t>(_mm_movemask_epi8(stop));
      high_ |= static_cast<std::uint32_t>(
          _mm_movemask_epi8(v));  // bytes behind the string too: that only checks once too often
      if (stops == 0) {
        p += 16;
        continue;
      }
      p += std::countr_zero(stops);
      if (*p == '"') return p;
      if (*p != '\\') return nullptr;
      if (p[1] == 'u') {
        if (!hex4(p + 2)) return nullptr;
        p += 6;
      } else {
        if (p[1] == 0 || std::strchr("\"\\/bfnrt", p[1]) == nullptr) return nullptr;
        p += 2;
      }
    }
  }

  static const char* number_end(const char* p) noexcept {
    const auto digits = [](const char* at) {
      while (*at >= '0' && *at <= '9') ++at;
      return at;
    };
    if (*p == '-') ++p;
    const char* start = p;
    p = digits(p);
    if (p == start || (*start == '0' && p - start > 1)) return nullptr;
    if (*p == '.') {
      start = ++p;
      p = digits(p);
      if (p == start) return nullptr;
    }
    if ((*p | 0x20) == 'e') {
      ++p;
      if (*p == '+' || *p == '-') ++p;
      start = p;
      p = digits(p);
      if (p == start) return nullptr;
    }
    return p;
  }

  const char* value_end(const char* p, int depth) noexcept {
    switch (*p) {
      case '"':
        p = string_end(p + 1);
        return p == nullptr ? nullptr : p + 1;
      case '{':
      case '[':
        return depth == kDepthMax ? nullptr : nested_end(p, depth);
      case 't':
        return std::memcmp(p, "true", 4) == 0 ? p + 4 : nullptr;
      case 'f':
        return std::memcmp(p, "false", 5) == 0 ? p + 5 : nullptr;
      case 'n':
        return std::memcmp(p, "null", 4) == 0 ? p + 4 : nullptr;
      default:
        return number_end(p);
    }
  }

  const char* nested_end(const char* p, int depth) noexcept {
    const bool object = *p == '{';
    const char close = object ? '}' : ']';
    p = white(p + 1);
    if (*p == close) return p + 1;
    for (;;) {
      if (p >= end_) return nullptr;
      if (object) {
        if (*p != '"' || (p = string_end(p + 1)) == nullptr) return nullptr;
        p = white(p + 1);
        if (*p != ':') return nullptr;
        p = white(p + 1);
      }
      if ((p = value_end(p, depth + 1)) == nullptr) return nullptr;
      p = white(p);
      if (*p == close) return p + 1;
      if (*p != ',') return nullptr;
      p = white(p + 1);
    }
  }

  /// At a key; the member it is (kMembers: none of ours), `p` at the value. Null: no key.
  const char* key(const char* p, unsigned& expected, unsigned& found) noexcept {
    for (unsigned i = expected; i < kMembers; ++i) {
      if (!starts(p, kHeads[i])) continue;
      found = i;
      expected = i + 1;
      return p + kHeads[i].length;
    }
    if (*p != '"') return nullptr;
    const char* close = string_end(p + 1);
    if (close == nullptr) return nullptr;
    found = kMembers;
    for (unsigned i = 0; i < kMembers; ++i) {
      const std::size_t length = kHeads[i].length - 1;  // with both quotes
      if (static_cast<std::size_t>(close + 1 - p) == length && std::memcmp(p, kHeads[i].text, length) == 0) found = i;
    }
    p = white(close + 1);
    return *p == ':' ? p + 1 : nullptr;
  }

  [[nodiscard]] bool high() const noexcept { return (high_ & 0xffff) != 0; }

 private:
  const char* end_;
  std::uint32_t high_ = 0;
};

}  // namespace

bool read_order(std::string_view line, OrderText& order) noexcept {
  order = {};
  const char* p = line.data();
  const char* const end = p + line.size();
  Reader reader(end);
  p = white(p);
  if (*p != '{' || p >= end) return false;
  p = white(p + 1);
  unsigned expected = 0;
  const char* comma = nullptr;
  if (*p != '}') {
    for (;;) {
      unsigned found = kMembers;
      if ((p = reader.key(p, expected, found)) == nullptr) return false;
      p = white(p);
      const char* const begin = p;
      if ((p = reader.value_end(p, 0)) == nullptr || p > end) return false;
      if (found != kMembers) {
        const bool text = *begin == '"';
        order.members[found] = {begin + text, static_cast<std::uint32_t>(p - begin) - 2u * text, text};
        if (found == kUa) {
          order.ua_begin = comma;
          order.ua_end = p;
        }
      }
      p = white(p);
      if (*p == '}') break;
      if (*p != ',') return false;
      comma = p;
      p = white(p + 1);
    }
  }
  order.close = p;
  if (p >= end || white(p + 1) < end) return false;
  return !reader.high() || simdjson::validate_utf8(line.data(), line.size());
}

}  // namespace weir::roofline
