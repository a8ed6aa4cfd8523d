#include "runtime/adapters/lua/field_names.h"

#include <algorithm>

namespace weir::lua {
namespace {

bool letter(char c) {
  return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || c == '_';
}
bool word(char c) {
  return letter(c) || (c >= '0' && c <= '9');
}

class Scanner {
 public:
  explicit Scanner(std::string_view script) : rest_(script) {}

  std::vector<std::string> names() {
    while (!rest_.empty() && names_.size() < kGuessedNamesMax) step();
    return std::move(names_);
  }

 private:
  void step() {
    if (rest_.starts_with("--")) {
      comment();
    } else if (const std::size_t level = long_bracket(); level != 0) {
      skip_long(level);
    } else if (rest_.front() == '"' || rest_.front() == '\'') {
      const std::string_view text = quoted();
      if (last_ == '[' && rest_.starts_with("]") && text.find('\\') == std::string_view::npos) add(text);
      last_ = '"';
    } else if (letter(rest_.front())) {
      const std::string_view name = take_while(word);
      if (last_ == '.' && !library_) add(name);
      library_ = name == "string" || name == "table" || name == "math" || name == "meta";
      last_ = 'a';
    } else {
      const char c = rest_.front();
      rest_.remove_prefix(1);
      if (static_cast<unsigned char>(c) <= ' ') return;
      if (c != '.') library_ = false;
      last_ = c == '.' && last_ == '.' ? '~' : c;  // `..` is no field
    }
  }
  void comment() {
    rest_.remove_prefix(2);
    if (const std::size_t level = long_bracket(); level != 0) {
      skip_long(level);
    } else {
      rest_.remove_prefix(std::min(rest_.size(), rest_.find('\n')));
    }
  }
  /// Length of `[[`, `[=[` and so on here, or 0.
  [[nodiscard]] std::size_t long_bracket() const {
    if (!rest_.starts_with("[")) return 0;
    const std::size_t end = rest_.find_first_not_of('=', 1);
    return end != std::string_view::npos && rest_[end] == '[' ? end + 1 : 0;
  }
  void skip_long(std::size_t length) {
    const std::string close = "]" + std::string(length - 2, '=') + "]";
    const std::size_t at = rest_.find(close, length);
    rest_.remove_prefix(at == std::string_view::npos ? rest_.size() : at + close.size());
    last_ = '"';
  }
  std::string_view quoted() {
    const char quote = rest_.front();
    std::size_t end = 1;
    while (end < rest_.size() && rest_[end] != quote && rest_[end] != '\n') end += rest_[end] == '\\' ? 2 : 1;
    end = std::min(end, rest_.size());
    const std::string_view text = rest_.substr(1, end - 1);
    rest_.remove_prefix(std::min(rest_.size(), end + 1));
    return text;
  }
  template <class Is>
  std::string_view take_while(Is is) {
    std::size_t end = 0;
    while (end < rest_.size() && is(rest_[end])) ++end;
    const std::string_view taken = rest_.substr(0, end);
    rest_.remove_prefix(end);
    return taken;
  }
  void add(std::string_view name) {
    if (name.empty() || name.size() > 128 || name == "meta") return;
    if (std::find(names_.begin(), names_.end(), name) == names_.end()) names_.emplace_back(name);
  }

  std::string_view rest_;
  std::vector<std::string> names_;
  char last_ = ' ';       // what the token before was: 'a' a name, '"' a text, else itself
  bool library_ = false;  // it was a name whose fields are none of the event
};

}  // namespace

std::vector<std::string> guess_field_names(std::string_view script) {
  return Scanner(script).names();
}

}  // namespace weir::lua
