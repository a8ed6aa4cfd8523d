// Reference tables: the file must be there and its header line must have the columns that are asked for, before any
// event is read.
#include <algorithm>
#include <cerrno>
#include <cstring>
#include <filesystem>
#include <fstream>

#include "runtime/adapters/yaml/reader.h"

namespace weir::yaml {
namespace {

constexpr std::size_t kHeaderBytesMax = 64 * 1024;

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

/// What is wrong with the file, or "" and its columns.
std::string read_header(const std::string& file, std::vector<std::string>& columns) {
  std::error_code error;
  const auto status = std::filesystem::status(file, error);
  if (error || !std::filesystem::exists(status)) return "there is no such file";
  if (!std::filesystem::is_regular_file(status)) return "it is not a regular file";
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

}  // namespace

void read_table(Context& context, const Node& node, const std::string& name, TableConfig& out,
                std::vector<std::string>& columns) {
  out.place = node.place;
  MapReader map(context, node, name);
  const Node* file = map.require("file", "FILE.csv");
  const Node* key = map.require("key", "COLUMN");
  map.finish();
  std::string file_name;
  if (file != nullptr && read_text(context, *file, map.path("file"), file_name)) {
    const std::filesystem::path path(file_name);
    out.file = path.is_absolute() || context.folder.empty()
                   ? file_name
                   : (std::filesystem::path(context.folder) / path).lexically_normal().string();
    if (const std::string problem = read_header(out.file, columns); !problem.empty()) {
      columns.clear();
      context.findings.add(file->place, fmt::format("the table \"{}\" cannot be read: {}", out.file, problem));
    }
  }
  if (key == nullptr) return;
  std::vector<const Node*> names;
  if (key->kind == Node::Kind::list) {
    for (const Node& item : key->items) names.push_back(&item);
  } else {
    names.push_back(key);
  }
  if (names.empty() || names.size() > 8) {
    context.findings.add(key->place,
                         fmt::format("\"{}\" must list 1 to 8 columns, found {}", map.path("key"), names.size()));
    return;
  }
  for (const Node* item : names) {
    std::string column;
    if (!read_text(context, *item, map.path("key"), column)) continue;
    if (std::find(out.key.begin(), out.key.end(), column) != out.key.end()) {
      context.findings.add(item->place, fmt::format("\"{}\" names \"{}\" twice", map.path("key"), column));
    } else if (!columns.empty() && std::find(columns.begin(), columns.end(), column) == columns.end()) {
      context.findings.add(item->place, fmt::format("the table \"{}\" has no column \"{}\"; its columns are {}{}",
                                                    out.file, column, join(columns), did_you_mean(column, columns)));
    } else {
      out.key.push_back(std::move(column));
    }
  }
}

}  // namespace weir::yaml
