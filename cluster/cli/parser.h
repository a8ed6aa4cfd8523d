// The command line as commands see it: what they add to it and what they ask of it. The parser itself is CLI11, whose header
// takes longer to compile than any command; only the files that need more than this include it.
#pragma once
#include <cstdint>
#include <functional>
#include <string>
#include <vector>

namespace CLI {
class App;
class Option;
}  // namespace CLI

namespace weir {
struct LinkedKinds;
}

namespace weir::cli {

/// An option or a positional argument. A handle, as cheap as a pointer; valid as long as the root of the command line.
class Option {
 public:
  explicit Option(CLI::Option& option) noexcept : option_(&option) {}

  /// What --help shows for the value; it also says what completion offers (CliValue).
  Option type_name(const std::string& name) const;
  Option required() const;
  /// The variable's value holds where the option is not given; --help says so.
  Option environment(const std::string& variable) const;
  /// What --help shows as the value that holds unless another is given. It sets nothing.
  Option shown_default(const std::string& text) const;
  Option excludes(Option other) const;
  Option needs(Option other) const;
  /// May be given more than once, with one value each time. Without this a list takes every word behind it.
  Option repeatable() const;
  Option at_least_one() const;
  Option between(std::uint64_t least, std::uint64_t most) const;
  /// `wrong` says what is wrong with a text; nothing: it is good.
  Option check(std::function<std::string(const std::string&)> wrong) const;
  /// The value is one of these words: what --help shows, what is checked and what completion offers are this one list.
  Option one_of(const std::vector<std::string>& words) const;

  /// It stood on the command line, or its variable was set.
  [[nodiscard]] bool given() const noexcept;

 private:
  CLI::Option* option_;
};

/// One level of the command line: `weir`, `weir dlq`, `weir dlq list`. A handle like Option. Values are references to what
/// parsing fills in; they must outlive it. Names with dashes in front are options, others are positional arguments.
class Level {
 public:
  /// `linked`: the kinds that the program has itself, for the commands that look for kinds; may be null.
  explicit Level(CLI::App& app, const LinkedKinds* linked = nullptr) noexcept : app_(&app), linked_(linked) {}

  Level add_command(const std::string& name, const std::string& description) const;
  /// Works, but neither --help nor completion knows it: weir calls it itself.
  Level add_hidden_command(const std::string& name, const std::string& description) const;
  /// One of the commands added to it must be given.
  void require_command() const;
  /// What stands below the options in --help; lines that begin with `Example:` are there to be copied.
  void footer(const std::string& text) const;

  Option add_option(const std::string& name, std::string& value, const std::string& description = {}) const;
  Option add_option(const std::string& name, std::vector<std::string>& values, const std::string& description = {}) const;
  Option add_option(const std::string& name, std::uint32_t& value, const std::string& description = {}) const;
  Option add_option(const std::string& name, std::uint64_t& value, const std::string& description = {}) const;
  Option add_option(const std::string& name, double& value, const std::string& description = {}) const;
  Option add_option(const std::string& name, std::function<void(const std::string&)> set, const std::string& description = {}) const;
  Option add_flag(const std::string& name, bool& value, const std::string& description) const;
  /// A flag that may say more: alone it means `word`; others come as --name=WORD.
  Option add_flag(const std::string& name, const std::string& word, std::string& value, const std::string& description) const;

  /// It stood on the command line that was parsed.
  [[nodiscard]] bool parsed() const noexcept;

  [[nodiscard]] const CLI::App& app() const noexcept { return *app_; }
  [[nodiscard]] const LinkedKinds* linked() const noexcept { return linked_; }

 private:
  CLI::App* app_;
  const LinkedKinds* linked_;
};

}  // namespace weir::cli
