// Scripts that complete command lines in bash and zsh, made from the description of the command line.
#pragma once
#include <string>

#include "cluster/cli/cli_tree.h"

namespace weir::cli {

/// Whole scripts, to be sourced. They need nothing but the shell (bash 4.4 or newer) and never call weir.
[[nodiscard]] std::string bash_completion(const CliLevel& root);
[[nodiscard]] std::string zsh_completion(const CliLevel& root);

}  // namespace weir::cli
