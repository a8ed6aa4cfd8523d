// The HTTP client of a real machine: libcurl.
#pragma once
#include <memory>
#include <string>

#include "runtime/base/secret.h"
#include "runtime/ports/http_client.h"

namespace weir {

struct CurlSettings {
  /// Goes with every call as `Authorization: Bearer`; empty: none. Not sent in plain HTTP to another machine.
  Secret token;
  /// PEM: who may have signed a server's certificate; empty: those that this machine trusts.
  std::string ca_file;
};

/// Speaks HTTP/1.1 over `http`, and over `https` with TLS 1.2 or later and servers whose certificate is good for their name; no
/// proxies of the environment, no redirects. Beside the port's errors a call has invalid_argument: a token in plain HTTP, a ca_file that
/// cannot be read; not_ready: no TLS, or a certificate that is not to be trusted, with what is wrong with it. Error internal: libcurl
/// cannot be set up.
[[nodiscard]] Result<std::unique_ptr<HttpClient>> make_curl_client(CurlSettings settings = {});

}  // namespace weir
