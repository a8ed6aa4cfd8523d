#include "runtime/adapters/yaml/broken_yaml.h"

#include <fmt/format.h>

#include <algorithm>
#include <limits>
#include <utility>
#include <vector>

namespace weir::yaml {
namespace {

bool same(YamlPlace a, YamlPlace b) {
  return a.line == b.line && a.column == b.column;
}
bool before(YamlPlace a, YamlPlace b) {
  return a.line != b.line ? a.line < b.line : a.column < b.column;
}

/// Follows brackets, quotes, comments and block scalars up to a place, as far as it takes to say what is open there. It
/// is no parser: what it makes of a text that is wrong in another way only ever becomes part of a message.
class Openings {
 public:
  struct Open {
    char sign = 0;
    YamlPlace place;
  };

  Openings(std::string_view text, YamlPlace until) : text_(text), until_(until) {
    while (at_ < text_.size() && before(place_, until_) && !mismatched_) look();
  }

  /// Innermost last.
  [[nodiscard]] const std::vector<Open>& brackets() const { return brackets_; }
  /// The quote that is open at the end, or that was open over the end of a line and closed in the last one.
  [[nodiscard]] const std::optional<Open>& quote() const { return quote_; }
  [[nodiscard]] bool quote_closed() const { return quote_closed_; }

 private:
  void step() {
    const char c = text_[at_++];
    place_.column = c == '\n' ? 1 : place_.column + 1;
    place_.line += c == '\n' ? 1 : 0;
    if (c == '\n') value_ = true;
  }
  [[nodiscard]] char next() const { return at_ + 1 < text_.size() ? text_[at_ + 1] : '\n'; }
  [[nodiscard]] static bool space(char c) { return c == ' ' || c == '\n' || c == '\t' || c == '\r'; }

  void look() {
    const char c = text_[at_];
    if (space(c)) return step();
    if (c == '#' && (at_ == 0 || space(text_[at_ - 1]))) return skip_line();
    const bool begins = std::exchange(value_, false);  // of a value or key: elsewhere these are ordinary characters
    if (begins && (c == '"' || c == '\'')) return quoted(c);
    if (begins && (c == '|' || c == '>') && brackets_.empty()) return block();
    if ((c == '[' || c == '{') && begins) {
      brackets_.push_back({c, place_});
      value_ = true;
    } else if ((c == ']' || c == '}') && !brackets_.empty()) {
      mismatched_ = (brackets_.back().sign == '[') != (c == ']');
      if (!mismatched_) brackets_.pop_back();
    } else if (c == ',' && !brackets_.empty()) {
      value_ = true;
    } else if ((c == ':' || c == '-' || c == '?') && (space(next()) || (c == ':' && !brackets_.empty()))) {
      value_ = true;
    }
    step();
  }
  void skip_line() {
    while (at_ < text_.size() && text_[at_] != '\n') step();
  }
  void quoted(char sign) {
    quote_ = Open{sign, place_};
    quote_closed_ = false;
    step();
    while (at_ < text_.size()) {
      if (sign == '"' && text_[at_] == '\\' && at_ + 1 < text_.size()) {
        step();
      } else if (text_[at_] == sign && sign == '\'' && next() == '\'') {
        step();
      } else if (text_[at_] == sign) {
        quote_closed_ = true;
        if (quote_->place.line == place_.line || place_.line < until_.line) quote_.reset();
        step();
        value_ = false;
        return;
      }
      step();
    }
  }
  /// The lines of a block scalar are those indented further than the line it begins in.
  void block() {
    const std::size_t line_begin = at_ == 0 ? 0 : text_.rfind('\n', at_ - 1) + 1;
    const std::size_t indentation = indentation_at(line_begin);
    skip_line();
    while (at_ < text_.size()) {
      const std::size_t line = at_ + 1;
      const bool blank = text_.find_first_not_of(" \t\r", line) == text_.find('\n', line);
      if (!blank && indentation_at(line) <= indentation) return;
      step();
      skip_line();
    }
  }
  /// Of the key that begins in this line, or of its last list item.
  [[nodiscard]] std::size_t indentation_at(std::size_t line) const {
    std::size_t end = line;
    while (end < text_.size() && (text_[end] == ' ' || text_.substr(end, 2) == "- ")) ++end;
    return end - line;
  }

  std::string_view text_;
  YamlPlace until_;
  std::size_t at_ = 0;
  YamlPlace place_;
  std::vector<Open> brackets_;
  std::optional<Open> quote_;
  bool quote_closed_ = false;
  bool value_ = true;  // a value or key may begin here
  bool mismatched_ = false;
};

std::string_view line_of(std::string_view text, int line) {
  for (; line > 1; --line) {
    const std::size_t end = text.find('\n');
    if (end == std::string_view::npos) return {};
    text.remove_prefix(end + 1);
  }
  return text.substr(0, text.find('\n'));
}

/// How to write a value that begins with a sign that means something to YAML; `name`: unless it is a name.
std::string sign_hint(std::string_view line, YamlPlace at, bool name) {
  constexpr std::size_t kShownMax = 60;
  const auto column = static_cast<std::size_t>(at.column) - 1;
  for (const std::size_t place : {column, column - 1}) {
    if (place >= line.size() || std::string_view("@`%*&!").find(line[place]) == std::string_view::npos) continue;
    const std::size_t end = std::min(line.find_first_of(" ,]}", place), line.size());
    const std::string_view word = line.substr(place, end - place);
    const auto letter = [](char c) {
      return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9') || c == '_' || c == '-';
    };
    if (word.size() > kShownMax || (name && std::all_of(word.begin() + 1, word.end(), letter))) return {};
    return fmt::format("; text that begins with {} stands in quotes: \"{}\"", line[place], word);
  }
  return {};
}

}  // namespace

std::optional<YamlPlace> indenting_tab(std::string_view text) {
  YamlPlace place;
  bool indentation = true;
  for (const char c : text) {
    if (c == '\t' && indentation) return place;
    indentation = c == '\n' || (indentation && c == ' ');
    place.column = c == '\n' ? 1 : place.column + 1;
    place.line += c == '\n' ? 1 : 0;
  }
  return std::nullopt;
}

bool never_closed(std::string_view text, YamlPlace quote) {
  for (int line = 1; line < quote.line; ++line) {
    const std::size_t end = text.find('\n');
    if (end == std::string_view::npos) return false;
    text.remove_prefix(end + 1);
  }
  const auto column = static_cast<std::size_t>(quote.column) - 1;
  if (column >= text.size() || (text[column] != '"' && text[column] != '\'')) return false;
  const char sign = text[column];
  for (std::size_t at = column + 1; at < text.size(); ++at) {
    if (sign == '"' && text[at] == '\\') {
      ++at;
    } else if (text[at] == sign) {
      if (sign == '"' || at + 1 == text.size() || text[at + 1] != sign) return false;
      ++at;  // '' is a ' inside
    }
  }
  return true;
}

std::string yaml_hint(std::string_view text, YamlPlace at, std::string_view message) {
  if (message.starts_with("unknown escape character"))
    return "; in double quotes a backslash is written twice, in single quotes once";
  const std::string_view line = line_of(text, at.line);
  const bool anchor = message == "the referenced anchor is not defined";
  const std::string sign = sign_hint(line, at, anchor);
  if (!sign.empty() || anchor) return sign;
  const Openings openings(text, at);
  if (const auto& quote = openings.quote()) {
    return fmt::format("; the quote {} opened in line {}, column {} {}", quote->sign, quote->place.line,
                       quote->place.column,
                       openings.quote_closed() ? "is closed only here: is its other end missing there?" : "is not closed");
  }
  if (!openings.brackets().empty()) {
    const Openings::Open& open = openings.brackets().back();
    const Openings whole(text, {std::numeric_limits<int>::max(), 1});
    const bool closed = std::none_of(whole.brackets().begin(), whole.brackets().end(),
                                     [&](const auto& other) { return same(other.place, open.place); });
    if (closed && !message.starts_with("end of")) return {};
    if (closed) return "; a comma is missing before it, or quotes around a text that holds more than words";
    return fmt::format("; the {} opened in line {}, column {} is not closed", open.sign, open.place.line,
                       open.place.column);
  }
  const bool map_value = message == "illegal map value";
  if (map_value && line.substr(0, static_cast<std::size_t>(at.column) - 1).find(": ") != std::string_view::npos)
    return "; text that holds \": \" stands in quotes";
  if (!map_value && message != "end of map not found" && message != "end of sequence not found") return {};
  if (line.find(':') == std::string_view::npos) return "; a key has a \":\" behind it";
  if (!map_value && line.find_first_not_of(' ') + 1 != static_cast<std::size_t>(at.column))
    return "; it does not belong to what stands before it in the line";
  return "; the line is not indented as the lines it belongs to: begin it in the same column as they do, with spaces";
}

}  // namespace weir::yaml
