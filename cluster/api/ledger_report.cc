#include "cluster/api/ledger_report.h"

#include <algorithm>
#include <nlohmann/json.hpp>
#include <string_view>

namespace weir {

namespace {

nlohmann::ordered_json numbers(const LedgerLine& line) {
  nlohmann::ordered_json json;
  json["accepted"] = line.accepted;
  for (const auto& [name, field] : kLedgerFields) {
    if (std::string_view(name) == "redriven") json["in_flight"] = line.in_flight;
    json[name] = line.ledger.*field;
  }
  json["records"] = line.ledger.records;
  return json;
}

}  // namespace

LedgerLine ledger_line(PartitionId partition, Epoch epoch, Offset accepted, Offset committed, const Ledger& ledger) {
  LedgerLine line;
  line.partition = partition.value;
  line.epoch = epoch.value;
  line.accepted = accepted.value;
  line.in_flight = accepted.value - std::min(accepted.value, committed.value);
  line.ledger = ledger;
  line.balanced = ledger.decided() == committed.value && committed <= accepted;
  return line;
}

void add_line(LedgerReport& report, const LedgerLine& line) {
  report.total.accepted += line.accepted;
  report.total.in_flight += line.in_flight;
  report.total.ledger += line.ledger;
  report.total.balanced = report.total.balanced && line.balanced;
  report.partitions.push_back(line);
}

std::string ledger_json(const LedgerReport& report) {
  nlohmann::ordered_json json;
  json["pipeline"] = report.pipeline;
  json["balanced"] = report.total.balanced;
  json["total"] = numbers(report.total);
  json["partitions"] = nlohmann::ordered_json::array();
  for (const LedgerLine& line : report.partitions) {
    nlohmann::ordered_json one;
    one["partition"] = line.partition;
    one["epoch"] = line.epoch;
    one.update(numbers(line));
    one["balanced"] = line.balanced;
    json["partitions"].push_back(std::move(one));
  }
  return json.dump();
}

}  // namespace weir
