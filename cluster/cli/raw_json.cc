#include "cluster/cli/raw_json.h"

#include "runtime/base/json_text.h"

namespace weir::cli {

namespace {

class Walk {
 public:
  explicit Walk(std::string_view text) : text_(text) { skip_space(); }
  [[nodiscard]] bool take(char c) {
    if (at_ == text_.size() || text_[at_] != c) return false;
    ++at_;
    skip_space();
    return true;
  }
  [[nodiscard]] bool done() const { return at_ == text_.size(); }
  /// One value, by brackets and quotes alone; empty: there is none.
  [[nodiscard]] std::string_view value() {
    const std::size_t begin = at_;
    std::size_t depth = 0;
    for (; at_ < text_.size(); ++at_) {
      const char c = text_[at_];
      if (c == '"') {
        for (++at_; at_ < text_.size() && text_[at_] != '"'; ++at_)
          if (text_[at_] == '\\') ++at_;
        if (at_ >= text_.size()) return {};
      } else if (c == '{' || c == '[') {
        ++depth;
      } else if (depth == 0 && (c == ',' || c == '}' || c == ']' || c == ':')) {
        break;
      } else if (c == '}' || c == ']') {
        --depth;
      }
    }
    if (depth != 0) return {};
    std::string_view found = text_.substr(begin, at_ - begin);
    while (!found.empty() && is_space(found.back())) found.remove_suffix(1);
    return found;
  }

 private:
  static bool is_space(char c) { return c == ' ' || c == '\n' || c == '\r' || c == '\t'; }
  void skip_space() {
    while (at_ < text_.size() && is_space(text_[at_])) ++at_;
  }
  std::string_view text_;
  std::size_t at_ = 0;
};

}  // namespace

std::optional<std::vector<std::pair<std::string, std::string>>> members_of(std::string_view text) {
  Walk walk(text);
  std::vector<std::pair<std::string, std::string>> members;
  if (!walk.take('{')) return std::nullopt;
  if (walk.take('}')) return walk.done() ? std::optional(members) : std::nullopt;
  do {
    const std::string_view quoted = walk.value();
    std::string name;
    if (quoted.size() < 2 || quoted.front() != '"' || !append_unescaped(name, quoted.substr(1, quoted.size() - 2)))
      return std::nullopt;
    if (!walk.take(':')) return std::nullopt;
    const std::string_view value = walk.value();
    if (value.empty()) return std::nullopt;
    members.emplace_back(std::move(name), value);
  } while (walk.take(','));
  return walk.take('}') && walk.done() ? std::optional(std::move(members)) : std::nullopt;
}

std::optional<std::vector<std::string>> elements_of(std::string_view text) {
  Walk walk(text);
  std::vector<std::string> elements;
  if (!walk.take('[')) return std::nullopt;
  if (walk.take(']')) return walk.done() ? std::optional(elements) : std::nullopt;
  do {
    const std::string_view value = walk.value();
    if (value.empty()) return std::nullopt;
    elements.emplace_back(value);
  } while (walk.take(','));
  return walk.take(']') && walk.done() ? std::optional(std::move(elements)) : std::nullopt;
}

}  // namespace weir::cli
