#include <fmt/format.h>

#include <nlohmann/json.hpp>

#include "cluster/cli/data_options.h"
#include "cluster/cli/data_source.h"

namespace weir::cli {

namespace {

struct Options {
  DataSource source;
  Output output = Output::table;
};

/// "partition/3" of "pipeline/partition/3", two deeper than `pipeline`, as people read a tree. `above`: whose children come next.
std::string indented(const std::string& path, std::vector<std::string>& above) {
  while (!above.empty() && !path.starts_with(above.back() + "/")) above.pop_back();
  std::string name(2 * above.size(), ' ');
  name += above.empty() ? path : path.substr(above.back().size() + 1);
  above.push_back(path);
  return name;
}

std::pair<std::string, std::string> cell(const std::string& name, const nlohmann::json& value) {
  if (value.is_number_unsigned()) return number_cell(name, value.get<std::uint64_t>());
  if (value.is_null()) return {name, "null"};
  return text_cell(name, value.is_string() ? value.get<std::string>() : "");
}

int show(const Options& options) {
  int code = kDone;
  const auto text = ask_node(options.source, "/v1/tree", code);
  if (!text) return code;
  if (options.output == Output::json) {
    (void)to_stdout(*text);
    return kDone;
  }
  const std::vector<std::string> columns = {"actor", "state", "restarts", "queue", "credits", "unit", "last_error_at", "last_error", "note"};
  std::vector<Row> rows;
  try {
    const auto json = nlohmann::json::parse(*text);
    std::vector<std::string> above;
    for (const auto& actor : json.at("actors")) {
      Row& row = rows.emplace_back();
      for (const std::string& column : columns) row.fields.push_back(cell(column, actor.at(column)));
      if (options.output == Output::table) row.fields[0] = text_cell("actor", indented(actor.at("actor"), above));
    }
  } catch (const nlohmann::json::exception& wrong) {
    return report(Error{Errc::invalid_argument, fmt::format("the node answered with something that is no tree ({}); is it a weir node?", wrong.what())});
  }
  write_rows(options.output, columns, rows);
  return kDone;
}

}  // namespace

Command make_tree(Level root) {
  auto options = std::make_shared<Options>();
  const Level app = root.add_command("tree", "The actors of a running node: state, restarts, last error, queue and credits");
  app.footer("Example: weir tree\n         weir tree --output json --node http://127.0.0.1:7070");
  add_node(app, options->source.node);
  add_trust(app, options->source.trust);
  add_output(app, options->output);
  return {app, [options] { return show(*options); }};
}

}  // namespace weir::cli
