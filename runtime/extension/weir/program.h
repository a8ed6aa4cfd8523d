// One executable that is weir and has your stages, sinks, sources, views and services in it. weir_add_program(NAME sources...) of the package makes it; where main()
// is to do something before, write it yourself and link weir::program:
//
//   int main(int argc, char** argv) { return weir::run_program(argc, argv); }
#pragma once
#include <weir/plugin.h>
#include <weir/program_abi.h>

namespace weir {
inline namespace sdk {

/// The command line of `weir`, with the kinds that are linked in. Once in a process; gives the exit code.
[[nodiscard]] inline int run_program(int argc, char** argv) { return weir_program_main(argc, argv, &weir_plugin_open, detail::to_abi(detail::stamp)); }

}  // namespace sdk
}  // namespace weir
