// A pattern that a user wrote, compiled by RE2: no text makes it slow.
#pragma once
#include <memory>
#include <string>
#include <string_view>

#include "runtime/base/result.h"

namespace re2 {
class RE2;
}

namespace weir {

/// RE2's syntax, and of JavaScript's what means the same there: \u and four digits, \cX, (?<name>…). Time is linear in the text,
/// memory at most 8 MiB a pattern. Copies share; safe to use from all threads.
class TextPattern {
 public:
  static constexpr std::size_t kLengthMax = 4'096;  // of a pattern; arbitrary
  /// Error config_invalid, without a place: what is wrong, and what to write instead of look-around and
  /// back-references.
  [[nodiscard]] static Result<TextPattern> compile(std::string_view pattern);

  /// Somewhere in `text`, as `pattern` of JSON Schema means it: ^ and $ make it the whole text.
  [[nodiscard]] bool found_in(std::string_view text) const;
  /// As written.
  [[nodiscard]] const std::string& text() const noexcept { return text_; }

 private:
  std::shared_ptr<const re2::RE2> compiled_;
  std::string text_;
};

}  // namespace weir
