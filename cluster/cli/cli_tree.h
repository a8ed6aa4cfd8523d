// The command line as it describes itself: what completion and tests walk over, read from the parser, so that neither
// can know another one.
#pragma once
#include <string>
#include <vector>

#include "cluster/cli/parser.h"

namespace weir::cli {

/// What a value is, as far as a shell can help with it. Read from the name that --help shows: `a|b` is one of these
/// words, DIR a directory, X.yaml a YAML file, FILE any file; everything else is text.
struct CliValue {
  enum class Kind : std::uint8_t { text, words, files, yaml_files, directories };
  Kind kind = Kind::text;
  std::string name;                // as shown: "DIR"
  std::vector<std::string> words;  // of Kind::words
};
[[nodiscard]] CliValue value_named(const std::string& type_name);

struct CliOption {
  std::vector<std::string> names;  // "--output", "-h"
  std::string description;
  enum class Takes : std::uint8_t {
    nothing,
    maybe_a_value,
    a_value
  } takes = Takes::nothing;  // maybe: only as --name=VALUE
  CliValue value;
  bool repeatable = false;
};

struct CliPositional {
  std::string name;
  CliValue value;
  bool repeated = false;  // any number of them; the last one
};

/// One level: `weir`, `weir dlq`, `weir dlq list`. Hidden commands and options are not part of it.
struct CliLevel {
  std::string name;  // with those above: "weir dlq list"
  std::string word;  // alone: "list"
  std::string description;
  std::vector<CliOption> options;
  std::vector<CliPositional> positionals;
  std::vector<CliLevel> commands;
};

[[nodiscard]] CliLevel describe(const CLI::App& root);

/// Calls `visit` for the level and all below it, each in front of its own.
template <class Visit>
void walk(const CliLevel& level, const Visit& visit) {
  visit(level);
  for (const CliLevel& command : level.commands) walk(command, visit);
}

}  // namespace weir::cli
