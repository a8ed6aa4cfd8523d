#include "runtime/engine/query_json.h"

#include "runtime/base/decimal.h"
#include "runtime/base/json_text.h"

namespace weir {

namespace {

std::size_t skip_space(std::string_view text, std::size_t at) noexcept {
  while (at < text.size() && (text[at] == ' ' || text[at] == '\t' || text[at] == '\n' || text[at] == '\r')) ++at;
  return at;
}

/// Behind the closing quote of the string that begins at `at`.
std::size_t skip_string(std::string_view text, std::size_t at) noexcept {
  for (++at; at < text.size(); ++at) {
    if (text[at] == '\\') {
      ++at;
    } else if (text[at] == '"') {
      return at + 1;
    }
  }
  return text.size();
}

std::size_t skip_value(std::string_view text, std::size_t at) noexcept {
  if (at < text.size() && text[at] == '"') return skip_string(text, at);
  std::size_t depth = 0;
  while (at < text.size()) {
    const char c = text[at];
    if (c == '"') {
      at = skip_string(text, at);
      continue;
    }
    if (c == '{' || c == '[') {
      ++depth;
    } else if (c == '}' || c == ']') {
      if (depth == 0) return at;
      if (--depth == 0) return at + 1;
    } else if (depth == 0 && (c == ',' || c == ' ' || c == '\t' || c == '\n' || c == '\r')) {
      return at;
    }
    ++at;
  }
  return at;
}

bool same_name(std::string_view inside, std::string_view name) {
  if (inside.find('\\') == std::string_view::npos) return inside == name;
  std::string text;
  return append_unescaped(text, inside) && text == name;
}

}  // namespace

bool for_each_member(std::string_view object,
                     const std::function<bool(std::string_view name, std::string_view token)>& visit) {
  std::size_t at = skip_space(object, 0);
  if (at >= object.size() || object[at] != '{') return false;
  ++at;
  for (;;) {
    at = skip_space(object, at);
    if (at >= object.size() || object[at] != '"') return true;
    const std::size_t name_end = skip_string(object, at);
    const std::string_view name = object.substr(at + 1, name_end - at - 2);
    at = skip_space(object, name_end);
    if (at >= object.size() || object[at] != ':') return true;
    at = skip_space(object, at + 1);
    const std::size_t end = skip_value(object, at);
    if (end == at || !visit(name, object.substr(at, end - at))) return true;
    at = skip_space(object, end);
    if (at >= object.size() || object[at] != ',') return true;
    ++at;
  }
}

std::optional<std::string_view> find_member(std::string_view object, std::span<const std::string> path) {
  std::string_view value = object;
  for (const std::string& part : path) {
    std::optional<std::string_view> found;
    for_each_member(value, [&](std::string_view name, std::string_view token) {
      if (!same_name(name, part)) return true;
      found = token;
      return false;
    });
    if (!found) return std::nullopt;
    value = *found;
  }
  return value;
}

std::string token_text(std::string_view token) {
  if (token.empty() || token == "null") return {};
  if (token.front() != '"' || token.size() < 2) return std::string(token);
  std::string text;
  const std::string_view inside = token.substr(1, token.size() - 2);
  if (!append_unescaped(text, inside)) return std::string(inside);
  return text;
}

bool token_means(std::string_view token, std::string_view text) {
  if (token.empty()) token = "null";
  if (token.front() == '"') return token_text(token) == text;
  if (token == text) return true;
  const auto a = Decimal::parse(token);
  const auto b = Decimal::parse(text);
  return a && b && *a == *b;
}

std::vector<std::string> split_path(std::string_view text) {
  std::vector<std::string> parts(1);
  for (std::size_t at = 0; at < text.size(); ++at) {
    if (text[at] == '\\' && at + 1 < text.size()) {
      parts.back().push_back(text[++at]);
    } else if (text[at] == '.') {
      parts.emplace_back();
    } else {
      parts.back().push_back(text[at]);
    }
  }
  return parts;
}

}  // namespace weir
