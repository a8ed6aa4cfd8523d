// Versions of the libraries as they are at run time: in bug reports they differ from those of the build.
#pragma once
#include <string>

namespace weir {

/// Of this build, with its commit: "0.4.0+1a2b3c4d".
[[nodiscard]] std::string weir_version();
[[nodiscard]] std::string caf_version();
[[nodiscard]] std::string rocksdb_version();
[[nodiscard]] std::string capnp_version();

}  // namespace weir
