// The whole command line: every command, in the order in which --help lists them.
#pragma once
#include <vector>

#include "cluster/cli/command.h"

namespace weir::cli {

/// Names `root`, describes it and adds all commands to it. Options of the program alone (--version) are its caller's.
/// `root` must outlive what is given.
[[nodiscard]] std::vector<Command> add_commands(CLI::App& root);

}  // namespace weir::cli
