// The function of weir/program_abi.h.
#include <weir/program_abi.h>

#include "cluster/cli/program.h"
#include "runtime/adapters/plugins/plugin_library.h"

int weir_program_main(int argc, char** argv, weir_plugin_opener linked, weir_text stamp) {
  const weir::LinkedKinds kinds{linked, {stamp.data, stamp.size}};
  return weir::cli::run_program(argc, argv, &kinds);
}
