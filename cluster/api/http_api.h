// The calls of a node over HTTP (the interface's section 4).
#pragma once
#include <chrono>
#include <cstdint>

#include "cluster/api/node_access.h"
#include "runtime/ports/http_server.h"

namespace weir {

struct HttpApiLimits {
  std::uint64_t rows_max = 10'000;                    // of one answer
  std::size_t answer_bytes_max = 8ull * 1024 * 1024;  // an answer ends with the row that goes over it, and `next`
  std::chrono::milliseconds wait_max{60'000};
  std::chrono::milliseconds wait_default{5'000};  // of a read with a token
};

/// `node` must outlive the server. Thread-safe; what it gives is an HttpHandler.
class HttpApi {
 public:
  explicit HttpApi(NodeAccess& node, HttpApiLimits limits = {}) : node_(node), limits_(limits) {}
  void operator()(HttpRequest request, HttpReply reply) const;

 private:
  NodeAccess& node_;
  HttpApiLimits limits_;
};

}  // namespace weir
