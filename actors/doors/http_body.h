// The decider of the HTTP door: the body of one request in, one append out, or what is wrong with it. A body is taken
// whole or not at all; what is wrong inside one frame is a dead letter, as with every door.
#pragma once
#include <cstdint>
#include <string>

#include "actors/doors/file_door.h"
#include "runtime/ports/event_log.h"
#include "runtime/ports/http_server.h"
#include "runtime/ports/pipeline_config.h"

namespace weir {

struct HttpBodyConfig {
  RecordFormat format = RecordFormat::any;  // the pipeline's: for a request without a Content-Type
  FileDoorConfig door;                      // without a source; its framing and format are set for each request
  IdRule id;
};

/// Everything in a request that is appended together.
struct HttpBody {
  AppendGroup group;
  std::uint64_t events = 0;
};

/// Reads `application/json`, `application/x-ndjson`, `text/csv`, GeoJSON, and CloudEvents: structured, batch, and
/// binary (the event's attributes in ce-* headers), which becomes the structured event it stands for. Pure but for the
/// time it is given. Errors: invalid_argument (no Content-Type that is known: 415), input_unreadable (the body cannot
/// be framed, a CSV header lacks a required column, a CloudEvent lacks an attribute: 400).
[[nodiscard]] Result<HttpBody> read_http_body(const HttpBodyConfig& config, const HttpRequest& request,
                                              UnixMicros accepted_at);

}  // namespace weir
