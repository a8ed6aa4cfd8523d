// How --help looks, and what is said of a command line that is wrong.
#pragma once
#include <CLI/CLI.hpp>
#include <string>
#include <string_view>

namespace weir::cli {

/// Columns of a help page where stdout is no terminal.
inline constexpr std::size_t kHelpColumns = 100;

/// Breaks `text` between words into lines of at most `columns`; what a word takes more stands out. Line ends of the
/// text stay. Lines behind the first begin with `indent` spaces, which count.
[[nodiscard]] std::string wrapped(std::string_view text, std::size_t columns, std::size_t indent);

/// Names in one column, what they mean beside them, as wide as the terminal. Examples are left as they are: they are
/// there to be copied.
class HelpFormatter final : public CLI::Formatter {
 public:
  HelpFormatter();

  std::string make_description(const CLI::App* app) const override;
  std::string make_footer(const CLI::App* app) const override;
  std::string make_option(const CLI::Option* option, bool is_positional) const override;
  std::string make_option_name(const CLI::Option* option, bool is_positional) const override;
  std::string make_option_opts(const CLI::Option* option) const override;
  std::string make_subcommand(const CLI::App* command) const override;
};

/// What is wrong with a command line, in the words of this one: which command, what is allowed, where help is.
[[nodiscard]] std::string usage_message(const CLI::App* root, const CLI::Error& error);

}  // namespace weir::cli
