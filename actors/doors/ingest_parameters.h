// What a request to POST /v1/events asks for beside its body.
#pragma once
#include <chrono>

#include "runtime/base/result.h"
#include "runtime/ports/event_log.h"
#include "runtime/ports/http_server.h"

namespace weir {

struct IngestParameters {
  Durability durability = Durability::durable;
  std::chrono::milliseconds wait{0};  // for the outcomes; 0: not at all
};

/// `durability` and `wait`, each at most once, and no others. Error invalid_argument names what is allowed.
[[nodiscard]] Result<IngestParameters> read_ingest_parameters(const HttpRequest& request,
                                                              std::chrono::milliseconds wait_max);

}  // namespace weir
