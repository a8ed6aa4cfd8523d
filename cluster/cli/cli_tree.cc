#include "cluster/cli/cli_tree.h"

#include <CLI/CLI.hpp>
#include <algorithm>

namespace weir::cli {

namespace {

CliOption option_of(const CLI::Option& option) {
  CliOption found;
  for (const std::string& name : option.get_lnames()) found.names.push_back("--" + name);
  for (const std::string& name : option.get_snames()) found.names.push_back("-" + name);
  found.description = option.get_description();
  found.value = value_named(option.get_type_name());
  if (option.get_items_expected_max() != 0) {
    found.takes = CliOption::Takes::a_value;
  } else if (found.value.kind == CliValue::Kind::words) {
    found.takes = CliOption::Takes::maybe_a_value;
  }
  found.repeatable = option.get_multi_option_policy() == CLI::MultiOptionPolicy::TakeAll;
  return found;
}

CliLevel level_of(const CLI::App& app, const std::string& above) {
  CliLevel level;
  level.word = app.get_name();
  level.name = above.empty() ? level.word : above + " " + level.word;
  level.description = app.get_description();
  for (const CLI::Option* option : app.get_options()) {
    if (option->get_group().empty()) continue;
    if (option->get_positional()) {
      level.positionals.push_back({option->get_name(true, false), value_named(option->get_type_name()),
                                   option->get_expected_max() >= CLI::detail::expected_max_vector_size});
    } else {
      level.options.push_back(option_of(*option));
    }
  }
  for (const CLI::App* command : app.get_subcommands([](const CLI::App* one) { return !one->get_group().empty(); }))
    level.commands.push_back(level_of(*command, level.name));
  return level;
}

}  // namespace

CliValue value_named(const std::string& type_name) {
  CliValue value;
  value.name = type_name.substr(0, type_name.find(':'));  // behind it stand the names of checks
  // Words are written as they are typed; `TEXT|-` names none.
  const bool typed = std::all_of(value.name.begin(), value.name.end(), [](char c) { return c == '|' || c == '_' || (c >= 'a' && c <= 'z'); });
  if (typed && value.name.find('|') != std::string::npos) {
    value.kind = CliValue::Kind::words;
    for (std::size_t at = 0; at <= value.name.size();) {
      const std::size_t end = std::min(value.name.find('|', at), value.name.size());
      value.words.push_back(value.name.substr(at, end - at));
      at = end + 1;
    }
  } else if (value.name == "DIR") {
    value.kind = CliValue::Kind::directories;
  } else if (value.name.ends_with(".yaml")) {
    value.kind = CliValue::Kind::yaml_files;
  } else if (value.name == "FILE") {
    value.kind = CliValue::Kind::files;
  }
  return value;
}

CliLevel describe(const CLI::App& root) {
  return level_of(root, "");
}

}  // namespace weir::cli
