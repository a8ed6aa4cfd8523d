// The single calls of the API; http_api.cc knows which address is which.
#pragma once
#include <memory>
#include <nlohmann/json_fwd.hpp>
#include <string>
#include <vector>

#include "cluster/api/http_api.h"

namespace weir::api {

/// What every call gets; request->principal is who asks, and may. Copied into callbacks; the node outlives them.
struct Call {
  NodeAccess* node = nullptr;
  HttpApiLimits limits;
  std::shared_ptr<const HttpRequest> request;
  HttpReply reply;
};

/// The status an error is answered with; Retry-After where asking again helps.
[[nodiscard]] HttpResponse error_response(const Error& error);
/// 200, on one line; what is no UTF-8 is replaced.
[[nodiscard]] HttpResponse json_response(const nlohmann::ordered_json& json);
/// True: the request has other parameters than these, and was answered with 400.
[[nodiscard]] bool refuse_parameters(const Call& call, const std::vector<std::string>& known);
/// The token of `Weir-Token`, if there is one. Errors: invalid_argument, format_newer.
[[nodiscard]] Result<std::optional<ReadToken>> token_of(const HttpRequest& request);
/// What was read, as a token.
[[nodiscard]] ReadToken token_of(const std::vector<PartitionPicture>& pictures, const Digest128& log_id);

void get_views(const Call& call);
/// /v1/views/{view}[/{key}…]
void get_view(const Call& call);
void get_dead_letters(const Call& call);
/// /v1/dead-letters/{id}
void get_dead_letter(const Call& call);
/// PUT of the same: bytes in place of the original ones.
void edit_dead_letter(const Call& call);
/// POST /v1/dead-letters/redrive, /v1/dead-letters/drop
void redrive_dead_letters(const Call& call);
void drop_dead_letters(const Call& call);
/// GET and POST of /v1/snapshots
void get_snapshots(const Call& call);
void make_snapshots(const Call& call);
/// POST /v1/snapshots/verify
void verify_snapshots(const Call& call);
/// /v1/audit
void get_audit(const Call& call);
/// /v1/events/{id}
void get_event(const Call& call);
/// /v1/events?where.FIELD=VALUE
void get_events(const Call& call);
void get_ledger(const Call& call);
void get_partitions(const Call& call);
/// POST /v1/partitions/{partition}/release
void release_partition(const Call& call);
/// /v1/why-stuck?partition=P, or ?id=ID
void get_why_stuck(const Call& call);
void get_sinks(const Call& call);
/// POST /v1/sinks/{sink}/release
void release_sink(const Call& call);
/// /v1/tap?on=PLACE
void get_tap(const Call& call);
/// /v1/tree
void get_tree(const Call& call);
void get_pipeline(const Call& call);
void get_digest(const Call& call);
void get_health(const Call& call);
void get_readiness(const Call& call);
void get_metrics(const Call& call);
void get_openapi(const Call& call);

}  // namespace weir::api
