// Reference tables from CSV.
#include <algorithm>

#include "runtime/base/json_text.h"
#include "runtime/base/text_place.h"
#include "runtime/engine/table_builder.h"

namespace weir {

namespace {

/// Reads the file record by record.
class CsvTableReader {
 public:
  CsvTableReader(std::string_view text, const std::string& file) : text_(text), file_(file) {
    if (text_.substr(0, 3) == "\xEF\xBB\xBF") at_ = 3;
  }

  Result<std::shared_ptr<const ReferenceTable>> load(const std::vector<std::string>& key_columns) {
    if (!is_valid_utf8(text_)) return wrong(0, "not UTF-8; save the table as UTF-8");
    WEIR_ASSIGN(const bool header, next());
    if (!header) return wrong(0, "the table has no header line");
    if (fields_.size() > ReferenceTable::kColumnsMax)
      return wrong(places_[ReferenceTable::kColumnsMax], fmt::format("more than {} columns", ReferenceTable::kColumnsMax));
    for (std::size_t i = 0; i < fields_.size(); ++i) {
      if (std::find(fields_.begin(), fields_.begin() + static_cast<std::ptrdiff_t>(i), fields_[i]) !=
          fields_.begin() + static_cast<std::ptrdiff_t>(i))
        return wrong(places_[i], fmt::format("two columns are named \"{}\"", fields_[i]));
    }
    TableBuilder table(file_, fields_, false);
    WEIR_TRY(table.set_key(key_columns));
    for (;;) {
      WEIR_ASSIGN(const bool more, next());
      if (!more) break;
      WEIR_TRY(add_row(table));
    }
    return table.finish();
  }

 private:
  [[nodiscard]] tl::unexpected<Error> wrong(std::size_t at, const std::string& what) const {
    return fail(Errc::input_unreadable, "{}: {}", place_text(file_, text_, at), what);
  }

  /// The next record into fields_ and places_; false at the end.
  Result<bool> next() {
    if (at_ >= text_.size()) return false;
    record_line_ = line_;
    fields_.clear();
    places_.clear();
    for (;;) {
      places_.push_back(at_);
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
      if (at_ >= text_.size()) return wrong(places_.back(), "a quoted field does not end");
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
      return wrong(at_, "text behind the closing quote of a field");
    return field;
  }

  Result<void> add_row(TableBuilder& table) {
    const std::size_t columns = table.columns().size();
    if (fields_.size() != columns)
      return wrong(places_.front(), fmt::format("{} fields, the header has {}", fields_.size(), columns));
    std::vector<std::string> keys;
    for (const std::uint32_t column : table.key()) keys.push_back(fields_[column]);
    std::vector<std::string> quoted;
    for (const std::string& field : fields_) quoted.push_back(to_json_string(field));
    std::vector<TableBuilder::Cell> cells;
    for (std::size_t i = 0; i < columns; ++i) {
      const std::string_view inside = std::string_view(quoted[i]).substr(1, quoted[i].size() - 2);
      cells.push_back({ValueKind::string, inside.size() != fields_[i].size(), inside});
    }
    if (const auto added = table.add(record_line_, keys, cells); !added)
      return wrong(places_[table.key().front()], added.error().context);
    return {};
  }

  std::string_view text_;
  const std::string& file_;
  std::size_t at_ = 0;
  std::uint64_t line_ = 1;
  std::uint64_t record_line_ = 1;
  std::vector<std::string> fields_;
  std::vector<std::size_t> places_;  // where they begin
};

}  // namespace

Result<std::shared_ptr<const ReferenceTable>> read_csv_table(std::string_view text, const std::string& file,
                                                             const std::vector<std::string>& key_columns) {
  return CsvTableReader(text, file).load(key_columns);
}

}  // namespace weir
