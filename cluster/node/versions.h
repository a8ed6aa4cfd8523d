// Versions of the libraries as they are at run time: in bug reports they differ from those of the build.
#pragma once
#include <string>

namespace weir {

[[nodiscard]] std::string caf_version();
[[nodiscard]] std::string rocksdb_version();
[[nodiscard]] std::string capnp_version();

}  // namespace weir
