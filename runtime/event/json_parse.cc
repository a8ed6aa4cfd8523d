#include "runtime/event/json_parse.h"

#include <simdjson.h>

#include <algorithm>
#include <bit>
#include <cstring>

#include "runtime/base/hash.h"
#include "runtime/event/json_scan.h"

namespace weir {

namespace {

inline bool at_most_space(char c) noexcept {
  return static_cast<unsigned char>(c) <= ' ';
}

char* write_utf8(char* to, std::uint32_t code) noexcept {
  if (code < 0x80) {
    *to++ = static_cast<char>(code);
  } else if (code < 0x800) {
    *to++ = static_cast<char>(0xc0 | (code >> 6));
    *to++ = static_cast<char>(0x80 | (code & 0x3f));
  } else if (code < 0x10000) {
    *to++ = static_cast<char>(0xe0 | (code >> 12));
    *to++ = static_cast<char>(0x80 | ((code >> 6) & 0x3f));
    *to++ = static_cast<char>(0x80 | (code & 0x3f));
  } else {
    *to++ = static_cast<char>(0xf0 | (code >> 18));
    *to++ = static_cast<char>(0x80 | ((code >> 12) & 0x3f));
    *to++ = static_cast<char>(0x80 | ((code >> 6) & 0x3f));
    *to++ = static_cast<char>(0x80 | (code & 0x3f));
  }
  return to;
}

}  // namespace

std::string_view unescape_json(std::string_view raw, char* to) noexcept {
  char* out = to;
  for (std::size_t i = 0; i < raw.size(); ++i) {
    if (raw[i] != '\\') {
      *out++ = raw[i];
      continue;
    }
    switch (raw[++i]) {
      case 'b':
        *out++ = '\b';
        break;
      case 'f':
        *out++ = '\f';
        break;
      case 'n':
        *out++ = '\n';
        break;
      case 'r':
        *out++ = '\r';
        break;
      case 't':
        *out++ = '\t';
        break;
      case 'u': {
        auto code = static_cast<std::uint32_t>(json_scan::hex4(raw.data() + i + 1));
        i += 4;
        if (code >= 0xd800 && code < 0xdc00) {
          const auto low = static_cast<std::uint32_t>(json_scan::hex4(raw.data() + i + 3));
          code = 0x10000 + ((code - 0xd800) << 10) + (low - 0xdc00);
          i += 6;
        }
        out = write_utf8(out, code);
        break;
      }
      default:
        *out++ = raw[i];
        break;  // quote, backslash, solidus
    }
  }
  return {to, static_cast<std::size_t>(out - to)};
}

const char* JsonWalker::fail(const char* at, const char* what) {
  error_at_ = std::min(at, end_);
  error_ = at >= end_ ? "the event ends too early" : what;
  return nullptr;
}

/// For faults found by looking ahead: what stands behind the frame must not decide what is wrong with it.
const char* JsonWalker::fail_within(const char* at, std::size_t looked_at, const char* what) {
  return fail(static_cast<std::size_t>(end_ - at) < looked_at ? end_ : at, what);
}

const char* JsonWalker::white(const char* p) {
  ++spaces_;
  while (*p == ' ' || *p == '\n' || *p == '\r' || *p == '\t') ++p;
  return p;
}

const char* JsonWalker::escape(const char* p) {
  switch (p[1]) {
    case '"':
    case '\\':
    case '/':
    case 'b':
    case 'f':
    case 'n':
    case 'r':
    case 't':
      return p + 2;
    case 'u': {
      const int code = json_scan::hex4(p + 2);
      if (code < 0) return fail_within(p, 6, "expected four hex digits behind \\u");
      if (code < 0xd800 || code > 0xdfff) return p + 6;
      const int low = p[6] == '\\' && p[7] == 'u' ? json_scan::hex4(p + 8) : -1;
      // Half a pair is no character: it could be neither compared nor written as UTF-8.
      if (code > 0xdbff) return fail_within(p, 6, "half of a surrogate pair");
      if (low < 0xdc00 || low > 0xdfff)
        return fail_within(p, p[6] != '\\' ? 7 : p[7] != 'u' ? 8 : 12, "half of a surrogate pair");
      return p + 12;
    }
    default:
      return fail_within(p, 2, "unknown escape");
  }
}

/// `p` is behind the opening quote; returns the place of the closing one.
[[gnu::always_inline]] inline const char* JsonWalker::string_inside(const char* p, bool& escapes) {
  for (;;) {
    const json_scan::StringBlock block = json_scan::string_block(p);
    high_ |= block.high;  // bytes behind the string may count too: that only causes a check too many
    if (block.special == 0) {
      p += 16;
      if (p >= end_) [[unlikely]]
        return fail(p, "");
      continue;
    }
    p += std::countr_zero(block.special);
    if (*p == '"') [[likely]]
      return p;
    if (*p != '\\') return fail(p, "control character in a string");
    p = escape(p);
    if (p == nullptr) return nullptr;
    if (p >= end_) return fail(p, "");
    escapes = true;
  }
}

// Not inlined: the predicted path must stay small.
[[gnu::noinline]] const char* JsonWalker::key_slow(const char* p, KeyContext* context, Key** link, Key*& key) {
  bool escapes = false;
  const char* quote = string_inside(p, escapes);
  if (quote == nullptr) return nullptr;
  if (quote >= end_) return fail(quote, "");
  std::string_view text{p, static_cast<std::size_t>(quote - p)};
  if (escapes) {
    key_text_.resize(text.size());
    text = unescape_json(text, key_text_.data());
  }
  key = context == nullptr ? nullptr : keys_.find_or_add(*context, text);
  if (key == nullptr) {
    loose_.push_back(xxh3_128(text));
  } else if (key->literal) {
    *link = key;
  }
  p = quote + 1;
  if (at_most_space(*p)) p = white(p);
  if (*p != ':') return fail(p, "expected ':' behind a key");
  return p + 1;
}

bool JsonWalker::unique_loose_keys(std::size_t first) {
  std::sort(loose_.begin() + static_cast<std::ptrdiff_t>(first), loose_.end());
  const bool unique =
      std::adjacent_find(loose_.begin() + static_cast<std::ptrdiff_t>(first), loose_.end()) == loose_.end();
  loose_.resize(first);
  return unique;
}

/// `below(array)` gives the context of the keys inside the value, or nullptr. Returns the place behind the value.
template <class Below>
[[gnu::always_inline]] inline const char* JsonWalker::value(const char* p, unsigned depth, Value& found, Below below) {
  const char* const start = p;
  switch (*p) {
    case '"': {
      bool escapes = false;
      p = string_inside(start + 1, escapes);
      if (p == nullptr) return nullptr;
      found = {start + 1, static_cast<std::uint32_t>(p - start - 1), ValueKind::string,
               escapes ? value_flag::escapes : std::uint8_t{0}, 0};
      return p + 1;
    }
    case '-':
    case '0':
    case '1':
    case '2':
    case '3':
    case '4':
    case '5':
    case '6':
    case '7':
    case '8':
    case '9':
      p = json_scan::number_end(start);
      if (p == nullptr) {
        const std::string_view rest{start, static_cast<std::size_t>(end_ - start)};
        return fail_within(start, std::min(rest.find_first_not_of("+-.eE0123456789"), rest.size() + 1),
                           "not a JSON number");
      }
      found = {start, static_cast<std::uint32_t>(p - start), ValueKind::number, 0, 0};
      return p;
    case 't':
      if (std::memcmp(start, "true", 4) != 0) return fail_within(start, 4, "expected a value");
      found = {start, 4, ValueKind::boolean, 0, 0};
      return start + 4;
    case 'f':
      if (std::memcmp(start, "false", 5) != 0) return fail_within(start, 5, "expected a value");
      found = {start, 5, ValueKind::boolean, 0, 0};
      return start + 5;
    case 'n':
      if (std::memcmp(start, "null", 4) != 0) return fail_within(start, 4, "expected a value");
      found = {start, 4, ValueKind::null, 0, 0};
      return start + 4;
    case '{':
    case '[': {
      if (depth >= kDepthMax) return fail(start, "nested deeper than 64");
      const bool is_array = *start == '[';
      const std::uint32_t spaces = spaces_;
      p = is_array ? array(start + 1, below(true), depth + 1) : object(start + 1, below(false), depth + 1);
      if (p == nullptr) return nullptr;
      found = {start, static_cast<std::uint32_t>(p - start), is_array ? ValueKind::array : ValueKind::object,
               spaces_ != spaces ? value_flag::spaced : std::uint8_t{0}, 0};
      return p;
    }
    default:
      return fail(start, "expected a value");
  }
}

const char* JsonWalker::object(const char* p, KeyContext* context, unsigned depth) {
  const std::uint64_t instance = ++instances_;
  const std::size_t loose_first = loose_.size();
  const char* const end = end_;
  Key* none = nullptr;
  Key** link = context == nullptr ? &none : &context->first;
  if (at_most_space(*p)) p = white(p);
  if (*p == '}') return p + 1;
  for (;;) {
    if (p >= end || *p != '"') return fail(p, "expected a key in quotes");
    const char* const key_start = p++;
    Key* key = *link;
    if (key != nullptr && json_scan::same_head(p, key->head, key->mask) &&
        (key->length <= 14 || (end - p > key->length && std::memcmp(p, key->text, key->length + 2) == 0))) [[likely]] {
      p += key->length + 2;
      high_ |= static_cast<std::uint32_t>(key->high);
    } else {
      p = key_slow(p, context, link, key);
      if (p == nullptr) return nullptr;
    }
    if (key != nullptr) {
      if (key->stamp == instance) [[unlikely]]
        return fail(key_start, "duplicate key");
      key->stamp = instance;
    }
    if (at_most_space(*p)) p = white(p);
    Value found;
    const char* const value_start = p;
    p = value(p, depth, found,
              [this, key](bool in_array) { return key == nullptr ? nullptr : keys_.below(*key, in_array); });
    if (p == nullptr) return nullptr;
    if (key != nullptr) {
      link = &key->next;
      if (key->slot != kNoSlot) {
        document_->slots[key->slot] = found;
        if (key->touch != kNoSlot) {
          const char* from = depth == 1 ? key_start : value_start;
          document_->origins[key->touch] = {static_cast<std::uint32_t>(from - document_->begin),
                                            static_cast<std::uint32_t>(p - document_->begin)};
        }
      }
    } else {
      none = nullptr;
      link = &none;
    }
    if (at_most_space(*p)) p = white(p);
    if (p >= end) return fail(p, "");
    if (*p == ',') {
      ++p;
      if (at_most_space(*p)) p = white(p);
      continue;
    }
    if (*p != '}') return fail(p, "expected ',' or '}'");
    break;
  }
  if (loose_.size() != loose_first && !unique_loose_keys(loose_first)) return fail(p, "duplicate key in this object");
  return p + 1;
}

const char* JsonWalker::array(const char* p, KeyContext* context, unsigned depth) {
  if (at_most_space(*p)) p = white(p);
  if (*p == ']') return p + 1;
  for (;;) {
    if (p >= end_) return fail(p, "");
    Value ignored;
    p = value(p, depth, ignored, [context](bool) { return context; });
    if (p == nullptr) return nullptr;
    if (at_most_space(*p)) p = white(p);
    if (p >= end_) return fail(p, "");
    if (*p == ',') {
      ++p;
      if (at_most_space(*p)) p = white(p);
      continue;
    }
    if (*p != ']') return fail(p, "expected ',' or ']'");
    return p + 1;
  }
}

bool JsonWalker::walk(std::string_view frame, Document& document, ParseProblem& problem) {
  begin_ = frame.data();
  end_ = frame.data() + frame.size();
  document_ = &document;
  high_ = 0;
  spaces_ = 0;
  loose_.clear();
  const char* p = begin_;
  if (at_most_space(*p)) p = white(p);
  const std::uint32_t outside = spaces_;
  document.begin = p;
  if (p >= end_ || *p != '{') {
    p = fail(p, "expected '{': an event is a JSON object");
  } else {
    p = object(p + 1, &keys_.top(), 1);
  }
  if (p != nullptr && p > end_) p = fail(p, "");
  if (p != nullptr) {
    document.end = p;
    document.spaced = spaces_ != outside;
    if (p < end_ && at_most_space(*p)) p = white(p);
    // White space behind the last event of an area may run into what follows it.
    if (p < end_) p = fail(p, "something follows the object");
  }
  // A frame that is not UTF-8 is an encoding fault, whatever else is wrong with it. On success only strings can hold
  // bytes beyond ASCII, so a frame without any needs no check.
  if (p != nullptr && high_ == 0) [[likely]]
    return true;
  if (!simdjson::validate_utf8(frame)) {
    problem = {ParseProblem::Kind::encoding, 0, "not UTF-8"};
    return false;
  }
  if (p != nullptr) return true;
  problem = {ParseProblem::Kind::malformed, static_cast<std::uint32_t>(error_at_ - begin_), error_};
  return false;
}

}  // namespace weir
