#include "cluster/cli/ledger.h"

#include <array>
#include <nlohmann/json.hpp>

namespace weir::cli {

namespace {

using Field = std::pair<const char*, std::uint64_t Ledger::*>;
constexpr std::array<Field, 11> kFields{{{"served", &Ledger::served},
                                         {"filtered", &Ledger::filtered},
                                         {"duplicate", &Ledger::duplicate},
                                         {"dead_lettered", &Ledger::dead_lettered},
                                         {"shed", &Ledger::shed},
                                         {"expired", &Ledger::expired},
                                         {"dropped", &Ledger::dropped},
                                         {"superseded", &Ledger::superseded},
                                         {"retrying", &Ledger::retrying},
                                         {"redriven", &Ledger::redriven},
                                         {"edited", &Ledger::edited}}};

nlohmann::ordered_json numbers(const LedgerLine& line) {
  nlohmann::ordered_json json;
  json["accepted"] = line.accepted;
  for (const auto& [name, field] : kFields) {
    if (std::string_view(name) == "redriven") json["in_flight"] = line.in_flight;
    json[name] = line.ledger.*field;
  }
  json["records"] = line.ledger.records;
  return json;
}

Row row_of(const LedgerLine& line, const std::string& name) {
  Row row;
  row.fields.push_back(name.empty() ? number_cell("partition", line.partition) : text_cell("partition", name));
  row.fields.push_back(number_cell("accepted", line.accepted));
  for (const auto& [field_name, field] : kFields) row.fields.push_back(number_cell(field_name, line.ledger.*field));
  row.fields.push_back(number_cell("in_flight", line.in_flight));
  row.fields.push_back(text_cell("balanced", line.balanced ? "yes" : "NO"));
  return row;
}

}  // namespace

LedgerReport read_ledger(const StoppedData& data) {
  LedgerReport report;
  report.pipeline = data.config().name;
  for (const auto& partition : data.partitions()) {
    LedgerLine line;
    line.partition = partition.id.value;
    line.epoch = partition.status.position.epoch.value;
    line.accepted = partition.status.ingest_durable.value;
    const std::uint64_t committed = partition.status.position.committed.value;
    line.in_flight = line.accepted - std::min(line.accepted, committed);
    line.ledger = partition.state->meta().ledger;
    line.balanced = line.ledger.decided() == committed && committed <= line.accepted;
    report.total.accepted += line.accepted;
    report.total.in_flight += line.in_flight;
    report.total.ledger += line.ledger;
    report.total.balanced = report.total.balanced && line.balanced;
    report.partitions.push_back(line);
  }
  return report;
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

void write_ledger(Output output, const LedgerReport& report) {
  if (output == Output::json) {
    (void)to_stdout(ledger_json(report) + "\n");
    return;
  }
  // A table for people leaves out what never happened; CSV has every column.
  constexpr std::size_t kAlways = 4;
  std::vector<std::string> columns{"partition", "accepted"};
  for (std::size_t i = 0; i < kFields.size(); ++i) {
    if (output == Output::csv || i < kAlways || report.total.ledger.*kFields[i].second != 0) columns.emplace_back(kFields[i].first);
  }
  columns.emplace_back("in_flight");
  columns.emplace_back("balanced");
  std::vector<Row> rows;
  for (const LedgerLine& line : report.partitions) rows.push_back(row_of(line, ""));
  rows.push_back(row_of(report.total, "total"));
  write_rows(output, columns, rows);
}

}  // namespace weir::cli
