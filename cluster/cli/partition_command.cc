#include <fmt/format.h>

#include <nlohmann/json.hpp>

#include "cluster/cli/data_options.h"
#include "cluster/cli/data_source.h"
#include "runtime/adapters/system/system_clock.h"
#include "runtime/base/units.h"

namespace weir::cli {

namespace {

struct Options {
  DataSource source;
  std::uint32_t partition = 0;
  std::string wait = "30s";
  Output output = Output::table;
};

const std::vector<std::string> kColumns = {"partition", "state", "owner", "epoch", "accepted", "committed", "in_flight", "sequence", "ids", "error"};

Result<nlohmann::json> parse_partitions(const std::string& text) {
  auto json = nlohmann::json::parse(text, nullptr, false);
  if (!json.is_object() || !json.contains("partitions") || !json["partitions"].is_array())
    return fail(Errc::invalid_argument, "the node answered /v1/partitions with something else; is it a weir node?");
  return std::move(json["partitions"]);
}

int list(const Options& options) {
  int code = kDone;
  const auto text = ask_node(options.source, "/v1/partitions", code);
  if (!text) return code;
  if (options.output == Output::json) {
    (void)to_stdout(*text);
    return kDone;
  }
  const auto partitions = parse_partitions(*text);
  if (!partitions) return report(partitions.error());
  std::vector<Row> rows;
  for (const auto& partition : *partitions) {
    Row& row = rows.emplace_back();
    for (const std::string& column : kColumns) {
      const auto value = partition.find(column);
      if (value != partition.end() && value->is_number_unsigned()) {
        row.fields.push_back(number_cell(column, value->get<std::uint64_t>()));
      } else {
        row.fields.push_back(text_cell(column, value != partition.end() && value->is_string() ? value->get<std::string>() : ""));
      }
    }
  }
  write_rows(options.output, kColumns, rows);
  return kDone;
}

/// Until the partition runs, or is quarantined again.
int await(NodeClient& node, const Options& options, std::chrono::microseconds wait) {
  const SystemClock clock;
  const TimePoint until = clock.now() + wait;
  for (;;) {
    const auto text = node.get("/v1/partitions");
    if (!text) return report(text.error());
    const auto partitions = parse_partitions(*text);
    if (!partitions) return report(partitions.error());
    for (const auto& partition : *partitions) {
      if (partition.value("partition", ~std::uint64_t{0}) != options.partition) continue;
      const std::string state = partition.value("state", "");
      if (state == "running") {
        fmt::print("partition {} runs again; {} accepted events are not decided yet\n", options.partition, partition.value("in_flight", std::uint64_t{0}));
        return kDone;
      }
      if (state == "quarantined") {
        fmt::print(stderr, "weir: partition {} is quarantined again: {}\n", options.partition, partition.value("error", "the node's log says why"));
        return kAnswerIsNo;
      }
    }
    if (clock.now() >= until) {
      fmt::print(stderr, "weir: partition {} is still being opened after {}; weir partition list says how it went\n", options.partition,
                 options.wait);
      return kNotReady;
    }
    constexpr std::chrono::milliseconds kBetweenLooks{100};
    clock.wait_until(std::min(until, clock.now() + kBetweenLooks));
  }
}

int release(const Options& options) {
  const auto wait = parse_duration(options.wait);
  if (!wait) return report(Error{Errc::invalid_argument, "--wait: " + wait.error().context});
  auto node = open_node(options.source);
  if (!node) return report(node.error());
  const auto released = node->post(fmt::format("/v1/partitions/{}/release", options.partition));
  if (!released && released.error().code == Errc::not_found) return report(released.error(), kUsage);
  if (!released) return report(released.error());
  return await(*node, options, *wait);
}

}  // namespace

Command make_partition(Level root) {
  auto options = std::make_shared<Options>();
  const Level app = root.add_command("partition", "The partitions of a running node: their states, and releasing them from quarantine");
  app.require_command();
  app.footer("Example: weir partition list");
  const Level listing = app.add_command("list", "State, owner and position of every partition, and why one is quarantined");
  listing.footer("Example: weir partition list --output json");
  add_node(listing, options->source.node);
  add_trust(listing, options->source.trust);
  add_output(listing, options->output);
  const Level releasing = app.add_command("release", "Try a quarantined partition again, when the cause of its quarantine is mended");
  releasing.footer("Example: weir partition release 3\nWhat was accepted for it meanwhile lies in the log and is decided first.\n"
                   "Exit code 1: it is quarantined again; 3: not open after --wait; 4: it is not quarantined.");
  add_node(releasing, options->source.node);
  add_trust(releasing, options->source.trust);
  releasing.add_option("partition", options->partition, "Its number").required().type_name("P");
  releasing.add_option("--wait", options->wait, "How long it may take to open").type_name("DURATION").shown_default("30s");
  return {app, [options, listing] { return listing.parsed() ? list(*options) : release(*options); }};
}

}  // namespace weir::cli
