#include <fmt/format.h>

#include <algorithm>

#include "cluster/cli/completion.h"

namespace weir::cli {

namespace {

constexpr std::string_view kHead = R"(#compdef weir
# Completion of weir for zsh. Now:       source <(weir completion zsh)     (behind: autoload -U compinit; compinit)
#                            for ever:  weir completion zsh > "${fpath[1]}/_weir"
# Made from the command line's own description; it never calls weir.

)";

/// When the file is one of fpath, its text is the body of _weir at the first call.
constexpr std::string_view kTail = R"(
if [ "$funcstack[1]" = _weir ]; then
  _weir "$@"
else
  compdef _weir weir
fi
)";

/// Inside of single quotes; `special` are the characters that mean something there.
std::string escaped(std::string_view text, std::string_view special = ":\\") {
  std::string out;
  for (const char c : text) {
    if (c == '\'') {
      out += "'\\''";
    } else if (special.find(c) != std::string_view::npos) {
      out += {'\\', c};
    } else {
      out += c;
    }
  }
  return out;
}

/// What _arguments does with a value.
std::string action(const CliValue& value) {
  switch (value.kind) {
    case CliValue::Kind::text:
      return "()";  // no help but its name
    case CliValue::Kind::words:
      return fmt::format("({})", fmt::join(value.words, " "));
    case CliValue::Kind::files:
      return "_files";
    case CliValue::Kind::yaml_files:
      return R"x(_files -g "*.(yaml|yml)(-.)")x";
    case CliValue::Kind::directories:
      return "_files -/";
  }
  return "()";
}

std::string function_of(const std::string& level) {
  std::string name = "_" + level;
  std::replace(name.begin(), name.end(), ' ', '_');
  std::replace(name.begin(), name.end(), '-', '_');
  return name;
}

std::string option_spec(const CliOption& option, const std::string& name) {
  std::string others;
  if (!option.repeatable) others = fmt::format("({})", fmt::join(option.names, " "));
  const std::string front = (option.repeatable ? "*" : others) + name;
  const std::string description = escaped(option.description, "[]:\\");
  switch (option.takes) {
    case CliOption::Takes::nothing:
      return fmt::format("'{}[{}]'", front, description);
    case CliOption::Takes::maybe_a_value:
      return fmt::format("'{}=-[{}]::{}:{}'", front, description, escaped(option.value.name), action(option.value));
    case CliOption::Takes::a_value:
      return fmt::format("'{}=[{}]:{}:{}'", front, description, escaped(option.value.name), action(option.value));
  }
  return {};
}

std::string positional_spec(const CliPositional& one, std::size_t number) {
  const std::string place = one.repeated ? "*" : std::to_string(number);
  return fmt::format("'{}:{}:{}'", place, escaped(one.value.name.empty() ? one.name : one.value.name),
                     action(one.value));
}

/// A level with commands: which of them, and then theirs.
std::string choice(const CliLevel& level) {
  std::string text =
      " \\\n    '1: :->command' '*:: :->rest'\n  case $state in\n    command)\n      local -a commands=(\n";
  for (const CliLevel& command : level.commands)
    text += fmt::format("        '{}:{}'\n", command.word, escaped(command.description));
  text += "      )\n      _describe -t commands command commands\n      ;;\n    rest)\n      case $line[1] in\n";
  for (const CliLevel& command : level.commands)
    text += fmt::format("        {}) {} ;;\n", command.word, function_of(command.name));
  return text + "      esac\n      ;;\n  esac\n";
}

}  // namespace

std::string zsh_completion(const CliLevel& root) {
  std::string text(kHead);
  walk(root, [&text](const CliLevel& level) {
    text +=
        fmt::format("{}() {{\n  local curcontext=\"$curcontext\" state line\n  typeset -A opt_args\n  _arguments -C",
                    function_of(level.name));
    for (const CliOption& option : level.options)
      for (const std::string& name : option.names) text += " \\\n    " + option_spec(option, name);
    for (std::size_t i = 0; i < level.positionals.size(); ++i)
      text += " \\\n    " + positional_spec(level.positionals[i], i + 1);
    text += level.commands.empty() ? "\n" : choice(level);
    text += "}\n";
  });
  return text + std::string(kTail);
}

}  // namespace weir::cli
