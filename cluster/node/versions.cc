#include "cluster/node/versions.h"

#include <caf/config.hpp>
#include <capnp/common.h>
#include <fmt/format.h>

#include "runtime/adapters/rocksdb_state/rocksdb_states.h"
#include "weir_version.h"

namespace weir {

std::string weir_version() { return fmt::format("{}+{}", WEIR_VERSION, WEIR_GIT_HASH); }
std::string caf_version() { return fmt::format("{}.{}.{}", CAF_VERSION / 10000, CAF_VERSION / 100 % 100, CAF_VERSION % 100); }
std::string rocksdb_version() { return RocksdbStates::library_version(); }
std::string capnp_version() { return fmt::format("{}.{}.{}", CAPNP_VERSION_MAJOR, CAPNP_VERSION_MINOR, CAPNP_VERSION_MICRO); }

}  // namespace weir
