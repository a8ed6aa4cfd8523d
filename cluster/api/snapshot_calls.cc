// Snapshots: which there are, and making some now.
#include "cluster/api/calls.h"
#include "cluster/api/parameters.h"

namespace weir::api {

namespace {

HttpResponse response_of(std::string json) {
  HttpResponse response;
  response.body = std::move(json) + "\n";
  return response;
}

}  // namespace

void get_snapshots(const Call& call) {
  if (const auto good = check_parameters(*call.request, {}); !good) return call.reply(error_response(good.error()));
  const bool taken = call.node->work([call] {
    const auto list = call.node->snapshots();
    call.reply(list ? response_of(snapshots_json(*list)) : error_response(list.error()));
  });
  if (!taken) call.reply(error_response(Error{Errc::limit_reached, "too many questions wait for an answer; ask again later"}));
}

void make_snapshots(const Call& call) {
  if (const auto good = check_parameters(*call.request, {}); !good) return call.reply(error_response(good.error()));
  call.node->make_snapshots([reply = call.reply](Result<std::vector<SnapshotFate>> fates) {
    reply(fates ? response_of(fates_json(*fates)) : error_response(fates.error()));
  });
}

void verify_snapshots(const Call& call) {
  if (const auto good = check_parameters(*call.request, {"from"}); !good) return call.reply(error_response(good.error()));
  call.node->verify_snapshots(std::string(call.request->parameter("from").value_or("newest")), [reply = call.reply](Result<std::vector<TrialFate>> fates) {
    reply(fates ? response_of(trials_json(*fates)) : error_response(fates.error()));
  });
}

}  // namespace weir::api
