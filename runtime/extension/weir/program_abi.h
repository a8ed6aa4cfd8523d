// The line between a program of an author's own and weir: plain C, as weir/abi.h.
#pragma once
#include <weir/plugin_abi.h>

#ifdef __cplusplus
extern "C" {
#endif

/// All of `weir`: parses the command line, does what it says, gives the exit code. `linked` opens what the program has, and `stamp` says how that
/// was built.
__attribute__((visibility("default"))) int weir_program_main(int argc, char** argv, weir_plugin_opener linked, weir_text stamp);

#ifdef __cplusplus
}
#endif
