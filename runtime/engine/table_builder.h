// Puts a reference table together, row by row. Internal to runtime/engine.
#pragma once
#include <memory>
#include <span>
#include <string>
#include <string_view>
#include <unordered_map>
#include <utility>
#include <vector>

#include "runtime/engine/reference_table.h"

namespace weir {

/// Loading is not on the path of events: plain strings do.
class TableBuilder {
 public:
  struct Cell {
    ValueKind kind = ValueKind::missing;
    bool escapes = false;
    std::string_view text;  // inside of a JSON string, or raw JSON
  };

  /// `typed`: cells are of all kinds; else all are strings, and empty ones missing.
  TableBuilder(const std::string& file, std::vector<std::string> columns, bool typed);
  /// Error config_invalid, with the place: a column that is not there.
  [[nodiscard]] Result<void> set_key(const std::vector<std::string>& key_columns);
  [[nodiscard]] std::span<const std::uint32_t> key() const noexcept { return key_; }
  [[nodiscard]] const std::vector<std::string>& columns() const noexcept { return table_->columns_; }

  /// One cell per column; `key_parts` are the plain texts of the key columns. Errors input_unreadable without
  /// the place, which the caller knows; `line` is for a later row with the same key.
  [[nodiscard]] Result<void> add(std::uint64_t line, std::span<const std::string> key_parts,
                                 std::span<const Cell> cells);
  [[nodiscard]] Result<std::shared_ptr<const ReferenceTable>> finish();

 private:
  const std::string& file_;
  std::vector<std::uint32_t> key_;
  std::unordered_map<std::string, std::uint64_t> lines_;  // of the keys
  std::vector<std::pair<std::uint64_t, std::size_t>> rows_;
  ByteArena bytes_;
  std::shared_ptr<ReferenceTable> table_ = std::make_shared<ReferenceTable>();
};

[[nodiscard]] Result<std::shared_ptr<const ReferenceTable>> read_csv_table(std::string_view text,
                                                                           const std::string& file,
                                                                           const std::vector<std::string>& key_columns);
[[nodiscard]] Result<std::shared_ptr<const ReferenceTable>> read_json_table(std::string_view text,
                                                                            const std::string& file,
                                                                            const std::vector<std::string>& key_columns,
                                                                            TableFormat format);

}  // namespace weir
