#include "runtime/event/json_tree.h"

#include <algorithm>
#include <bit>
#include <cstring>
#include <string>

#include "runtime/base/json_text.h"
#include "runtime/event/json_parse.h"
#include "runtime/event/json_scan.h"

namespace weir {

class JsonTreeReader {
 public:
  JsonTreeReader(std::vector<JsonNode>& nodes, std::string_view text, ParseProblem& problem)
      : nodes_(nodes), begin_(text.data()), end_(text.data() + text.size()), problem_(problem) {}

  bool read() {
    std::size_t used = 0;
    if (!read_first(used)) return false;
    const char* const p = white(begin_ + used);
    return p == end_ || fail(p, "something stands behind the value") != nullptr;
  }

  bool read_first(std::size_t& used) {
    nodes_.clear();
    if (begin_ == end_) return fail(begin_, "the text is empty") != nullptr;
    const char* const p = value(white(begin_), 1);
    if (p == nullptr) return false;
    used = static_cast<std::size_t>(p - begin_);
    return true;
  }

  bool keys_differ() {
    std::vector<std::string> keys;
    for (std::uint32_t node = 0; node < nodes_.size(); ++node) {
      if (nodes_[node].value.kind != ValueKind::object || nodes_[node].count < 2) continue;
      keys.clear();
      for (std::uint32_t child = node + 1; child < nodes_[node].next; child = nodes_[child].next)
        keys.push_back(plain({nodes_[child].key, nodes_[child].key_length}));
      std::sort(keys.begin(), keys.end());
      if (std::adjacent_find(keys.begin(), keys.end()) != keys.end())
        return fail(nodes_[node].value.data, "a key stands twice in this object") != nullptr;
    }
    return true;
  }

  static std::string plain(std::string_view inside) {
    std::string text(inside.size(), '\0');
    text.resize(unescape_json(inside, text.data()).size());
    return text;
  }

 private:
  const char* fail(const char* at, const char* what) {
    problem_.kind = ParseProblem::Kind::malformed;
    problem_.at = static_cast<std::uint32_t>(std::min(at, end_) - begin_);
    problem_.what = at >= end_ && at != begin_ ? "the text ends too early" : what;
    return nullptr;
  }

  static bool is_white(char c) noexcept { return c == ' ' || c == '\n' || c == '\r' || c == '\t'; }
  const char* white(const char* p) const noexcept {
    while (p < end_ && is_white(*p)) ++p;
    return p;
  }

  /// `p` is behind the opening quote; returns the place of the closing one.
  const char* string(const char* p, bool& escapes) {
    for (;;) {
      if (p >= end_) return fail(end_, "");
      const std::uint32_t special = json_scan::string_block(p).special;
      if (special == 0) {
        p += 16;
        continue;
      }
      p += std::countr_zero(special);
      if (p >= end_) return fail(end_, "");
      if (*p == '"') return p;
      if (*p != '\\') return fail(p, "a control character in a string");
      escapes = true;
      p = escape(p);
      if (p == nullptr) return nullptr;
    }
  }
  const char* escape(const char* p) {
    if (std::strchr("\"\\/bfnrt", p[1]) != nullptr && p[1] != '\0') return p + 2;
    if (p[1] != 'u') return fail(p, "unknown escape");
    const int code = json_scan::hex4(p + 2);
    if (code < 0) return fail(p, "expected four hex digits behind \\u");
    if (code < 0xd800 || code > 0xdfff) return p + 6;
    const int low = p[6] == '\\' && p[7] == 'u' ? json_scan::hex4(p + 8) : -1;
    if (code > 0xdbff || low < 0xdc00 || low > 0xdfff) return fail(p, "half of a surrogate pair");
    return p + 12;
  }

  const char* value(const char* p, unsigned depth) {
    if (p >= end_) return fail(end_, "");
    if (nodes_.size() == JsonTree::kNodesMax) return fail(p, "more than 1000000 values");
    const auto index = static_cast<std::uint32_t>(nodes_.size());
    nodes_.emplace_back();
    const char* last = nullptr;
    Value found;
    switch (*p) {
      case '{':
      case '[':
        if (depth > JsonTree::kDepthMax) return fail(p, "nested more than 64 deep");
        last = *p == '{' ? object(p, index, depth) : array(p, index, depth);
        if (last == nullptr) return nullptr;
        // White space inside is what spaced says; not looking for it costs the writer a look of its own.
        found = make_value(*p == '{' ? ValueKind::object : ValueKind::array, span(p, last), value_flag::spaced);
        break;
      case '"': {
        bool escapes = false;
        last = string(p + 1, escapes);
        if (last == nullptr) return nullptr;
        found = make_value(ValueKind::string, span(p + 1, last), escapes ? value_flag::escapes : std::uint8_t{0});
        ++last;
        break;
      }
      case 't':
      case 'f':
      case 'n': {
        const std::string_view word = *p == 't' ? "true" : *p == 'f' ? "false" : "null";
        if (std::memcmp(p, word.data(), word.size()) != 0) return fail(p, "expected a value");
        last = p + word.size();
        found = make_value(*p == 'n' ? ValueKind::null : ValueKind::boolean, span(p, last));
        break;
      }
      default:
        last = json_scan::number_end(p);
        if (last == nullptr) return fail(p, "expected a value");
        found = make_value(ValueKind::number, span(p, last));
    }
    if (last > end_) return fail(end_, "");
    nodes_[index].value = found;
    nodes_[index].next = static_cast<std::uint32_t>(nodes_.size());
    return last;
  }

  const char* object(const char* p, std::uint32_t index, unsigned depth) {
    p = white(p + 1);
    if (p < end_ && *p == '}') return p + 1;
    for (;;) {
      if (p >= end_ || *p != '"') return fail(p, "expected a key in quotes");
      bool escapes = false;
      const char* const key = p + 1;
      p = string(key, escapes);
      if (p == nullptr) return nullptr;
      const auto length = static_cast<std::uint32_t>(p - key);
      p = white(p + 1);
      if (p >= end_ || *p != ':') return fail(p, "expected ':'");
      const std::size_t child = nodes_.size();
      p = value(white(p + 1), depth + 1);
      if (p == nullptr) return nullptr;
      nodes_[child].key = key;
      nodes_[child].key_length = length;
      nodes_[child].key_escapes = escapes;
      ++nodes_[index].count;
      p = white(p);
      if (p < end_ && *p == '}') return p + 1;
      if (p >= end_ || *p != ',') return fail(p, "expected ',' or '}'");
      p = white(p + 1);
    }
  }

  const char* array(const char* p, std::uint32_t index, unsigned depth) {
    p = white(p + 1);
    if (p < end_ && *p == ']') return p + 1;
    for (;;) {
      p = value(p, depth + 1);
      if (p == nullptr) return nullptr;
      ++nodes_[index].count;
      p = white(p);
      if (p < end_ && *p == ']') return p + 1;
      if (p >= end_ || *p != ',') return fail(p, "expected ',' or ']'");
      p = white(p + 1);
    }
  }

  static std::string_view span(const char* from, const char* to) noexcept {
    return {from, static_cast<std::size_t>(to - from)};
  }

  std::vector<JsonNode>& nodes_;
  const char* begin_;
  const char* end_;
  ParseProblem& problem_;
};

bool JsonTree::parse(std::string_view text, ParseProblem& problem) {
  if (!is_valid_utf8(text)) {
    problem.kind = ParseProblem::Kind::encoding;
    problem.what = "not UTF-8";
    return false;
  }
  JsonTreeReader reader(nodes_, text, problem);
  return reader.read() && reader.keys_differ();
}

bool JsonTree::parse_first(std::string_view text, std::size_t& used, ParseProblem& problem) {
  JsonTreeReader reader(nodes_, text, problem);
  return reader.read_first(used) && reader.keys_differ();
}

bool JsonTree::parse_trusted(std::string_view object, ParseProblem& problem) {
  return JsonTreeReader(nodes_, object, problem).read();
}

std::uint32_t JsonTree::member(std::uint32_t object, std::string_view name) const {
  for (std::uint32_t child = inside(object); child < nodes_[object].next; child = nodes_[child].next) {
    if (nodes_[child].key != nullptr && key_text(child) == name) return child;
  }
  return 0;
}

std::string JsonTree::key_text(std::uint32_t node) const {
  return JsonTreeReader::plain({nodes_[node].key, nodes_[node].key_length});
}

std::string JsonTree::text(std::uint32_t node) const {
  return JsonTreeReader::plain(nodes_[node].value.span());
}

void JsonTree::shrink() {
  constexpr std::size_t kKept = 64 * 1024;
  if (nodes_.capacity() <= kKept) return;
  nodes_.clear();
  nodes_.shrink_to_fit();
}

}  // namespace weir
