// The journal's files: the port's operations under the names of this folder, and the operating system behind them.
#pragma once
#include "runtime/ports/file_ops.h"

namespace weir::journal {

using files::AlignedBuffer;
using files::File;
using files::FileLock;
using files::FileOps;
using files::OpenMode;
using files::read_all;
using files::read_file;
using files::replace_file;
using files::write_all;

/// The operating system's files. Lives as long as the program.
[[nodiscard]] FileOps& system_file_ops();

}  // namespace weir::journal
