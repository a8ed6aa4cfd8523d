// SIGTERM and SIGINT: the first asks for an orderly end, the second ends the process at once.
#pragma once
#include <atomic>

namespace weir::cli {

/// Installs the handlers, once per process; the number of the first signal appears in what is returned (0: none yet).
[[nodiscard]] const std::atomic<int>& watch_signals();

}  // namespace weir::cli
