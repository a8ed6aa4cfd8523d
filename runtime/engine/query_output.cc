#include "runtime/engine/query_output.h"

#include <algorithm>
#include <set>

#include "runtime/base/json_text.h"
#include "runtime/base/text_width.h"
#include "runtime/base/time_text.h"
#include "runtime/engine/query_json.h"

namespace weir {

namespace {

constexpr std::size_t kPieceBytes = 64 * 1024;
constexpr std::size_t kTableRows = 1'000;      // looked at for the widths
constexpr std::size_t kTableWidth = 60;        // of one column at most; longer texts stick out
constexpr std::string_view kEstimate = "\"~";  // how the token of a number that is one begins, in a table

/// Collects text and hands it on in pieces.
class Buffer {
 public:
  explicit Buffer(TextSink sink) : sink_(std::move(sink)) {}
  [[nodiscard]] std::string& text() noexcept { return text_; }
  void flow() {
    if (text_.size() >= kPieceBytes) flush();
  }
  bool flush() {
    if (wanted_ && !text_.empty()) wanted_ = sink_(text_);
    text_.clear();
    return wanted_;
  }
  [[nodiscard]] bool wanted() const noexcept { return wanted_; }

 private:
  TextSink sink_;
  std::string text_;
  bool wanted_ = true;
};

void append_csv(std::string& to, std::string_view token) {
  const bool string = !token.empty() && token.front() == '"';
  const std::string text = token_text(token);
  if (string ? !text.empty() && text.find_first_of(",\"\r\n") == std::string::npos && text.front() != ' ' &&
                   text.back() != ' '
             : text.find_first_of(",\"") == std::string::npos) {
    to.append(text);
    return;
  }
  to.push_back('"');
  for (const char c : text) {
    if (c == '"') to.push_back('"');
    to.push_back(c);
  }
  to.push_back('"');
}

class CsvWriter final : public RowWriter {
 public:
  CsvWriter(std::vector<std::string> columns, TextSink sink) : columns_(std::move(columns)), buffer_(std::move(sink)) {
    for (std::size_t i = 0; i < columns_.size(); ++i) {
      if (i != 0) buffer_.text().push_back(',');
      append_csv(buffer_.text(), to_json_string(columns_[i]));
    }
    buffer_.text().push_back('\n');
  }
  void row(const Row& row) override {
    for (std::size_t i = 0; i < columns_.size(); ++i) {
      if (i != 0) buffer_.text().push_back(',');
      // Rows nearly always have the columns in their order.
      const std::string* token =
          i < row.fields.size() && row.fields[i].first == columns_[i] ? &row.fields[i].second : row.find(columns_[i]);
      if (token != nullptr) append_csv(buffer_.text(), *token);
    }
    buffer_.text().push_back('\n');
    buffer_.flow();
  }
  [[nodiscard]] bool finish() override { return buffer_.flush(); }
  [[nodiscard]] bool wanted() const override { return buffer_.wanted(); }

 private:
  std::vector<std::string> columns_;
  Buffer buffer_;
};

/// What a terminal may be given: no control characters.
std::string terminal_text(std::string_view token) {
  const std::string text = token_text(token);
  std::string shown = to_json_string(text);
  const bool plain =
      std::none_of(text.begin(), text.end(), [](char c) { return static_cast<unsigned char>(c) < 0x20 || c == 0x7f; });
  if (plain) return text;
  return shown.substr(1, shown.size() - 2);
}

class TableWriter final : public RowWriter {
 public:
  TableWriter(std::vector<std::string> columns, TextSink sink, std::size_t width)
      : columns_(std::move(columns)), buffer_(std::move(sink)), width_(width) {
    for (const std::string& column : columns_) widths_.push_back(count_code_points(column));
    numbers_.assign(columns_.size(), true);
  }
  void row(const Row& row) override {
    std::vector<std::string> cells;
    for (std::size_t i = 0; i < columns_.size(); ++i) {
      const std::string* token = row.find(columns_[i]);
      cells.push_back(token == nullptr ? std::string() : terminal_text(*token));
      if (!measuring_) continue;
      widths_[i] = std::max(widths_[i], std::min(kTableWidth, count_code_points(cells.back())));
      if (token != nullptr && *token != "null" && !is_number(*token)) numbers_[i] = false;
    }
    if (!measuring_) return print(cells);
    held_.push_back(std::move(cells));
    if (held_.size() == kTableRows) let_go();
  }
  [[nodiscard]] bool finish() override {
    if (measuring_) {
      leave_out_empty();
      let_go();
    }
    return buffer_.flush();
  }
  [[nodiscard]] bool wanted() const override { return buffer_.wanted(); }

 private:
  static bool is_number(std::string_view token) {
    if (token.starts_with(kEstimate)) token = token.substr(kEstimate.size(), token.size() - kEstimate.size() - 1);
    return is_json_number(token);
  }
  /// `record.id` and `record.time` are there for records that say something else than the envelope: mostly none.
  void leave_out_empty() {
    for (std::size_t i = columns_.size(); i-- > 0;) {
      const auto filled = [i](const std::vector<std::string>& cells) { return !cells[i].empty(); };
      if ((columns_[i] != "record.id" && columns_[i] != "record.time") || std::any_of(held_.begin(), held_.end(), filled)) continue;
      const auto at = static_cast<std::ptrdiff_t>(i);
      columns_.erase(columns_.begin() + at);
      widths_.erase(widths_.begin() + at);
      numbers_.erase(numbers_.begin() + at);
      for (auto& cells : held_) cells.erase(cells.begin() + at);
    }
  }
  void let_go() {
    measuring_ = false;
    print(columns_);
    for (const auto& cells : held_) print(cells);
    held_.clear();
  }
  void print(const std::vector<std::string>& cells) {
    std::string& to = line_;
    to.clear();
    for (std::size_t i = 0; i < cells.size(); ++i) {
      const std::size_t width = count_code_points(cells[i]);
      const std::size_t gap = width < widths_[i] ? widths_[i] - width : 0;
      if (i != 0) to.append("  ");
      if (numbers_[i]) to.append(gap, ' ');
      to.append(cells[i]);
      if (!numbers_[i] && i + 1 != cells.size()) to.append(gap, ' ');
    }
    cut_to_width(to, width_);
    buffer_.text().append(to).push_back('\n');
    buffer_.flow();
  }

  std::vector<std::string> columns_;
  Buffer buffer_;
  std::size_t width_;  // of a line; 0: any
  std::string line_;
  std::vector<std::size_t> widths_;
  std::vector<bool> numbers_;
  std::vector<std::vector<std::string>> held_;
  bool measuring_ = true;
};

Result<QueryAnswer> write_json(const std::vector<PartitionPicture>& partitions, const ViewSet& views,
                               const QueryRequest& request, const TextSink& sink) {
  Buffer buffer(sink);
  bool first = true;
  const auto begin = [&] {
    buffer.text().append("{\"view\":").append(to_json_string(request.view)).append(",\"rows\":[");
  };
  auto answer = query_view(partitions, views, request, [&](const Row& row) {
    if (first) begin();
    buffer.text().append(first ? "\n" : ",\n");
    first = false;
    append_row_json(buffer.text(), row);
    buffer.flow();
    return buffer.wanted();
  });
  if (!answer) return answer;
  if (first) begin();
  buffer.text().append(first ? "" : "\n").append("],\"next\":");
  buffer.text().append(answer->next ? to_json_string(*answer->next) : "null");
  if (answer->complete_since != kNoTime)
    buffer.text().append(",\"complete_since\":").append(to_json_string(to_rfc3339(answer->complete_since)));
  buffer.text().append("}\n");
  static_cast<void>(buffer.flush());
  return answer;
}

/// A ~ in front of the distinct counts of the row that are estimates.
void mark_estimates(Row& row, const std::vector<std::string>& distinct) {
  for (const std::string& measure : distinct) {
    const std::string* const approximate = row.find(approximate_column(measure));
    if (approximate == nullptr || *approximate != "true") continue;
    for (auto& [name, token] : row.fields)
      if (name == measure) token = std::string(kEstimate) + token + "\"";
  }
}

/// The columns of whole records: those of the page's rows, in the order they are met.
Result<std::vector<std::string>> met_columns(const std::vector<PartitionPicture>& partitions, const ViewSet& views,
                                             QueryRequest request) {
  std::vector<std::string> columns;
  std::set<std::string, std::less<>> known;
  request.count_total = false;
  auto answer = query_view(partitions, views, request, [&](const Row& row) {
    for (const auto& [name, token] : row.fields)
      if (known.insert(name).second) columns.push_back(name);
    return true;
  });
  if (!answer) return fail(std::move(answer.error()));
  if (columns.empty()) columns = {"id", "time"};
  return columns;
}

}  // namespace

void append_row_json(std::string& to, const Row& row) {
  to.push_back('{');
  for (std::size_t i = 0; i < row.fields.size(); ++i) {
    if (i != 0) to.push_back(',');
    append_json_string(to, row.fields[i].first);
    to.push_back(':');
    to.append(row.fields[i].second);
  }
  to.push_back('}');
}

std::unique_ptr<RowWriter> make_row_writer(RowFormat format, std::vector<std::string> columns, TextSink sink,
                                           std::size_t width) {
  if (format == RowFormat::csv) return std::make_unique<CsvWriter>(std::move(columns), std::move(sink));
  return std::make_unique<TableWriter>(std::move(columns), std::move(sink), width);
}

Result<QueryAnswer> write_query(const std::vector<PartitionPicture>& partitions, const ViewSet& views,
                                const QueryRequest& request, RowFormat format, const TextSink& sink,
                                std::size_t width) {
  if (format == RowFormat::json) return write_json(partitions, views, request, sink);
  std::vector<std::string> columns;
  std::vector<std::string> distinct;  // measures of a table whose field beside them is left out
  if (const View* view = views.find(request.view)) {
    columns = row_columns(*view);
    for (const MeasureConfig& measure : view->config.measures)
      if (measure.kind == MeasureKind::distinct && format == RowFormat::table) distinct.push_back(measure.name);
    for (const std::string& measure : distinct) std::erase(columns, approximate_column(measure));
  }
  if (columns.empty()) {
    WEIR_ASSIGN(columns, met_columns(partitions, views, request));
  }
  const auto writer = make_row_writer(format, std::move(columns), sink, width);
  auto answer = query_view(partitions, views, request, [&](const Row& row) {
    if (distinct.empty()) {
      writer->row(row);
    } else {
      Row marked = row;
      mark_estimates(marked, distinct);
      writer->row(marked);
    }
    return writer->wanted();
  });
  if (answer) static_cast<void>(writer->finish());
  return answer;
}

void show_estimates(std::vector<std::string>& columns, std::size_t group_fields, std::vector<Row>& rows) {
  // No other measure than what a distinct count says of itself is true or false.
  std::vector<std::string> distinct;
  for (std::size_t i = group_fields + 1; i < columns.size(); ++i) {
    const std::string& column = columns[i];
    const bool named = column == approximate_column(columns[i - 1]);
    const bool said = std::all_of(rows.begin(), rows.end(), [&](const Row& row) {
      const std::string* const token = row.find(column);
      return token != nullptr && (*token == "true" || *token == "false");
    });
    if (named && said) distinct.push_back(columns[i - 1]);
  }
  for (const std::string& measure : distinct) std::erase(columns, approximate_column(measure));
  for (Row& row : rows) mark_estimates(row, distinct);
}

std::string with_separators(std::uint64_t number) {
  std::string text = std::to_string(number);
  for (std::size_t at = text.size(); at > 3; at -= 3) text.insert(at - 3, 1, ',');
  return text;
}

}  // namespace weir
