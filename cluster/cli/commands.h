// The whole command line: every command, in the order in which --help lists them.
#pragma once
#include <vector>

#include "cluster/cli/command.h"

namespace weir::cli {

/// Names `root`, describes it and adds all commands to it. Options of the program alone (--version) are its caller's.
/// `root`, and `linked` where there is one, must outlive what is given.
[[nodiscard]] std::vector<Command> add_commands(CLI::App& root, const LinkedKinds* linked = nullptr);

}  // namespace weir::cli
