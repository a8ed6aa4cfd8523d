// Output to stdout and the options that commands over a stopped node's data share.
#pragma once
#include <string_view>

#include "cluster/cli/command.h"
#include "cluster/node/stopped_data.h"
#include "runtime/engine/query_output.h"

namespace weir::cli {

/// Opens the data of a stopped node; on an error reports it and sets `code`.
[[nodiscard]] std::unique_ptr<StoppedData> open_data(const std::string& directory, int& code, const PluginKinds& plugins = {});

/// Whose views of a stopped node's data can be asked.
struct DataPlugins {
  std::vector<std::string> files;
  const LinkedKinds* linked = nullptr;  // those that the program has itself
};
/// --plugin, of commands that show or compare a stopped node's views.
void add_data_plugins(Level command, DataPlugins& plugins);
/// Errors: config_invalid.
[[nodiscard]] Result<PluginKinds> load_data_plugins(const DataPlugins& plugins);

/// Writes to stdout; false once the reader is gone.
[[nodiscard]] bool to_stdout(std::string_view text);

[[nodiscard]] RowFormat row_format(Output output) noexcept;

/// Characters a line of a table may have on this stdout: the terminal's width; 0 (any) where it is none.
[[nodiscard]] std::size_t table_width() noexcept;

/// A cell of a row: a JSON number, or a JSON string.
[[nodiscard]] std::pair<std::string, std::string> number_cell(std::string name, std::uint64_t value);
[[nodiscard]] std::pair<std::string, std::string> text_cell(std::string name, std::string_view value);

/// Writes the rows as a table, as CSV, or as a JSON array.
void write_rows(Output output, const std::vector<std::string>& columns, const std::vector<Row>& rows);

}  // namespace weir::cli
