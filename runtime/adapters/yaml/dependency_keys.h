// The keys of what is asked of servers, and of trying again.
#pragma once
#include "runtime/adapters/yaml/config_keys.h"

namespace weir::yaml {

/// `http` of enrich.
[[nodiscard]] Shape http_lookup_shape();
/// The section `retry`.
[[nodiscard]] Shape retry_shape();
/// `headers` and `breaker` of whatever asks a server.
[[nodiscard]] Shape headers_shape();
[[nodiscard]] Shape breaker_shape();

}  // namespace weir::yaml
