// The calls of a node over HTTP (the interface's section 4).
#pragma once
#include <chrono>
#include <cstdint>

#include "cluster/api/access_gate.h"
#include "cluster/api/node_access.h"
#include "runtime/ports/http_server.h"

namespace weir {

struct HttpApiLimits {
  std::uint64_t rows_max = 10'000;                    // of one answer
  std::size_t answer_bytes_max = 8ull * 1024 * 1024;  // an answer ends with the row that goes over it, and `next`
  std::chrono::milliseconds wait_max{60'000};
  std::chrono::milliseconds wait_default{5'000};  // of a read with a token
};

/// One row of the table of calls: `path` as in "/v1/views/*/**", where `*` is one segment and `**` at the end any number.
struct ApiRoute {
  std::string_view method;
  std::string path;
  Need need;
};
[[nodiscard]] std::vector<ApiRoute> api_routes();

/// Thread-safe; a call is an HttpHandler, admit() an HttpGate. `node` and `access` must outlive the server.
class HttpApi {
 public:
  HttpApi(NodeAccess& node, AccessGate& access, HttpApiLimits limits = {}) : node_(node), access_(access), limits_(limits) {}
  /// Whether the request's call may be made by whoever asks; sets its principal. What is at no address, and a method that an
  /// address does not have, needs a token as well, whichever.
  [[nodiscard]] std::optional<HttpResponse> admit(HttpRequest& request) const;
  /// A principal that may not, since nobody asked admit(), is answered 403.
  void operator()(HttpRequest request, HttpReply reply) const;

 private:
  NodeAccess& node_;
  AccessGate& access_;
  HttpApiLimits limits_;
};

}  // namespace weir
