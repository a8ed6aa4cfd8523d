#include <nlohmann/json.hpp>

#include "cluster/cli/data_source.h"
#include "cluster/cli/ledger.h"

namespace weir::cli {

namespace {

/// What ledger_json() wrote, read again.
Result<LedgerReport> parse_ledger(const std::string& text) {
  const auto line_of = [](const nlohmann::json& json) {
    LedgerLine line;
    line.accepted = json.at("accepted");
    line.in_flight = json.at("in_flight");
    for (const auto& [name, field] : kLedgerFields) line.ledger.*field = json.at(name);
    return line;
  };
  try {
    const auto json = nlohmann::json::parse(text);
    LedgerReport report;
    report.pipeline = json.at("pipeline");
    report.total = line_of(json.at("total"));
    report.total.balanced = json.at("balanced");
    for (const auto& one : json.at("partitions")) {
      LedgerLine line = line_of(one);
      line.partition = one.at("partition");
      line.epoch = one.at("epoch");
      line.balanced = one.at("balanced");
      report.partitions.push_back(line);
    }
    return report;
  } catch (const nlohmann::json::exception& wrong) {
    return fail(Errc::invalid_argument, "the node answered with something that is no ledger ({}); is it a weir node?", wrong.what());
  }
}

int ask_ledger(const DataSource& source, Output output) {
  int code = kDone;
  const auto text = ask_node(source, "/v1/ledger", code);
  if (!text) return code;
  const auto ledger = parse_ledger(*text);
  if (!ledger) return report(ledger.error());
  if (output == Output::json) {
    (void)to_stdout(*text);
  } else {
    write_ledger(output, *ledger);
  }
  return ledger->total.balanced ? kDone : kAnswerIsNo;
}

}  // namespace

Command make_ledger(Level root) {
  struct Options {
    DataSource source;
    Output output = Output::table;
  };
  auto options = std::make_shared<Options>();
  const Level app = root.add_command("ledger", "What became of every accepted event, per partition and in total");
  app.footer("Example: weir ledger\n         weir ledger --data ./sales --output json\nExit code 1: it does not balance.");
  add_source(app, options->source);
  add_output(app, options->output);
  return {app, [options] {
            int code = kDone;
            const std::string directory = data_of(options->source);
            if (directory.empty()) return ask_ledger(options->source, options->output);
            const auto data = open_data(directory, code);
            if (!data) return code;
            const LedgerReport ledger = read_ledger(*data);
            write_ledger(options->output, ledger);
            return ledger.total.balanced ? kDone : kAnswerIsNo;
          }};
}

}  // namespace weir::cli
