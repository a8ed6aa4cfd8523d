// The HTTP client of a real machine: libcurl.
#pragma once
#include <memory>

#include "runtime/ports/http_client.h"

namespace weir {

/// Speaks HTTP/1.1 over `http`; no proxies of the environment, no redirects. Error internal: libcurl cannot be set up.
[[nodiscard]] Result<std::unique_ptr<HttpClient>> make_curl_client();

}  // namespace weir
