// Health, metrics, the description of the API, ledger, partitions, pipeline, digest.
#include <fmt/format.h>

#include <charconv>

#include <nlohmann/json.hpp>

#include "cluster/api/calls.h"
#include "cluster/api/openapi.h"
#include "cluster/api/parameters.h"
#include "runtime/base/hash.h"
#include "runtime/base/time_text.h"
#include "runtime/base/units.h"
#include "runtime/engine/digest.h"
#include "runtime/engine/query.h"
#include "runtime/ports/config_words.h"

namespace weir::api {

using nlohmann::ordered_json;

HttpResponse json_response(const ordered_json& json) {
  HttpResponse response;
  response.body = json.dump(-1, ' ', false, ordered_json::error_handler_t::replace) + "\n";
  return response;
}

bool refuse_parameters(const Call& call, const std::vector<std::string>& known) {
  const auto good = check_parameters(*call.request, known);
  if (!good) call.reply(error_response(good.error()));
  return !good;
}

void get_health(const Call& call) {
  if (refuse_parameters(call, {})) return;
  call.reply(json_response({{"status", "alive"}, {"node", call.node->node()}}));
}

void get_readiness(const Call& call) {
  if (refuse_parameters(call, {})) return;
  const Readiness now = call.node->readiness();
  if (!now.ready) {
    HttpResponse response = problem(503, now.reason);
    response.headers.emplace_back("Retry-After", "1");
    return call.reply(std::move(response));
  }
  ordered_json json{{"status", "ready"}, {"node", call.node->node()}};
  json["quarantined"] = now.quarantined;
  json["failing"] = now.failing;
  json["broken_sinks"] = now.broken_sinks;
  call.reply(json_response(json));
}

void get_metrics(const Call& call) {
  if (refuse_parameters(call, {})) return;
  const auto accept = call.request->header("accept");
  const bool openmetrics = accept && accept->find("application/openmetrics-text") != std::string_view::npos;
  HttpResponse response;
  response.content_type = openmetrics ? "application/openmetrics-text; version=1.0.0; charset=utf-8" : "text/plain; version=0.0.4; charset=utf-8";
  response.body = call.node->metrics(openmetrics);
  call.reply(std::move(response));
}

void get_openapi(const Call& call) {
  if (refuse_parameters(call, {})) return;
  HttpResponse response;
  response.body = openapi_document();
  call.reply(std::move(response));
}

void get_ledger(const Call& call) {
  if (refuse_parameters(call, {})) return;
  HttpResponse response;
  response.body = ledger_json(call.node->ledger()) + "\n";
  call.reply(std::move(response));
}

void get_partitions(const Call& call) {
  if (refuse_parameters(call, {})) return;
  ordered_json json;
  json["partitions"] = ordered_json::array();
  for (const PartitionReport& partition : call.node->partitions()) {
    ordered_json one{{"partition", partition.partition},
                     {"state", partition.state},
                     {"owner", call.node->node()},
                     {"epoch", partition.epoch},
                     {"accepted", partition.accepted},
                     {"committed", partition.committed},
                     {"in_flight", partition.accepted - std::min(partition.accepted, partition.committed)},
                     {"sequence", partition.sequence},
                     {"ids", partition.ids}};
    if (!partition.error.empty()) one["error"] = partition.error;
    json["partitions"].push_back(std::move(one));
  }
  call.reply(json_response(json));
}

void release_partition(const Call& call) {
  if (refuse_parameters(call, {})) return;
  const std::string& text = call.request->segments[2];
  std::uint32_t number = 0;
  const auto [end, wrong] = std::from_chars(text.data(), text.data() + text.size(), number);
  const std::uint32_t partitions = call.node->pipeline().partitions;
  if (wrong != std::errc{} || end != text.data() + text.size() || number >= partitions)
    return call.reply(problem(404, fmt::format("there is no partition \"{}\"; they are 0 to {}", text, partitions - 1)));
  call.node->release(PartitionId{number}, [reply = call.reply, number](bool released) {
    if (!released) return reply(problem(409, fmt::format("partition {} is not quarantined, so there is nothing to release; see /v1/partitions", number)));
    HttpResponse response = json_response({{"partition", number}, {"state", "opening"}});
    response.status = 202;
    reply(std::move(response));
  });
}

void get_tree(const Call& call) {
  if (refuse_parameters(call, {})) return;
  ordered_json json{{"node", call.node->node()}};
  json["actors"] = ordered_json::array();
  for (const ActorLine& line : call.node->tree()) {
    ordered_json one{{"actor", line.actor}, {"state", line.state}, {"restarts", line.restarts}};
    one["last_error"] = line.last_error.empty() ? ordered_json() : ordered_json(line.last_error);
    one["last_error_at"] = line.last_error.empty() ? ordered_json() : ordered_json(to_rfc3339(line.died_at));
    one["queue"] = line.unit.empty() ? ordered_json() : ordered_json(line.queue);
    one["credits"] = line.unit.empty() ? ordered_json() : ordered_json(line.credits);
    one["unit"] = line.unit.empty() ? ordered_json() : ordered_json(line.unit);
    one["note"] = line.note.empty() ? ordered_json() : ordered_json(line.note);
    json["actors"].push_back(std::move(one));
  }
  call.reply(json_response(json));
}

void get_pipeline(const Call& call) {
  if (refuse_parameters(call, {})) return;
  const PipelineConfig& config = call.node->pipeline();
  ordered_json json;
  json["name"] = config.name;
  json["partitions"] = config.partitions;
  ordered_json record{{"format", word(config.record.format)}};
  if (config.record.id.digest) {
    record["id"] = "digest";
  } else {
    record["id"] = ordered_json::array();
    for (const FieldPath& field : config.record.id.fields) record["id"].push_back(field.text);
  }
  if (!config.record.type.empty()) record["type"] = config.record.type;
  record["csv"] = {{"separator", std::string(1, config.record.csv.separator)},
                   {"record_lines_max", config.record.csv.record_lines_max}};
  json["record"] = std::move(record);
  json["stages"] = ordered_json::array();
  for (const StageConfig& stage : config.stages) json["stages"].push_back({{"name", stage.name}, {"kind", stage.kind}});
  json["views"] = ordered_json::array();
  for (const ViewConfig& view : config.views) json["views"].push_back(view.name);
  json["limits"] = {{"event_bytes_max", config.limits.event_bytes_max}};
  json["rules"] = to_hex(call.node->rules_hash());
  json["log"] = to_hex(call.node->log_id());
  call.reply(json_response(json));
}

namespace {

/// Everything the answer digest reads: the rows of all views of the set.
Result<std::vector<StateRange>> rows_of_all_views(const ViewSet& views, PartitionId partition, const StateCursor& at) {
  std::vector<StateRange> ranges;
  for (const View& view : views.views()) {
    WEIR_ASSIGN(auto range, query_ranges(partition, at, view, QueryRequest{}));
    ranges.insert(ranges.end(), range.begin(), range.end());
  }
  return ranges;
}

Result<ordered_json> digest_json(const NodeAccess& node, const std::vector<PartitionPicture>& pictures,
                                 const std::vector<Digest128>& states) {
  WEIR_ASSIGN(const Digest128 total, answer_digest(pictures, node.views()));
  ordered_json json;
  json["pipeline"] = node.pipeline().name;
  json["answer"] = to_hex(total);
  json["partitions"] = ordered_json::array();
  for (std::size_t p = 0; p < pictures.size(); ++p) {
    WEIR_ASSIGN(const Digest128 part, answer_digest({pictures[p]}, node.views()));
    ordered_json one{{"partition", p}, {"answer", to_hex(part)}};
    if (p < states.size()) one["state"] = to_hex(states[p]);
    json["partitions"].push_back(std::move(one));
  }
  return json;
}

}  // namespace

void get_digest(const Call& call) {
  if (refuse_parameters(call, {"state"})) return;
  const auto state = flag_parameter(*call.request, "state");
  if (!state) return call.reply(error_response(state.error()));
  const auto answer = [call](std::vector<Digest128> states) {
    call.node->pictures(
        [node = call.node](PartitionId partition, const StateCursor& at) {
          return rows_of_all_views(node->views(), partition, at);
        },
        std::nullopt, call.limits.wait_default,
        [call, states = std::move(states)](Result<std::vector<PartitionPicture>> pictures) {
          if (!pictures) return call.reply(error_response(pictures.error()));
          const auto json = digest_json(*call.node, *pictures, states);
          call.reply(json ? json_response(*json) : error_response(json.error()));
        });
  };
  if (!*state) return answer({});
  call.node->state_digests([call, answer](Result<std::vector<Digest128>> states) {
    if (!states) return call.reply(error_response(states.error()));
    answer(std::move(*states));
  });
}

}  // namespace weir::api
