// The files that doors follow, on this machine's file systems.
#pragma once
#include <memory>

#include "runtime/ports/input_files.h"

namespace weir {

/// Paths are taken as they are, relative ones to the current directory. Symbolic links are followed.
[[nodiscard]] std::unique_ptr<InputFiles> make_input_files();

}  // namespace weir
