// Many HTTP calls at once on one thread: libcurl's multi interface.
#pragma once
#include <memory>

#include "runtime/ports/http_fetch.h"

namespace weir {

/// Speaks HTTP/1.1 over `http` and `https` (TLS 1.2 or newer); no proxies of the environment, no cookies, no password
/// files. Its thread runs until close(). A request over a connection that the server had closed meanwhile is sent once
/// more over a new one, when nothing of an answer had come. Errors: config_invalid (`config`), internal (libcurl cannot
/// be set up).
[[nodiscard]] Result<std::unique_ptr<HttpFetch>> make_curl_fetcher(HttpFetchConfig config);

}  // namespace weir
