// A JSON text as a flat list of its values, for those who come back to a value more than once: schemas, tables of JSON.
#pragma once
#include <cstdint>
#include <string>
#include <string_view>
#include <vector>

#include "runtime/event/document.h"
#include "runtime/event/document_parser.h"

namespace weir {

/// A value and, where it is a member of an object, its key. What is inside it stands right behind it.
struct JsonNode {
  Value value;
  const char* key = nullptr;  // inside the quotes; nullptr: no member of an object
  std::uint32_t key_length = 0;
  std::uint32_t next = 0;   // number of the first value behind this one and everything inside it
  std::uint32_t count = 0;  // of members or elements
  bool key_escapes = false;
  /// The key as a value: a string.
  [[nodiscard]] Value key_value() const noexcept {
    return make_value(ValueKind::string, {key, key_length}, key_escapes ? value_flag::escapes : std::uint8_t{0});
  }
};

/// Owns its nodes, not the text: spans point into it. Not thread-safe; reading a finished tree is.
class JsonTree {
 public:
  static constexpr unsigned kDepthMax = 64;
  /// 40 MB of nodes. Arbitrary: a megabyte of JSON has some 100'000 values.
  static constexpr std::uint32_t kNodesMax = 1'000'000;

  /// Reads any JSON value, whole (RFC 8259, at most kDepthMax deep, at most kNodesMax values, no key twice in an
  /// object, UTF-8). kBlockPadding readable bytes behind `text`, the first of them no part of a value. False: `problem`
  /// is set.
  [[nodiscard]] bool parse(std::string_view text, ParseProblem& problem);
  /// The value at the beginning of `text`, which is UTF-8; `used` is where it ends. Otherwise as parse().
  [[nodiscard]] bool parse_first(std::string_view text, std::size_t& used, ParseProblem& problem);
  /// The same for one object that was parsed or written by weir: not again looked at for UTF-8 and keys that come
  /// twice.
  [[nodiscard]] bool parse_trusted(std::string_view object, ParseProblem& problem);

  [[nodiscard]] const JsonNode& operator[](std::uint32_t node) const noexcept { return nodes_[node]; }
  [[nodiscard]] std::uint32_t size() const noexcept { return static_cast<std::uint32_t>(nodes_.size()); }
  /// The first value inside `node`; equal to its `next` where there is none.
  [[nodiscard]] static std::uint32_t inside(std::uint32_t node) noexcept { return node + 1; }
  /// The member of an object by its plain name, or 0 (which is nobody's member) where there is none. For loading: it
  /// looks at every member.
  [[nodiscard]] std::uint32_t member(std::uint32_t object, std::string_view name) const;
  /// The key without escapes.
  [[nodiscard]] std::string key_text(std::uint32_t node) const;
  /// The text of a string, without escapes.
  [[nodiscard]] std::string text(std::uint32_t node) const;
  /// Gives memory back that only an unusually large text needed.
  void shrink();

 private:
  friend class JsonTreeReader;
  std::vector<JsonNode> nodes_;
};

}  // namespace weir
