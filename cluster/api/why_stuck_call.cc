// What partitions, or one event, wait for.
#include "cluster/api/calls.h"
#include "cluster/api/parameters.h"
#include "cluster/api/wait_json.h"
#include "runtime/base/hash.h"

namespace weir::api {

namespace {

void answer(const Call& call, std::string json) {
  HttpResponse response;
  response.body = std::move(json) + "\n";
  call.reply(std::move(response));
}

void event_call(const Call& call, const std::string& id) {
  call.node->event_facts(id, [call, id](Result<std::optional<EventFacts>> facts) {
    if (!facts) return call.reply(error_response(facts.error()));
    if (!*facts) return call.reply(problem(404, "event " + id + " was never seen in the time kept"));
    const PartitionId partition = partition_of(id, call.node->pipeline().partitions);
    answer(call, event_waits_json(id, **facts, call.node->partition_facts(partition)));
  });
}

}  // namespace

void get_why_stuck(const Call& call) {
  const HttpRequest& request = *call.request;
  if (const auto good = check_parameters(request, {"partition", "id"}); !good) return call.reply(error_response(good.error()));
  const std::uint32_t partitions = call.node->pipeline().partitions;
  const auto id = request.parameter("id");
  const auto wanted = number_parameter(request, "partition", 0, partitions - 1);
  if (!wanted) return call.reply(error_response(wanted.error()));
  if (id && *wanted) return call.reply(problem(400, "name a partition or an event, not both"));
  if (id) return event_call(call, std::string(*id));
  // With many partitions and actors that takes its time: not on a thread of the server.
  const bool taken = call.node->work([call, partitions, only = *wanted] {
    std::vector<PartitionFacts> facts;
    for (std::uint32_t p = 0; p < partitions; ++p)
      if (!only || *only == p) facts.push_back(call.node->partition_facts(PartitionId{p}));
    answer(call, why_stuck_json(facts));
  });
  if (!taken) call.reply(error_response({Errc::limit_reached, "too many questions wait for an answer; ask again later"}));
}

}  // namespace weir::api
