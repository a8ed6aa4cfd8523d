// Reference tables from JSON: read twice, first for the columns.
#include <algorithm>
#include <deque>
#include <unordered_map>

#include "runtime/base/json_text.h"
#include "runtime/base/text_place.h"
#include "runtime/engine/table_builder.h"
#include "runtime/event/json_rows.h"
#include "runtime/event/splice.h"

namespace weir {

namespace {

constexpr const char* kPlainColumn = "value";

class JsonTableReader {
 public:
  JsonTableReader(std::string_view text, const std::string& file, TableFormat format)
      : text_(text),
        file_(file),
        form_(format == TableFormat::ndjson ? JsonRows::Form::lines : JsonRows::Form::document) {}

  Result<std::shared_ptr<const ReferenceTable>> load(const std::vector<std::string>& key_columns) {
    WEIR_TRY(each_row([&](const JsonRows& rows) { return collect(rows, key_columns); }));
    TableBuilder table(file_, columns_, true);
    if (columns_.empty()) return table.finish();  // no rows: whatever is asked for could be a column
    WEIR_TRY(table.set_key(key_columns));
    WEIR_TRY(each_row([&](const JsonRows& rows) { return add(rows, table); }));
    return table.finish();
  }

 private:
  template <class Visit>
  Result<void> each_row(Visit visit) {
    JsonRows rows(text_.view(), form_);
    for (;;) {
      const auto more = rows.next();
      if (!more) return fail(more.error().code, "{}:{}", file_, more.error().context);
      if (!*more) return {};
      WEIR_TRY(visit(rows));
    }
  }

  /// About the row that `rows` stands at.
  template <class... Args>
  [[nodiscard]] tl::unexpected<Error> wrong(const JsonRows& rows, Errc code, fmt::format_string<Args...> what,
                                            Args&&... args) const {
    return fail(code, "{}: {}", place_text(file_, text_.view(), rows.place()),
                fmt::format(what, std::forward<Args>(args)...));
  }

  Result<void> column(const std::string& name, const JsonRows& rows) {
    if (!numbers_.emplace(name, columns_.size()).second) return {};
    if (columns_.size() == ReferenceTable::kColumnsMax)
      return wrong(rows, Errc::input_unreadable, "more than {} columns", ReferenceTable::kColumnsMax);
    columns_.push_back(name);
    return {};
  }

  Result<void> collect(const JsonRows& rows, const std::vector<std::string>& key_columns) {
    if (rows.key()) {
      if (key_columns.size() != 1)
        return wrong(rows, Errc::config_invalid,
                     "rows under their keys have one key column, {} are asked for; write an array of objects",
                     key_columns.size());
      WEIR_TRY(column(key_columns.front(), rows));
    }
    const JsonTree& row = rows.row();
    if (row[0].value.kind != ValueKind::object) return column(kPlainColumn, rows);
    for (std::uint32_t child = JsonTree::inside(0); child != row[0].next; child = row[child].next) {
      std::string name = row.key_text(child);
      if (rows.key() && name == key_columns.front())
        return wrong(rows, Errc::input_unreadable,
                     "the row under the key \"{}\" has the column \"{}\" too; leave one of them out", *rows.key(), name);
      WEIR_TRY(column(name, rows));
    }
    return {};
  }

  Result<void> add(const JsonRows& rows, TableBuilder& table) {
    cells_.assign(columns_.size(), {});
    compact_.clear();
    keys_.assign(table.key().size(), {});
    const JsonTree& row = rows.row();
    std::string quoted;
    if (rows.key()) {
      quoted = to_json_string(*rows.key());
      const std::string_view inside = std::string_view(quoted).substr(1, quoted.size() - 2);
      cells_[numbers_.at(table.columns()[table.key().front()])] = {ValueKind::string,
                                                                   inside.size() != rows.key()->size(), inside};
      keys_.front() = *rows.key();
    }
    if (row[0].value.kind != ValueKind::object) {
      cells_[numbers_.at(kPlainColumn)] = cell(row[0].value);
    } else {
      for (std::uint32_t child = JsonTree::inside(0); child != row[0].next; child = row[child].next) {
        const std::size_t number = numbers_.at(row.key_text(child));
        cells_[number] = cell(row[child].value);
        for (std::size_t i = 0; i < keys_.size(); ++i) {
          if (table.key()[i] != number) continue;
          const ValueKind kind = row[child].value.kind;
          if (kind == ValueKind::object || kind == ValueKind::array)
            return wrong(rows, Errc::input_unreadable,
                         "the key column \"{}\" is an {}; a key is a text, number or boolean", columns_[number],
                         to_string(kind));
          if (kind != ValueKind::null)
            keys_[i] = kind == ValueKind::string ? row.text(child) : std::string(row[child].value.span());
        }
      }
    }
    if (const auto added = table.add(rows.line(), keys_, cells_); !added)
      return wrong(rows, added.error().code, "{}", added.error().context);
    return {};
  }

  TableBuilder::Cell cell(const Value& value) {
    if (value.kind != ValueKind::object && value.kind != ValueKind::array)
      return {value.kind, value.has(value_flag::escapes), value.span()};
    ByteArena out;  // without white space, so that no event has to leave it out
    encode_value(value, out);
    return {value.kind, false, compact_.emplace_back(out.view())};
  }

  PaddedText text_;
  const std::string& file_;
  JsonRows::Form form_;
  std::vector<std::string> columns_;
  std::unordered_map<std::string, std::size_t> numbers_;
  std::vector<TableBuilder::Cell> cells_;
  std::deque<std::string> compact_;
  std::vector<std::string> keys_;
};

}  // namespace

Result<std::shared_ptr<const ReferenceTable>> read_json_table(std::string_view text, const std::string& file,
                                                              const std::vector<std::string>& key_columns,
                                                              TableFormat format) {
  return JsonTableReader(text, file, format).load(key_columns);
}

}  // namespace weir
