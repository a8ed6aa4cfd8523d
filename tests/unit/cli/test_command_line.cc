// The command line as a whole: what --help says is what is parsed.
#include <fmt/format.h>

#include <CLI/CLI.hpp>
#include <cctype>
#include <set>

#include "cluster/cli/cli_tree.h"
#include "cluster/cli/commands.h"
#include "cluster/cli/completion.h"
#include "cluster/cli/help.h"
#include "tests/support/catch.h"

using namespace weir::cli;

namespace {

struct CommandLine {
  CLI::App app;
  std::vector<Command> commands = add_commands(app);
  CliLevel tree = describe(app);
};

/// The words of a shell command up to a pipe, a redirection or an explanation behind two spaces; the name of the
/// program in front is left out. `$(…)` stays one word.
std::vector<std::string> words_of(std::string_view line) {
  std::vector<std::string> words;
  std::string word;
  bool inside = false;
  char quote = '\0';
  int depth = 0;
  for (std::size_t i = 0; i < line.size(); ++i) {
    const char c = line[i];
    if (quote == '\0' && depth == 0 && (c == '|' || c == '>' || line.substr(i, 2) == "  ")) break;
    if (line.substr(i, 2) == "$(") ++depth;
    if (c == ')' && depth > 0) --depth;
    if (depth == 0 && (c == quote || (quote == '\0' && (c == '"' || c == '\'')))) {
      quote = quote == '\0' ? c : '\0';
      inside = true;
    } else if (c == ' ' && quote == '\0' && depth == 0) {
      if (inside) words.push_back(std::exchange(word, {}));
      inside = false;
    } else {
      word += c;
      inside = true;
    }
  }
  if (inside) words.push_back(word);
  if (!words.empty()) words.erase(words.begin());
  return words;
}

/// What parsing says; empty: it is good.
std::string parse(std::vector<std::string> words) {
  CommandLine line;
  std::reverse(words.begin(), words.end());
  try {
    line.app.parse(words);
    return {};
  } catch (const CLI::ParseError& wrong) {
    return wrong.what();
  }
}

std::vector<std::string> examples_of(const CLI::App& app) {
  std::vector<std::string> examples;
  const std::string text = app.get_footer();
  std::string_view footer = text;
  while (!footer.empty()) {
    const std::size_t end = std::min(footer.find('\n'), footer.size());
    for (const std::string_view front : {std::string_view("Example: "), std::string_view("         ")})
      if (footer.substr(0, end).starts_with(front))
        examples.emplace_back(footer.substr(front.size(), end - front.size()));
    footer.remove_prefix(std::min(end + 1, footer.size()));
  }
  return examples;
}

const CLI::App& app_of(const CLI::App& root, const std::string& name) {
  const CLI::App* app = &root;
  for (const std::string& word :
       CLI::detail::split(name.substr(name.find(' ') == std::string::npos ? name.size() : name.find(' ') + 1), ' '))
    if (!word.empty()) app = app->get_subcommand(word);
  return *app;
}

}  // namespace

TEST_CASE("every level of help has an example of its own that parses", "[command_line]") {
  CommandLine line;
  int levels = 0;
  walk(line.tree, [&](const CliLevel& level) {
    ++levels;
    const auto examples = examples_of(app_of(line.app, level.name));
    INFO(level.name);
    CHECK_FALSE(examples.empty());
    bool own = false;
    for (const std::string& example : examples) {
      INFO(example);
      // Fed by another program: the command behind the pipe is ours.
      const std::size_t pipe = example.find("| weir ");
      const std::string ours = pipe == std::string::npos ? example : example.substr(pipe + 2);
      REQUIRE(ours.starts_with("weir"));
      own = own || (ours + " ").starts_with(level.name + " ");
      CHECK(parse(words_of(ours)) == "");
    }
    CHECK(own);
  });
  CHECK(levels > 25);
}

TEST_CASE("an option that names its words takes these and no other", "[command_line]") {
  CommandLine line;
  std::set<std::string> seen;
  walk(line.tree, [&](const CliLevel& level) {
    for (const CliOption& option : level.options) {
      if (option.value.kind != CliValue::Kind::words) continue;
      // The rest of the command line may be incomplete: only complaints about the option itself count.
      const auto complains = [&](const std::string& value) {
        auto words = words_of(level.name);
        words.push_back(option.names.front() + "=" + value);
        return parse(words).find(fmt::format("there is no '{}'", value)) != std::string::npos;
      };
      INFO(level.name << " " << option.names.front());
      for (const std::string& word : option.value.words) CHECK_FALSE(complains(word));
      CHECK(complains("nonsense"));
      seen.insert(option.names.front());
    }
  });
  CHECK(seen == std::set<std::string>{"--format", "--output", "--schema"});
}

TEST_CASE("a value is what its name says", "[command_line]") {
  using Kind = CliValue::Kind;
  CHECK(value_named("DIR").kind == Kind::directories);
  CHECK(value_named("FILE").kind == Kind::files);
  CHECK(value_named("PIPELINE.yaml").kind == Kind::yaml_files);
  CHECK(value_named("N:POSITIVE").kind == Kind::text);
  CHECK(value_named("N:POSITIVE").name == "N");
  CHECK(value_named("table|json|csv").words == std::vector<std::string>{"table", "json", "csv"});
  CHECK(value_named("FIELD=VALUE").kind == Kind::text);
  CHECK(value_named("TEXT|-").kind == Kind::text);
}

TEST_CASE("an option that may be repeated takes one value each time", "[command_line]") {
  // Else it would take the files that stand behind it.
  CommandLine line;
  std::size_t seen = 0;
  walk(line.tree, [&](const CliLevel& level) {
    for (const CLI::Option* option : app_of(line.app, level.name).get_options()) {
      if (option->get_multi_option_policy() != CLI::MultiOptionPolicy::TakeAll) continue;
      if (option->get_lnames().empty()) continue;
      INFO(level.name << " " << option->get_name());
      CHECK_FALSE(option->get_allow_extra_args());
      CHECK(option->get_expected_max() == 1);
      ++seen;
    }
  });
  CHECK(seen >= 8);
  CHECK(parse({"lint", "--set", "limits.memory_max=1GiB", "--overlay", "a.yaml", "b.yaml", "c.yaml"}).empty());
}

TEST_CASE("hidden commands are not completed", "[command_line]") {
  CommandLine line;
  REQUIRE(app_of(line.app, "weir bench").get_subcommand("path-run") != nullptr);
  for (const std::string& script : {bash_completion(line.tree), zsh_completion(line.tree)}) {
    CHECK(script.find("path-run") == std::string::npos);
    CHECK(script.find("journal") != std::string::npos);
  }
}

TEST_CASE("text is broken between words, and never inside", "[help]") {
  CHECK(wrapped("one two three", 9, 0) == "one two\nthree");
  CHECK(wrapped("one two three", 7, 2) == "one\n  two\n  three");
  CHECK(wrapped("one\ntwo", 80, 2) == "one\n  two");
  CHECK(wrapped("an-endless-word and", 5, 0) == "an-endless-word\nand");
  CHECK(wrapped("", 5, 0).empty());
}
