#include "cluster/cli/help.h"

#include <fmt/format.h>
#include <unistd.h>

#include <algorithm>
#include <set>
#include <vector>

#include "cluster/cli/terminal.h"
#include "runtime/base/suggest.h"

namespace weir::cli {

namespace {

/// Of names; a third of the page where that is narrow.
constexpr std::size_t kNamesMax = 34;
constexpr std::size_t kColumnsMin = 40;

std::size_t columns() {
  const std::size_t width = terminal_width(STDOUT_FILENO);
  return width == 0 ? kHelpColumns : std::max(width, kColumnsMin);
}

/// A name and what it means, beside it or, behind a long name, below it.
std::string row(const std::string& name, const std::string& text) {
  const std::size_t width = columns();
  const std::size_t place = std::min(kNamesMax, width / 3);
  std::string out = "  " + name;
  if (text.empty()) return out + "\n";
  out += out.size() + 2 > place ? "\n" + std::string(place, ' ') : std::string(place - out.size(), ' ');
  return out + wrapped(text, width, place) + "\n";
}

/// `; not with --raw, --field`; nothing where there are none.
std::string others(std::string_view front, const std::set<CLI::Option*>& options) {
  std::vector<std::string> names;
  for (const CLI::Option* one : options) names.push_back(one->get_name());
  std::sort(names.begin(), names.end());  // the set is sorted by address
  return names.empty() ? std::string() : fmt::format("{}{}", front, fmt::join(names, ", "));
}

}  // namespace

std::string wrapped(std::string_view text, std::size_t columns, std::size_t indent) {
  std::string out;
  std::size_t at = indent;  // column; the first line is begun already
  const auto new_line = [&] {
    out += '\n';
    out.append(indent, ' ');
    at = indent;
  };
  while (!text.empty()) {
    const std::size_t end = std::min(text.find_first_of(" \n"), text.size());
    const std::string_view word = text.substr(0, end);
    if (at != indent && at + 1 + word.size() > columns) {
      new_line();
    } else if (at != indent) {
      out += ' ';
      ++at;
    }
    out += word;
    at += word.size();
    if (end == text.size()) break;
    if (text[end] == '\n') new_line();
    text.remove_prefix(end + 1);
  }
  return out;
}

HelpFormatter::HelpFormatter() {
  label("SUBCOMMAND", "COMMAND");
  label("REQUIRED", "(required)");
}

std::string HelpFormatter::make_description(const CLI::App* app) const {
  return app->get_description().empty() ? std::string() : wrapped(app->get_description(), columns(), 0) + "\n";
}

std::string HelpFormatter::make_footer(const CLI::App* app) const {
  const std::string text = app->get_footer();
  std::string_view footer = text;
  std::string out;
  while (!footer.empty()) {
    const std::size_t end = std::min(footer.find('\n'), footer.size());
    const std::string_view line = footer.substr(0, end);
    const bool example = line.starts_with("Example:") || line.starts_with(" ");
    out += (example ? std::string(line) : wrapped(line, columns(), 0)) + "\n";
    footer.remove_prefix(std::min(end + 1, footer.size()));
  }
  return out;
}

std::string HelpFormatter::make_option(const CLI::Option* option, bool is_positional) const {
  std::string text = make_option_desc(option);
  if (!option->get_envname().empty()) text += fmt::format(" (or {})", option->get_envname());
  text += others("; needs ", option->get_needs()) + others("; not with ", option->get_excludes());
  return row(make_option_name(option, is_positional) + make_option_opts(option), text);
}

std::string HelpFormatter::make_option_name(const CLI::Option* option, bool is_positional) const {
  std::string name = CLI::Formatter::make_option_name(option, is_positional);
  // A flag that may say more: not `--schema{pipeline}` but what can stand behind it.
  if (option->get_items_expected_max() == 0 && name.find('{') != std::string::npos)
    name = fmt::format("{}[={}]", name.substr(0, name.find('{')), option->get_type_name());
  return name;
}

std::string HelpFormatter::make_option_opts(const CLI::Option* option) const {
  if (option->get_items_expected_max() == 0) return {};
  const std::string name = option->get_type_name();
  std::string out = " " + name.substr(0, name.find(':'));  // behind it stand the names of checks
  if (!option->get_default_str().empty()) out += "=" + option->get_default_str();
  if (option->get_expected_max() >= CLI::detail::expected_max_vector_size) out += " ...";
  if (option->get_required()) out += " " + get_label("REQUIRED");
  return out;
}

std::string HelpFormatter::make_subcommand(const CLI::App* command) const {
  return row(command->get_name(), command->get_description());
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

}  // namespace weir::cli
