#include "cluster/api/wait_json.h"

#include <nlohmann/json.hpp>

#include "runtime/base/time_text.h"

namespace weir {

namespace {

using nlohmann::ordered_json;

ordered_json waits_json(const std::vector<Wait>& waits) {
  ordered_json all = ordered_json::array();
  for (const Wait& wait : waits) {
    ordered_json& one = all.emplace_back(ordered_json{{"on", wait.on}, {"text", wait.text}});
    if (!wait.remedy.empty()) one["remedy"] = wait.remedy;
    if (wait.since != 0) one["since"] = to_rfc3339(wait.since);
    if (wait.until != 0) one["until"] = to_rfc3339(wait.until);
  }
  return all;
}

ordered_json partition_json(const PartitionFacts& facts) {
  const PartitionReport& report = facts.report;
  return {{"partition", report.partition},
          {"state", report.state},
          {"accepted", report.accepted},
          {"committed", report.committed},
          {"retrying", facts.parked},
          {"waits", waits_json(partition_waits(facts))}};
}

std::string dump(const ordered_json& json) { return json.dump(-1, ' ', false, ordered_json::error_handler_t::replace); }

}  // namespace

std::string why_stuck_json(const std::vector<PartitionFacts>& partitions) {
  ordered_json json;
  json["partitions"] = ordered_json::array();
  for (const PartitionFacts& facts : partitions) json["partitions"].push_back(partition_json(facts));
  return dump(json);
}

std::string event_waits_json(const std::string& id, const EventFacts& event, const PartitionFacts& facts) {
  return dump({{"id", id}, {"partition", facts.report.partition}, {"outcome", event.outcome}, {"waits", waits_json(event_waits(id, event, facts))}});
}

}  // namespace weir
