// /v1/sinks: how far they are, and releasing one that is broken.
#include <fmt/format.h>

#include <algorithm>
#include <nlohmann/json.hpp>

#include "cluster/api/calls.h"

namespace weir::api {

using nlohmann::ordered_json;

void get_sinks(const Call& call) {
  if (refuse_parameters(call, {})) return;
  ordered_json json;
  json["sinks"] = ordered_json::array();
  for (const SinkReport& sink : call.node->sinks()) {
    ordered_json one{{"sink", sink.sink},
                     {"partition", sink.partition},
                     {"kind", sink.kind},
                     {"from", sink.from},
                     {"state", sink.state},
                     {"commit", sink.commit},
                     {"newest", sink.newest},
                     {"lag_commits", sink.lag_commits},
                     {"lag_records", sink.lag_records ? ordered_json(*sink.lag_records) : ordered_json()},
                     {"lag_bytes", sink.lag_bytes},
                     {"lag_seconds", sink.lag_seconds},
                     {"records", sink.records},
                     {"skipped", sink.skipped}};
    if (!sink.note.empty()) one["error"] = sink.note;
    json["sinks"].push_back(std::move(one));
  }
  call.reply(json_response(json));
}

void release_sink(const Call& call) {
  if (refuse_parameters(call, {})) return;
  const std::string& name = call.request->segments[2];
  call.node->release_sink(name, [reply = call.reply, name](std::optional<std::size_t> released) {
    if (!released) return reply(problem(404, fmt::format("there is no sink \"{}\"; see /v1/sinks", name)));
    if (*released == 0) return reply(problem(409, fmt::format("the sink {} is broken in no partition, so there is nothing to release; see /v1/sinks", name)));
    HttpResponse response = json_response({{"sink", name}, {"released", *released}});
    response.status = 202;
    reply(std::move(response));
  });
}

}  // namespace weir::api
