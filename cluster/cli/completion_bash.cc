#include <fmt/format.h>

#include "cluster/cli/completion.h"

namespace weir::cli {

namespace {

constexpr std::string_view kHead = R"(# Completion of weir for bash. Now:        source <(weir completion bash)
#                             for ever:   weir completion bash > ~/.local/share/bash-completion/completions/weir
# Made from the command line's own description; it never calls weir.

)";

/// The part that does not depend on the commands. Words of a line are found again from the line itself, because bash
/// breaks them at `=` and `:` too; what goes into COMPREPLY is cut for the same reason.
constexpr std::string_view kWalk = R"BASH(
# Sets `words`, those in front of the cursor, and `current`, the one at it.
_weir_split() {
  local line=${COMP_LINE-} i word space
  words=()
  if [[ -n $line ]]; then
    line=${line:0:${COMP_POINT-${#line}}}
  else
    for ((i = 0; i <= COMP_CWORD; i++)); do
      word=${COMP_WORDS[i]}
      [[ $i -eq 0 || $word == '=' || $line == *= ]] || line+=' '
      line+=$word
    done
  fi
  for ((i = 0; i < COMP_CWORD; i++)); do
    word=${COMP_WORDS[i]}
    space=${line%%[![:space:]]*}
    if [[ -n $space || $i -eq 0 ]]; then words+=("$word"); else words[-1]+=$word; fi
    line=${line#"$space"}
    line=${line#"$word"}
  done
  space=${line%%[![:space:]]*}
  if [[ -n $space || ${#words[@]} -eq 0 ]]; then
    current=${line#"$space"}
  else
    current=${words[-1]}$line
    unset 'words[-1]'
  fi
}

# Sets `level`, `place` (positionals so far), `option` (the one whose value is at the cursor) and `ended` (`--` was there).
_weir_walk() {
  local word
  level=weir place=0 option= ended=
  _weir_level "$level"
  for word in "${words[@]:1}"; do
    if [[ -n $option ]]; then
      option=
    elif [[ -z $ended && $word == -- ]]; then
      ended=yes
    elif [[ -z $ended && $word == -?* ]]; then
      if [[ $word != *=* ]] && _weir_value "$level $word" && [[ $kind != maybe_* ]]; then option=$word; fi
    elif [[ $place -eq 0 && " $commands " == *" $word "* ]]; then
      level+=" $word"
      _weir_level "$level"
    else
      place=$((place + 1))
    fi
  done
}

_weir_offer() {  # kind, what is typed of the value
  case ${1#maybe_} in
    words) mapfile -t COMPREPLY < <(compgen -W "$values" -- "$2") ;;
    files) mapfile -t COMPREPLY < <(compgen -f -- "$2") ;;
    yaml) mapfile -t COMPREPLY < <(compgen -d -- "$2"; compgen -f -X '!*.yaml' -- "$2"; compgen -f -X '!*.yml' -- "$2") ;;
    directories) mapfile -t COMPREPLY < <(compgen -d -- "$2") ;;
  esac
  case ${1#maybe_} in
    files | yaml | directories) compopt -o filenames 2>/dev/null ;;
  esac
}

_weir() {
  local words current level place option ended commands options kind values typed before= cut= i
  COMPREPLY=()
  _weir_split
  _weir_walk
  typed=$current
  kind=
  if [[ -n $option ]]; then
    _weir_value "$level $option"
  elif [[ -z $ended && $current == --*=* ]]; then
    before=${current%%=*}=
    typed=${current#*=}
    _weir_value "$level ${current%%=*}" || kind=
  elif [[ -z $ended && $current == -* ]]; then
    kind=words values=$options
  elif [[ -n $commands && $place -eq 0 ]]; then
    kind=words values=$commands
  else
    _weir_value "$level $place" || kind=text
    # Nothing is known about what comes here: say at least which options there are.
    if [[ $kind == text && -z $current && -z $ended ]]; then kind=words values=$options; fi
  fi
  _weir_offer "$kind" "$typed"
  [[ $current == *=* && $COMP_WORDBREAKS == *=* ]] && cut=${current%"${current##*=}"}
  [[ $current == *:* && $COMP_WORDBREAKS == *:* && ${#current} -gt ${#cut} ]] && cut=${current%"${current##*[=:]}"}
  for i in "${!COMPREPLY[@]}"; do
    COMPREPLY[i]=$before${COMPREPLY[i]}
    COMPREPLY[i]=${COMPREPLY[i]#"$cut"}
  done
}
complete -F _weir weir
)BASH";

std::string_view kind_of(const CliValue& value) {
  switch (value.kind) {
    case CliValue::Kind::text:
      return "text";
    case CliValue::Kind::words:
      return "words";
    case CliValue::Kind::files:
      return "files";
    case CliValue::Kind::yaml_files:
      return "yaml";
    case CliValue::Kind::directories:
      return "directories";
  }
  return "text";
}

/// A line of the case of _weir_value. `pattern` is quoted already.
std::string value_case(const std::string& pattern, const CliValue& value, bool maybe) {
  return fmt::format("    {}) kind={}{} values='{}' ;;\n", pattern, maybe ? "maybe_" : "", kind_of(value),
                     fmt::join(value.words, " "));
}

std::string levels(const CliLevel& root) {
  std::string text = "_weir_level() {  # `weir dlq list`; sets what it has: commands, options\n  case $1 in\n";
  walk(root, [&text](const CliLevel& level) {
    std::string commands, options;
    for (const CliLevel& command : level.commands) commands += (commands.empty() ? "" : " ") + command.word;
    for (const CliOption& option : level.options)
      for (const std::string& name : option.names) options += (options.empty() ? "" : " ") + name;
    text += fmt::format("    '{}') commands='{}' options='{}' ;;\n", level.name, commands, options);
  });
  return text + "  esac\n}\n\n";
}

std::string values(const CliLevel& root) {
  std::string text =
      "_weir_value() {  # `weir dlq list --output`, or `weir run 0` for the first positional; sets its kind and words. "
      "1: it has no value\n"
      "  case $1 in\n";
  walk(root, [&text](const CliLevel& level) {
    for (const CliOption& option : level.options) {
      if (option.takes == CliOption::Takes::nothing) continue;
      for (const std::string& name : option.names)
        text += value_case(fmt::format("'{} {}'", level.name, name), option.value,
                           option.takes == CliOption::Takes::maybe_a_value);
    }
    for (std::size_t i = 0; i < level.positionals.size(); ++i) {
      const CliPositional& one = level.positionals[i];
      text +=
          value_case(one.repeated ? fmt::format("'{} '[{}-9]*", level.name, i) : fmt::format("'{} {}'", level.name, i),
                     one.value, false);
    }
  });
  return text + "    *) return 1 ;;\n  esac\n}\n";
}

}  // namespace

std::string bash_completion(const CliLevel& root) {
  return std::string(kHead) + levels(root) + values(root) + std::string(kWalk);
}

}  // namespace weir::cli
