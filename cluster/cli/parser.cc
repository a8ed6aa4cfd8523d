#include "cluster/cli/parser.h"

#include <fmt/format.h>

#include <CLI/CLI.hpp>
#include <algorithm>

#include "runtime/base/suggest.h"

namespace weir::cli {

Option Option::type_name(const std::string& name) const { return Option(*option_->type_name(name)); }
Option Option::required() const { return Option(*option_->required()); }
Option Option::environment(const std::string& variable) const { return Option(*option_->envname(variable)); }
Option Option::shown_default(const std::string& text) const { return Option(*option_->default_str(text)); }
Option Option::excludes(Option other) const { return Option(*option_->excludes(other.option_)); }
Option Option::needs(Option other) const { return Option(*option_->needs(other.option_)); }
Option Option::repeatable() const {
  return Option(*option_->expected(1)->multi_option_policy(CLI::MultiOptionPolicy::TakeAll)->allow_extra_args(false));
}
Option Option::at_least_one() const { return Option(*option_->check(CLI::PositiveNumber)); }
Option Option::between(std::uint64_t least, std::uint64_t most) const { return Option(*option_->check(CLI::Range(least, most))); }
Option Option::check(std::function<std::string(const std::string&)> wrong) const {
  // Without a name of its own, so that the name of the value stays what the command said.
  return Option(*option_->check(std::move(wrong), ""));
}

Option Option::one_of(const std::vector<std::string>& words) const {
  const auto wrong = [words](const std::string& text) {
    if (std::find(words.begin(), words.end(), text) != words.end()) return std::string();
    const auto near = nearest(text, words);
    return fmt::format("there is no '{}'{}; allowed are {}", text, near ? fmt::format(" (did you mean {}?)", *near) : "", fmt::join(words, ", "));
  };
  return type_name(fmt::format("{}", fmt::join(words, "|"))).check(wrong);
}

bool Option::given() const noexcept { return option_->count() != 0; }

Level Level::add_command(const std::string& name, const std::string& description) const {
  return Level(*app_->add_subcommand(name, description), linked_);
}
Level Level::add_hidden_command(const std::string& name, const std::string& description) const {
  return Level(*app_->add_subcommand(name, description)->group(""), linked_);
}
void Level::require_command() const { app_->require_subcommand(1); }
void Level::footer(const std::string& text) const { app_->footer(text); }

Option Level::add_option(const std::string& name, std::string& value, const std::string& description) const {
  return Option(*app_->add_option(name, value, description));
}
Option Level::add_option(const std::string& name, std::vector<std::string>& values, const std::string& description) const {
  return Option(*app_->add_option(name, values, description));
}
Option Level::add_option(const std::string& name, std::uint32_t& value, const std::string& description) const {
  return Option(*app_->add_option(name, value, description));
}
Option Level::add_option(const std::string& name, std::uint64_t& value, const std::string& description) const {
  return Option(*app_->add_option(name, value, description));
}
Option Level::add_option(const std::string& name, double& value, const std::string& description) const {
  return Option(*app_->add_option(name, value, description));
}
Option Level::add_option(const std::string& name, std::function<void(const std::string&)> set, const std::string& description) const {
  return Option(*app_->add_option_function<std::string>(name, std::move(set), description));
}
Option Level::add_flag(const std::string& name, bool& value, const std::string& description) const {
  return Option(*app_->add_flag(name, value, description));
}
Option Level::add_flag(const std::string& name, const std::string& word, std::string& value, const std::string& description) const {
  return Option(*app_->add_flag(fmt::format("{}{{{}}}", name, word), value, description));
}

bool Level::parsed() const noexcept { return app_->parsed(); }

}  // namespace weir::cli
