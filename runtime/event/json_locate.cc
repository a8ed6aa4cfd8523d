#include "runtime/event/json_locate.h"

#include <bit>
#include <cstring>

#include "runtime/base/json_text.h"
#include "runtime/event/json_scan.h"

namespace weir {

namespace {

bool ends_scalar(char c) noexcept {
  return c == ',' || c == '}' || c == ']' || c == ' ' || c == '\n' || c == '\t' || c == '\r';
}

/// Reads tokens from the left; every function is false (or nullptr) where the text is not JSON or ends.
class Walker {
 public:
  explicit Walker(std::string_view frame) noexcept : p_(frame.data()), end_(frame.data() + frame.size()) {}

  [[nodiscard]] bool take(char c) noexcept {
    skip_space();
    if (p_ >= end_ || *p_ != c) return false;
    ++p_;
    return true;
  }
  [[nodiscard]] bool next_is(char c) noexcept {
    skip_space();
    return p_ < end_ && *p_ == c;
  }

  struct Text {
    std::string_view inside;
    bool escapes = false;
    bool good = false;
  };
  [[nodiscard]] Text string() noexcept {
    Text text;
    if (!take('"')) return text;
    const char* const start = p_;
    for (;;) {
      const std::uint32_t special = json_scan::string_block(p_).special;
      p_ += special == 0 ? 16 : std::countr_zero(special);
      if (p_ >= end_) return text;
      if (special == 0) continue;
      if (*p_ == '"') break;
      text.escapes = true;
      if (*p_ != '\\' || !skip_escape()) return text;
    }
    text.inside = {start, static_cast<std::size_t>(p_ - start)};
    text.good = true;
    ++p_;
    return text;
  }

  [[nodiscard]] bool skip_value(int depth) noexcept {
    skip_space();
    if (p_ >= end_) return false;
    switch (*p_) {
      case '"':
        return string().good;
      case '{':
        return depth < kJsonDepthMax && skip_object(depth + 1);
      case '[':
        return depth < kJsonDepthMax && skip_array(depth + 1);
      default:
        return scalar().has_value();
    }
  }

  /// Stands at the value; its kind and text, where it is whole.
  [[nodiscard]] std::optional<JsonPiece> value() noexcept {
    skip_space();
    if (p_ >= end_) return std::nullopt;
    switch (*p_) {
      case '"': {
        const Text text = string();
        if (!text.good) return std::nullopt;
        return JsonPiece{JsonKind::string, text.escapes, text.inside};
      }
      case '{':
        return JsonPiece{JsonKind::object, false, {}};
      case '[':
        return JsonPiece{JsonKind::array, false, {}};
      default:
        return scalar();
    }
  }

 private:
  void skip_space() noexcept {
    if (p_<end_&& * p_> ' ') [[likely]]
      return;
    while (p_ < end_ && (*p_ == ' ' || *p_ == '\t' || *p_ == '\n' || *p_ == '\r')) ++p_;
  }
  [[nodiscard]] bool skip_escape() noexcept {
    if (p_ + 1 >= end_) return false;
    if (p_[1] == 'u') {
      if (json_scan::hex4(p_ + 2) < 0) return false;
      p_ += 6;
      return true;
    }
    if (p_[1] == '\0' || std::strchr("\"\\/bfnrt", p_[1]) == nullptr) return false;
    p_ += 2;
    return true;
  }
  /// The end of the literal `name` at p_, or nullptr. Bytes behind the frame may be compared: the caller checks the
  /// end.
  [[nodiscard]] const char* word(std::string_view name) const noexcept {
    return std::memcmp(p_, name.data(), name.size()) == 0 ? p_ + name.size() : nullptr;
  }
  [[nodiscard]] std::optional<JsonPiece> scalar() noexcept {
    const char* const start = p_;
    JsonKind kind = JsonKind::number;
    const char* stop = nullptr;
    switch (*p_) {
      case 't':
      case 'f':
        kind = JsonKind::boolean;
        stop = *p_ == 't' ? word("true") : word("false");
        break;
      case 'n':
        kind = JsonKind::null;
        stop = word("null");
        break;
      default:
        stop = json_scan::number_end(p_);
    }
    // Cut off at the end of the frame it might have gone on.
    if (stop == nullptr || stop >= end_ || !ends_scalar(*stop)) return std::nullopt;
    p_ = stop;
    return JsonPiece{kind, false, {start, kind == JsonKind::null ? 0 : static_cast<std::size_t>(stop - start)}};
  }
  [[nodiscard]] bool skip_object(int depth) noexcept {
    ++p_;
    if (take('}')) return true;
    do {
      if (!string().good || !take(':') || !skip_value(depth)) return false;
    } while (take(','));
    return take('}');
  }
  [[nodiscard]] bool skip_array(int depth) noexcept {
    ++p_;
    if (take(']')) return true;
    do {
      if (!skip_value(depth)) return false;
    } while (take(','));
    return take(']');
  }

  const char* p_;
  const char* end_;
};

bool same_key(const Walker::Text& key, std::string_view name) {
  if (!key.escapes) return key.inside == name;
  std::string meant;
  return append_unescaped(meant, key.inside) && meant == name;
}

}  // namespace

std::optional<JsonPiece> locate_json(std::string_view frame, const std::vector<std::string>& path) {
  Walker walker(frame);
  int depth = 0;
  for (std::size_t level = 0;; ++level) {
    if (!walker.take('{') || ++depth > kJsonDepthMax || walker.next_is('}')) return std::nullopt;
    for (;;) {
      const Walker::Text key = walker.string();
      if (!key.good || !walker.take(':')) return std::nullopt;
      if (same_key(key, path[level])) break;
      if (!walker.skip_value(depth) || !walker.take(',')) return std::nullopt;
    }
    if (level + 1 == path.size()) return walker.value();
  }
}

}  // namespace weir
