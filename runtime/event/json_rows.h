// The rows of a table written as JSON, one after the other: the file is in memory, its values never all at once.
#pragma once
#include <cstdint>
#include <optional>
#include <string>
#include <string_view>

#include "runtime/base/result.h"
#include "runtime/event/json_tree.h"

namespace weir {

/// Three forms: an array of objects; one object, whose members are rows under their key; lines of objects (NDJSON,
/// empty lines are skipped). Not thread-safe.
class JsonRows {
 public:
  enum class Form : std::uint8_t { document, lines };
  /// kBlockPadding zero bytes behind `text`, which outlives this. A byte order mark is skipped.
  JsonRows(std::string_view text, Form form);

  /// The next row into row() and key(); false: there is none. Error input_unreadable, `line:column: what`, and then no more:
  /// not RFC 8259, not UTF-8, a key twice in an object, a row of more than 64 levels or 1'000'000 values, a row that is
  /// no object (but under a key it may be any value).
  [[nodiscard]] Result<bool> next();
  /// Its spans lie in the text; valid until next().
  [[nodiscard]] const JsonTree& row() const noexcept { return row_; }
  /// Of one object's members: what the row stands under.
  [[nodiscard]] const std::optional<std::string>& key() const noexcept { return key_; }
  /// Where the row begins: its line, from 1 on, and its byte in the text.
  [[nodiscard]] std::uint64_t line() const noexcept { return line_; }
  [[nodiscard]] std::size_t place() const noexcept { return place_; }

 private:
  [[nodiscard]] Result<bool> begin();
  [[nodiscard]] Result<bool> next_line();
  [[nodiscard]] Result<bool> next_member();
  [[nodiscard]] Result<void> read_value();
  [[nodiscard]] Result<bool> end();
  void white() noexcept;
  [[nodiscard]] std::uint64_t line_at(std::size_t place) noexcept;
  [[nodiscard]] tl::unexpected<Error> wrong(std::size_t place, std::string_view what) const;

  std::string_view text_;
  Form form_;
  std::size_t at_ = 0;
  std::size_t counted_ = 0;  // lines are counted up to here
  std::uint64_t lines_ = 1;
  char open_ = 0;  // of a document: the bracket that is open; '\0' before it and behind it
  bool begun_ = false;
  JsonTree row_;
  std::optional<std::string> key_;
  std::uint64_t line_ = 0;
  std::size_t place_ = 0;
};

}  // namespace weir
