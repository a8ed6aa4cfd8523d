#include "runtime/engine/reference_table.h"

#define XXH_INLINE_ALL
#include <xxhash.h>

#include <algorithm>
#include <bit>
#include <cstring>
#include <unordered_map>

#include "runtime/base/json_text.h"

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

/// Reads the file record by record. Loading is not on the path of events: plain strings do.
class ReferenceTableLoader {
 public:
  ReferenceTableLoader(std::string_view text, const std::string& file) : text_(text), file_(file) {
    if (text_.substr(0, 3) == "\xEF\xBB\xBF") at_ = 3;
  }

  Result<std::shared_ptr<const ReferenceTable>> load(const std::vector<std::string>& key_columns) {
    if (!is_valid_utf8(text_)) return fail(Errc::input_unreadable, "{}: not UTF-8; save the table as UTF-8", file_);
    WEIR_ASSIGN(const bool header, next());
    if (!header) return fail(Errc::input_unreadable, "{}:1: the table has no header line", file_);
    table_->columns_ = fields_;
    for (std::size_t i = 0; i < fields_.size(); ++i) {
      if (std::find(fields_.begin(), fields_.begin() + static_cast<std::ptrdiff_t>(i), fields_[i]) !=
          fields_.begin() + static_cast<std::ptrdiff_t>(i))
        return fail(Errc::input_unreadable, "{}:1: two columns are named \"{}\"", file_, fields_[i]);
    }
    std::vector<std::uint32_t> keys;
    for (const std::string& name : key_columns) {
      const auto column = table_->column(name);
      if (!column) {
        return fail(Errc::config_invalid, "{}:1: there is no column \"{}\"; the columns are {}", file_, name,
                    fmt::join(table_->columns_, ", "));
      }
      keys.push_back(*column);
    }
    for (;;) {
      WEIR_ASSIGN(const bool more, next());
      if (!more) break;
      WEIR_TRY(add_row(keys));
    }
    return finish();
  }

 private:
  /// The next record into fields_; false at the end.
  Result<bool> next() {
    if (at_ >= text_.size()) return false;
    record_line_ = line_;
    fields_.clear();
    for (;;) {
      WEIR_ASSIGN(std::string field, next_field());
      fields_.push_back(std::move(field));
      if (at_ < text_.size() && text_[at_] == ',') {
        ++at_;
        continue;
      }
      if (at_ < text_.size() && text_[at_] == '\r') ++at_;
      if (at_ < text_.size() && text_[at_] == '\n') ++at_;
      ++line_;
      return true;
    }
  }
  Result<std::string> next_field() {
    std::string field;
    if (at_ >= text_.size() || text_[at_] != '"') {
      const std::size_t end = std::min(text_.find_first_of(",\n", at_), text_.size());
      field = text_.substr(at_, end - at_);
      at_ = end;
      if (!field.empty() && field.back() == '\r' && (at_ == text_.size() || text_[at_] == '\n')) field.pop_back();
      return field;
    }
    for (++at_;; ++at_) {
      if (at_ >= text_.size())
        return fail(Errc::input_unreadable, "{}:{}: a quoted field does not end", file_, record_line_);
      if (text_[at_] == '"') {
        if (at_ + 1 >= text_.size() || text_[at_ + 1] != '"') break;
        ++at_;
      }
      if (text_[at_] == '\n') ++line_;
      field += text_[at_];
    }
    ++at_;
    const char behind = at_ < text_.size() ? text_[at_] : '\n';
    if (behind != ',' && behind != '\n' && behind != '\r')
      return fail(Errc::input_unreadable, "{}:{}: text behind the closing quote of a field", file_, line_);
    return field;
  }

  Result<void> add_row(const std::vector<std::uint32_t>& keys) {
    const std::size_t columns = table_->columns_.size();
    if (fields_.size() != columns) {
      return fail(Errc::input_unreadable, "{}:{}: {} fields, the header has {}", file_, record_line_, fields_.size(),
                  columns);
    }
    std::string key;
    for (const std::uint32_t column : keys) {
      if (fields_[column].empty())
        return fail(Errc::input_unreadable, "{}:{}: the key column \"{}\" is empty", file_, record_line_,
                    table_->columns_[column]);
      if (keys.size() == 1) {
        key = fields_[column];
      } else {
        ReferenceTable::append_key_part(key, fields_[column]);
      }
    }
    std::string row(4 * (columns + 1), '\0');
    const auto note_end = [&row](std::size_t place, std::uint32_t flag) {
      store(row.data() + 4 * place, static_cast<std::uint32_t>(row.size()) | flag);
    };
    row += key;
    note_end(0, 0);
    for (std::size_t i = 0; i < columns; ++i) {
      const std::string quoted = to_json_string(fields_[i]);
      row.append(quoted, 1, quoted.size() - 2);
      note_end(i + 1, quoted.size() - 2 != fields_[i].size() ? ReferenceTable::kEscapes : 0);
    }
    if (row.size() > 1024 * 1024)
      return fail(Errc::input_unreadable, "{}:{}: a row of more than 1 MiB", file_, record_line_);
    const auto known = lines_.emplace(key, record_line_);
    if (!known.second) {
      return fail(Errc::input_unreadable, "{}:{}: the key \"{}\" stands in line {} already", file_, record_line_,
                  fmt::join(key_texts(keys), ", "), known.first->second);
    }
    bytes_.align(ReferenceTable::kRowUnit);
    rows_.push_back({ReferenceTable::hash(key), bytes_.append(row)});
    return {};
  }
  [[nodiscard]] std::vector<std::string> key_texts(const std::vector<std::uint32_t>& keys) const {
    std::vector<std::string> texts;
    for (const std::uint32_t column : keys) texts.push_back(fields_[column]);
    return texts;
  }

  Result<std::shared_ptr<const ReferenceTable>> finish() {
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

  std::string_view text_;
  const std::string& file_;
  std::size_t at_ = 0;
  std::uint64_t line_ = 1;
  std::uint64_t record_line_ = 1;
  std::vector<std::string> fields_;
  std::unordered_map<std::string, std::uint64_t> lines_;  // of the keys
  std::vector<std::pair<std::uint64_t, std::size_t>> rows_;
  ByteArena bytes_;
  std::shared_ptr<ReferenceTable> table_ = std::make_shared<ReferenceTable>();
};

Result<std::shared_ptr<const ReferenceTable>> ReferenceTable::parse(std::string_view text, const std::string& file,
                                                                    const std::vector<std::string>& key_columns) {
  return ReferenceTableLoader(text, file).load(key_columns);
}

Result<std::shared_ptr<const ReferenceTable>> ReferenceTables::load(const TableConfig& config) {
  auto& table = loaded_[{config.file, config.key}];
  if (table == nullptr) {
    WEIR_ASSIGN(const std::string text, read_(config.file));
    WEIR_ASSIGN(table, ReferenceTable::parse(text, config.file, config.key));
  }
  return table;
}

}  // namespace weir
