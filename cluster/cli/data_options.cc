#include "cluster/cli/data_options.h"

#include <unistd.h>

#include <cstdio>
#include <nlohmann/json.hpp>

#include "cluster/cli/config_options.h"
#include "cluster/cli/progress.h"
#include "cluster/cli/terminal.h"
#include "runtime/adapters/system/system_clock.h"

namespace weir::cli {

std::unique_ptr<StoppedData> open_data(const std::string& directory, int& code, const PluginKinds& plugins) {
  const SystemClock clock;
  Progress progress(clock, "opening", "commits");
  auto data = StoppedData::open(directory, plugins, false, progress.of_log());
  progress.clear();
  if (data) return std::move(*data);
  code = report(data.error());
  return nullptr;
}

void add_data_plugins(Level command, DataPlugins& plugins) {
  plugins.linked = command.linked();
  command.add_option("--plugin", plugins.files, "With --data: shared object with views of your own that the data have; may be repeated").repeatable().type_name("FILE");
}

Result<PluginKinds> load_data_plugins(const DataPlugins& plugins) {
  std::vector<NamedFile> named;
  for (const std::string& file : plugins.files) named.push_back({file, {"--plugin", 0, 0}});
  return load_plugins(named, plugins.linked);
}

bool to_stdout(std::string_view text) { return std::fwrite(text.data(), 1, text.size(), stdout) == text.size(); }

RowFormat row_format(Output output) noexcept {
  switch (output) {
    case Output::table: return RowFormat::table;
    case Output::json: return RowFormat::json;
    case Output::csv: return RowFormat::csv;
  }
  return RowFormat::table;
}

std::size_t table_width() noexcept {
  return terminal_width(STDOUT_FILENO);
}

std::pair<std::string, std::string> number_cell(std::string name, std::uint64_t value) { return {std::move(name), std::to_string(value)}; }
std::pair<std::string, std::string> text_cell(std::string name, std::string_view value) {
  return {std::move(name), nlohmann::json(value).dump(-1, ' ', false, nlohmann::json::error_handler_t::replace)};
}

void write_rows(Output output, const std::vector<std::string>& columns, const std::vector<Row>& rows) {
  if (output == Output::json) {
    std::string text = "[";
    for (const Row& row : rows) {
      if (text.size() > 1) text += ",";
      append_row_json(text, row);
    }
    (void)to_stdout(text + "]\n");
    return;
  }
  const auto writer = make_row_writer(row_format(output), columns, to_stdout, table_width());
  for (const Row& row : rows) writer->row(row);
  (void)writer->finish();
  std::fflush(stdout);  // what is said on stderr next stands below the rows
}

}  // namespace weir::cli
