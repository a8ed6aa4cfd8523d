#include "cluster/cli/command.h"

#include <fmt/format.h>

#include <algorithm>
#include <cstdio>

#include "runtime/base/suggest.h"

namespace weir::cli {

int exit_code(Errc code) noexcept {
  switch (code) {
    case Errc::invalid_argument:
    case Errc::config_invalid:
    case Errc::not_found: return kUsage;
    case Errc::input_unreadable:
    case Errc::io_failed:
    case Errc::log_damaged:
    case Errc::state_damaged:
    case Errc::malformed_event:
    case Errc::below_horizon: return kUnreadable;
    case Errc::data_locked:
    case Errc::data_foreign:
    case Errc::format_newer:
    case Errc::disk_full:
    case Errc::limit_reached:
    case Errc::commit_refused:
    case Errc::outcome_unknown: return kRefused;
    case Errc::log_busy:
    case Errc::not_ready:
    case Errc::log_closed:
    case Errc::cancelled: return kNotReady;
    case Errc::stage_failed:
    case Errc::internal:
    case Errc::unknown_remote: return kBroken;
  }
  return kBroken;
}

std::string usage_message(const CLI::App* root, const CLI::Error& error) {
  const CLI::App* app = root;
  std::string name = root->get_name();
  while (!app->get_subcommands().empty()) {
    app = app->get_subcommands().front();
    name += " " + app->get_name();
  }
  std::vector<std::string> commands, options;
  for (const CLI::App* command : app->get_subcommands([](const CLI::App*) { return true; })) commands.push_back(command->get_name());
  for (const CLI::Option* option : app->get_options()) {
    for (const std::string& longer : option->get_lnames()) options.push_back("--" + longer);
  }
  // The library names what is missing first; what was typed wrong is nearly always why.
  const std::vector<std::string> unknown = app->remaining();
  std::string what = error.what();
  const auto near = [](const std::string& word, const std::vector<std::string>& known) {
    const auto found = nearest(word, known);
    return found ? fmt::format("; did you mean {}?", *found) : std::string();
  };
  if (!unknown.empty() && unknown.front().starts_with("-")) {
    const std::string option = unknown.front().substr(0, unknown.front().find('='));
    what = fmt::format("there is no option {}{}", option, near(option, options));
  } else if (!unknown.empty() && !commands.empty()) {
    what = fmt::format("there is no command '{}'{}", unknown.front(), near(unknown.front(), commands));
  } else if (!commands.empty() && app->get_subcommands().empty()) {
    what = "a command is missing";
  } else if (!unknown.empty()) {
    what = fmt::format("'{}' is one argument too many", unknown.front());
    if (app->get_name() == "up") what += "; files that a node reads stand under inputs: of the pipeline file, or go to weir run or weir ingest";
  } else if (what.starts_with("--data is required")) {
    what += " (or the environment variable WEIR_DATA)";
  }
  if (!commands.empty()) what += fmt::format("\nCommands: {}.", fmt::join(commands, ", "));
  return fmt::format("{}: {}\n`{} --help` explains and has an example.\n", name, what, name);
}

int report(const Error& error, int code) {
  std::fprintf(stderr, "weir: %s\n", error.context.empty() ? std::string(to_string(error.code)).c_str() : error.context.c_str());
  return code;
}

int report(const Error& error) { return report(error, exit_code(error.code)); }

CLI::Option* one_of(CLI::Option* option, const std::vector<std::string>& words) {
  const auto check = [words](const std::string& text) {
    if (std::find(words.begin(), words.end(), text) != words.end()) return std::string();
    const auto near = nearest(text, words);
    return fmt::format("there is no '{}'{}; allowed are {}", text, near ? fmt::format(" (did you mean {}?)", *near) : "", fmt::join(words, ", "));
  };
  // Without a name of its own, so that the name of the value stays the list.
  return option->type_name(fmt::format("{}", fmt::join(words, "|")))->check(check, "");
}

void add_output(CLI::App& command, Output& output) {
  const auto set = [&output](const std::string& text) { output = text == "json" ? Output::json : text == "csv" ? Output::csv : Output::table; };
  one_of(command.add_option_function<std::string>("--output", set, "How rows are printed"), {"table", "json", "csv"})->default_str("table");
}

void add_data(CLI::App& command, std::string& data, bool required) {
  auto* option = command.add_option("--data", data, "Data directory of a stopped node")->envname("WEIR_DATA")->type_name("DIR");
  if (required) option->required();
}

}  // namespace weir::cli
