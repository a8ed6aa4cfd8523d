// The writer of canonical texts (pipeline_config.h): what is hashed to tell whether two pipeline files mean the same.
// Internal to runtime/ports.
#pragma once
#include <charconv>
#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "runtime/ports/config_values.h"

namespace weir {

struct TransformConfig;

/// Not thread-safe. Writes `key=value` lines whose values cannot be mistaken for another: texts carry their length.
class Canonical {
 public:
  Canonical& key(std::string_view name) {
    out_.append(name);
    out_ += '=';
    return *this;
  }
  Canonical& text(std::string_view value) {
    number(value.size());
    out_ += ':';
    out_.append(value);
    return *this;
  }
  Canonical& number(std::uint64_t value) {
    char buffer[20];
    const auto end = std::to_chars(buffer, buffer + sizeof buffer, value).ptr;
    out_.append(buffer, end);
    return *this;
  }
  Canonical& word(std::string_view value) {
    out_.append(value);
    return *this;
  }
  Canonical& flag(bool value) { return word(value ? "1" : "0"); }
  void end() { out_ += '\n'; }
  [[nodiscard]] std::string take() { return std::move(out_); }

  /// The parts, not the spelling: `a\.b` and a column called `a.b` are the same field.
  Canonical& path(const FieldPath& path) {
    out_ += path.envelope() && path.parts.size() == 1 && path.parts.front() == path.text ? 'e' : 'p';
    number(path.parts.size());
    for (const std::string& part : path.parts) word(" ").text(part);
    return *this;
  }
  Canonical& paths(const std::vector<FieldPath>& paths) {
    number(paths.size());
    for (const FieldPath& item : paths) word(" ").path(item);
    return *this;
  }
  Canonical& constant(const Constant& constant) {
    return number(static_cast<std::uint64_t>(constant.kind)).word(" ").text(constant.text);
  }
  Canonical& optional(const std::optional<std::string>& value) { return value ? text(*value) : word("-"); }
  template <class Number>
  Canonical& optional_number(const std::optional<Number>& value) {
    return value ? number(static_cast<std::uint64_t>(*value)) : word("-");
  }
  void when(const std::optional<WhenConfig>& when) {
    key("when");
    if (when) path(when->path).word(" ").constant(when->equals);
    end();
  }

 private:
  std::string out_;
};

[[nodiscard]] std::string_view word(TimeFormat format);
/// The part of rules_text() that is one transform stage's.
void write(Canonical& out, const TransformConfig& transform);

}  // namespace weir
