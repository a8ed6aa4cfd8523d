// The HTTP server of a real machine: Boost.Asio and Beast on threads of its own, plain or inside TLS.
#pragma once
#include <memory>

#include "runtime/adapters/http/tls_identity.h"

#include "runtime/ports/http_server.h"
#include "runtime/ports/logbook.h"

namespace weir {

/// Listens from the return on. Without a `gate` every request is handed over. With `tls` it speaks TLS only: a new connection is shown
/// the identity that is current then, counts as one from its first byte on, and has greeting_timeout for the handshake; who sends plain
/// HTTP is answered 400 in plain HTTP. Raises the process's own limit of open files when connections_max needs it and the
/// system allows it; where it does not, a warning says so, and accepting pauses at that limit. Errors: invalid_argument
/// (`config`), config_invalid (the address is not one of this machine, is taken, or is not allowed; the context says
/// what to do), io_failed.
[[nodiscard]] Result<std::unique_ptr<HttpServer>> start_http_server(const HttpServerConfig& config, HttpHandler handler,
                                                                    Logbook& logbook, HttpGate gate = {},
                                                                    std::shared_ptr<const TlsIdentities> tls = nullptr);

}  // namespace weir
