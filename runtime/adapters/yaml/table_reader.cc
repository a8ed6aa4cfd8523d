// Reference tables: the file must be there and have the columns that are asked for, before any event is read. Of CSV
// only the header line is looked at, JSON is read whole.
#include <algorithm>
#include <cerrno>
#include <cstring>
#include <filesystem>
#include <fstream>
#include <sstream>
#include <unordered_set>

#include "runtime/adapters/yaml/reader.h"
#include "runtime/event/json_rows.h"

namespace weir::yaml {
namespace {

constexpr std::size_t kHeaderBytesMax = 64 * 1024;
constexpr std::size_t kColumnsMax = 4'096;

/// The first line as CSV fields (RFC 4180); false when a quote stays open.
bool split_header(std::string line, std::vector<std::string>& columns) {
  if (line.starts_with("\xEF\xBB\xBF")) line.erase(0, 3);
  if (!line.empty() && line.back() == '\r') line.pop_back();
  columns.assign(1, {});
  bool quoted = false;
  for (std::size_t i = 0; i < line.size(); ++i) {
    if (quoted && line[i] == '"' && i + 1 < line.size() && line[i + 1] == '"') {
      columns.back() += line[++i];
    } else if (line[i] == '"') {
      quoted = !quoted;
    } else if (line[i] == ',' && !quoted) {
      columns.emplace_back();
    } else {
      columns.back() += line[i];
    }
  }
  return !quoted;
}

TableFormat format_of_name(const std::string& file) {
  const std::string extension = std::filesystem::path(file).extension().string();
  if (extension == ".json") return TableFormat::json;
  return extension == ".ndjson" || extension == ".jsonl" ? TableFormat::ndjson : TableFormat::csv;
}

/// What is wrong with the file, or "" and its columns; `under_keys` says that the key is one more column, outside the
/// rows.
std::string read_json_columns(const std::string& file, TableFormat format, std::vector<std::string>& columns,
                              bool& under_keys) {
  errno = 0;
  std::ifstream in(file, std::ios::binary);
  if (!in) return std::strerror(errno);
  std::ostringstream bytes;
  bytes << in.rdbuf();
  const PaddedText text(bytes.view());
  JsonRows rows(text.view(), format == TableFormat::ndjson ? JsonRows::Form::lines : JsonRows::Form::document);
  std::unordered_set<std::string> seen;
  for (;;) {
    const auto more = rows.next();
    if (!more) return fmt::format("line {}", more.error().context);
    if (!*more) return {};
    const JsonTree& row = rows.row();
    under_keys = rows.key().has_value();
    const auto add = [&](std::string name) {
      if (seen.insert(name).second) columns.push_back(std::move(name));
    };
    if (row[0].value.kind != ValueKind::object) add("value");
    if (row[0].value.kind == ValueKind::object) {
      for (std::uint32_t child = JsonTree::inside(0); child != row[0].next; child = row[child].next)
        add(row.key_text(child));
    }
    if (columns.size() > kColumnsMax) return fmt::format("it has more than {} columns", kColumnsMax);
  }
}

/// What is wrong with the file itself, or "".
std::string look_at_file(const std::string& file) {
  std::error_code error;
  const auto status = std::filesystem::status(file, error);
  if (error || !std::filesystem::exists(status)) return "there is no such file";
  return std::filesystem::is_regular_file(status) ? "" : "it is not a regular file";
}

/// What is wrong with the file, or "" and its columns.
std::string read_header(const std::string& file, std::vector<std::string>& columns) {
  errno = 0;
  std::ifstream in(file, std::ios::binary);
  if (!in) return std::strerror(errno);
  std::string line(kHeaderBytesMax, '\0');
  in.read(line.data(), static_cast<std::streamsize>(line.size()));
  line.resize(static_cast<std::size_t>(in.gcount()));
  const std::size_t end = line.find('\n');
  if (end == std::string::npos && line.size() == kHeaderBytesMax) return "its header line is longer than 64 KiB";
  line.resize(std::min(end, line.size()));
  if (line.empty()) return "it is empty; a header line with the column names must come first";
  if (!split_header(std::move(line), columns)) return "its header line has an open quote";
  for (std::size_t i = 0; i < columns.size(); ++i) {
    if (columns[i].empty()) return fmt::format("column {} of its header line has no name", i + 1);
    if (std::find(columns.begin(), columns.begin() + static_cast<std::ptrdiff_t>(i), columns[i]) !=
        columns.begin() + static_cast<std::ptrdiff_t>(i)) {
      return fmt::format("its header line has the column \"{}\" twice", columns[i]);
    }
  }
  return {};
}

/// `under_keys`: the rows stand under their keys, so the one key column is not among `columns` yet.
void read_key(Context& context, const Node& key, const std::string& name, bool under_keys, TableConfig& out,
              std::vector<std::string>& columns) {
  std::vector<const Node*> names;
  if (key.kind == Node::Kind::list) {
    for (const Node& item : key.items) names.push_back(&item);
  } else {
    names.push_back(&key);
  }
  if (under_keys && names.size() > 1) {
    context.findings.add(
        key.place,
        fmt::format("\"{}\" must name one column, because the rows of \"{}\" stand under their keys; found {}", name,
                    out.file, names.size()));
    return;
  }
  if (names.empty() || names.size() > 8) {
    context.findings.add(key.place, fmt::format("\"{}\" must list 1 to 8 columns, found {}", name, names.size()));
    return;
  }
  for (const Node* item : names) {
    std::string column;
    if (!read_text(context, *item, name, column)) continue;
    if (under_keys) {
      // The name is the pipeline's to choose: what the rows stand under.
      if (std::find(columns.begin(), columns.end(), column) != columns.end()) {
        context.findings.add(
            item->place,
            fmt::format(
                "the rows of \"{}\" stand under their keys and have a column \"{}\" too; call the key otherwise",
                out.file, column));
        continue;
      }
      columns.push_back(column);
    }
    if (std::find(out.key.begin(), out.key.end(), column) != out.key.end()) {
      context.findings.add(item->place, fmt::format("\"{}\" names \"{}\" twice", name, column));
    } else if (!columns.empty() && std::find(columns.begin(), columns.end(), column) == columns.end()) {
      context.findings.add(item->place, fmt::format("the table \"{}\" has no column \"{}\"; its columns are {}{}",
                                                    out.file, column, join(columns), did_you_mean(column, columns)));
    } else {
      out.key.push_back(std::move(column));
    }
  }
}

}  // namespace

void read_table(Context& context, const Node& node, const std::string& name, TableConfig& out,
                std::vector<std::string>& columns) {
  out.place = node.place;
  MapReader map(context, node, name);
  const Node* file = map.require("file", "FILE.csv");
  const Node* key = map.require("key", "COLUMN");
  const Node* format = map.take("format");
  map.finish();
  std::string file_name;
  bool under_keys = false;
  if (file != nullptr && read_text(context, *file, map.path("file"), file_name)) {
    const std::filesystem::path path(file_name);
    out.file = path.is_absolute() || context.folder.empty()
                   ? file_name
                   : (std::filesystem::path(context.folder) / path).lexically_normal().string();
    out.format = format_of_name(out.file);
    if (format != nullptr) {
      read_enum(context, *format, map.path("format"),
                std::vector<std::pair<std::string, TableFormat>>{
                    {"csv", TableFormat::csv}, {"json", TableFormat::json}, {"ndjson", TableFormat::ndjson}},
                out.format);
    }
    std::string problem = look_at_file(out.file);
    if (problem.empty())
      problem = out.format == TableFormat::csv ? read_header(out.file, columns)
                                               : read_json_columns(out.file, out.format, columns, under_keys);
    if (!problem.empty()) {
      columns.clear();
      context.findings.add(file->place, fmt::format("the table \"{}\" cannot be read: {}", out.file, problem));
    }
  }
  if (key != nullptr) read_key(context, *key, map.path("key"), under_keys, out, columns);
}

}  // namespace weir::yaml
