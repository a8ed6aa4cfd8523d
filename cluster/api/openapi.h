// The OpenAPI 3.1 document of the API, as it is served at /openapi.json.
#pragma once
#include <string_view>

namespace weir {

/// cluster/api/openapi.json with this build's version; lives as long as the program.
[[nodiscard]] std::string_view openapi_document() noexcept;

}  // namespace weir
