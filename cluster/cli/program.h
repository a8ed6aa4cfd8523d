// The whole program behind main(): `weir`, and the programs of authors that have their kinds linked in.
#pragma once

namespace weir {
struct LinkedKinds;
}

namespace weir::cli {

/// Parses the command line, calls one subcommand, and gives the exit code. `linked` outlives the call; null: nothing is linked in.
[[nodiscard]] int run_program(int argc, char** argv, const LinkedKinds* linked);

}  // namespace weir::cli
