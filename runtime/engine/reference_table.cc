#include "runtime/engine/reference_table.h"

#define XXH_INLINE_ALL
#include <xxhash.h>

#include <algorithm>

#include "runtime/engine/table_builder.h"

namespace weir {

void ReferenceTable::append_key_part(std::string& key, std::string_view part) {
  char length[4];
  store(length, static_cast<std::uint32_t>(part.size()));
  key.append(length, sizeof length);
  key.append(part);
}

std::uint64_t ReferenceTable::hash(std::string_view key) noexcept {
  return XXH3_64bits(key.data(), key.size());
}

std::optional<std::uint32_t> ReferenceTable::column(std::string_view name) const noexcept {
  if (columns_.empty()) return 0;  // JSON without rows: nobody will look there
  const auto found = std::find(columns_.begin(), columns_.end(), name);
  if (found == columns_.end()) return std::nullopt;
  return static_cast<std::uint32_t>(found - columns_.begin());
}

ReferenceTable::Row ReferenceTable::search(std::uint64_t hashed, std::string_view key) const noexcept {
  const auto tag = static_cast<std::uint32_t>(hashed >> 32);
  for (std::size_t at = hashed & mask_; slots_[at].row != kNone; at = (at + 1) & mask_) {
    if (slots_[at].tag == tag && key_of(slots_[at].row) == key) return slots_[at].row;
  }
  return kNone;
}

Result<std::shared_ptr<const ReferenceTable>> ReferenceTable::parse(std::string_view text, const std::string& file,
                                                                    const std::vector<std::string>& key_columns,
                                                                    TableFormat format) {
  return format == TableFormat::csv ? read_csv_table(text, file, key_columns)
                                    : read_json_table(text, file, key_columns, format);
}

Result<std::shared_ptr<const ReferenceTable>> ReferenceTables::load(const TableConfig& config) {
  auto& table = loaded_[{config.file, config.key}];
  if (table == nullptr) {
    WEIR_ASSIGN(const std::string text, read_(config.file));
    WEIR_ASSIGN(table, ReferenceTable::parse(text, config.file, config.key, config.format));
  }
  return table;
}

}  // namespace weir
