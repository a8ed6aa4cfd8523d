#include "runtime/engine/table_builder.h"

#include <algorithm>
#include <bit>

namespace weir {

TableBuilder::TableBuilder(const std::string& file, std::vector<std::string> columns, bool typed) : file_(file) {
  table_->columns_ = std::move(columns);
  table_->typed_ = typed;
}

Result<void> TableBuilder::set_key(const std::vector<std::string>& key_columns) {
  for (const std::string& name : key_columns) {
    const auto column = table_->column(name);
    if (!column) {
      return fail(Errc::config_invalid, "{}:1:1: there is no column \"{}\"; the columns are {}", file_, name,
                  fmt::join(table_->columns_, ", "));
    }
    key_.push_back(*column);
  }
  return {};
}

Result<void> TableBuilder::add(std::uint64_t line, std::span<const std::string> key_parts,
                               std::span<const Cell> cells) {
  const std::size_t columns = table_->columns_.size();
  std::string key;
  for (std::size_t i = 0; i < key_parts.size(); ++i) {
    if (key_parts[i].empty())
      return fail(Errc::input_unreadable, "the key column \"{}\" is empty", table_->columns_[key_[i]]);
    if (key_parts.size() == 1) {
      key = key_parts[i];
    } else {
      ReferenceTable::append_key_part(key, key_parts[i]);
    }
  }
  std::string row(4 * (columns + 1) + (table_->typed_ ? columns : 0), '\0');
  const auto note_end = [&row](std::size_t place, bool escapes) {
    store(row.data() + 4 * place, static_cast<std::uint32_t>(row.size()) | (escapes ? ReferenceTable::kEscapes : 0));
  };
  row += key;
  note_end(0, false);
  for (std::size_t i = 0; i < columns; ++i) {
    row += cells[i].text;
    note_end(i + 1, cells[i].escapes);
    if (table_->typed_) row[4 * (columns + 1) + i] = static_cast<char>(cells[i].kind);
  }
  if (row.size() > 1024 * 1024) return fail(Errc::input_unreadable, "a row of more than 1 MiB");
  const auto known = lines_.emplace(key, line);
  if (!known.second) {
    return fail(Errc::input_unreadable, "the key \"{}\" stands in line {} already", fmt::join(key_parts, ", "),
                known.first->second);
  }
  bytes_.align(ReferenceTable::kRowUnit);
  rows_.push_back({ReferenceTable::hash(key), bytes_.append(row)});
  return {};
}

Result<std::shared_ptr<const ReferenceTable>> TableBuilder::finish() {
  if (bytes_.size() / ReferenceTable::kRowUnit >= ReferenceTable::kNone)
    return fail(Errc::limit_reached, "{}: a table may hold 32 GiB", file_);
  table_->rows_ = rows_.size();
  table_->slots_.resize(std::bit_ceil(std::max<std::size_t>(rows_.size() * 2, 4)));
  table_->mask_ = table_->slots_.size() - 1;
  for (const auto& [hashed, offset] : rows_) {
    std::size_t at = hashed & table_->mask_;
    while (table_->slots_[at].row != ReferenceTable::kNone) at = (at + 1) & table_->mask_;
    table_->slots_[at] = {static_cast<std::uint32_t>(hashed >> 32),
                          static_cast<ReferenceTable::Row>(offset / ReferenceTable::kRowUnit)};
  }
  table_->bytes_ = SharedBytes::take(std::move(bytes_));
  return std::shared_ptr<const ReferenceTable>(std::move(table_));
}

}  // namespace weir
