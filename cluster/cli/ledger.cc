#include "cluster/cli/ledger.h"

namespace weir::cli {

namespace {

Row row_of(const LedgerLine& line, const std::string& name) {
  Row row;
  row.fields.push_back(name.empty() ? number_cell("partition", line.partition) : text_cell("partition", name));
  row.fields.push_back(number_cell("accepted", line.accepted));
  for (const auto& [field_name, field] : kLedgerFields) row.fields.push_back(number_cell(field_name, line.ledger.*field));
  row.fields.push_back(number_cell("in_flight", line.in_flight));
  row.fields.push_back(text_cell("balanced", line.balanced ? "yes" : "NO"));
  return row;
}

}  // namespace

LedgerReport read_ledger(const StoppedData& data) {
  LedgerReport report;
  report.pipeline = data.config().name;
  for (const auto& partition : data.partitions()) {
    const PartitionPosition& position = partition.status.position;
    add_line(report, ledger_line(partition.id, position.epoch, partition.status.ingest_durable, position.committed, partition.state->meta().ledger));
  }
  return report;
}

void write_ledger(Output output, const LedgerReport& report) {
  if (output == Output::json) {
    (void)to_stdout(ledger_json(report) + "\n");
    return;
  }
  // A table for people leaves out what never happened; CSV has every column.
  constexpr std::size_t kAlways = 4;
  std::vector<std::string> columns{"partition", "accepted"};
  for (std::size_t i = 0; i < kLedgerFields.size(); ++i) {
    if (output == Output::csv || i < kAlways || report.total.ledger.*kLedgerFields[i].second != 0) columns.emplace_back(kLedgerFields[i].first);
  }
  columns.emplace_back("in_flight");
  columns.emplace_back("balanced");
  std::vector<Row> rows;
  for (const LedgerLine& line : report.partitions) rows.push_back(row_of(line, ""));
  rows.push_back(row_of(report.total, "total"));
  write_rows(output, columns, rows);
}

}  // namespace weir::cli
