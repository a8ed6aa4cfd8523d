// An HTTP client of a server in memory, with a switch for the network between them.
#pragma once
#include <atomic>
#include <cstdint>

#include "runtime/adapters/memory/memory_http_server.h"
#include "runtime/ports/http_client.h"

namespace weir {

enum class MemoryNetwork : std::uint8_t {
  whole,        // calls arrive, answers come back
  unreachable,  // nobody listens
  loses_reply,  // the request takes effect, the answer is lost
};

/// `server` and `network` must outlive it. Whatever the URL says before its path, it asks this server.
class MemoryHttpClient final : public HttpClient {
 public:
  MemoryHttpClient(MemoryHttpServer& server, const std::atomic<MemoryNetwork>& network)
      : server_(server), network_(network) {}
  [[nodiscard]] Result<HttpAnswer> call(const HttpCall& call) override;

 private:
  MemoryHttpServer& server_;
  const std::atomic<MemoryNetwork>& network_;
};

}  // namespace weir
