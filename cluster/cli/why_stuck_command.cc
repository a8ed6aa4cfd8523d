#include <fmt/format.h>

#include <nlohmann/json.hpp>

#include "cluster/api/wait_json.h"
#include "cluster/cli/data_options.h"
#include "cluster/cli/data_source.h"
#include "cluster/node/event_facts.h"
#include "runtime/adapters/system/system_clock.h"
#include "runtime/base/hash.h"

namespace weir::cli {

namespace {

constexpr std::uint32_t kAll = 0xffff'ffff;

struct Options {
  std::string id;
  std::uint32_t partition = kAll;
  DataSource source;
  Output output = Output::table;
};

PartitionFacts stopped_facts(const StoppedData::Partition& partition, std::int64_t now) {
  PartitionFacts facts;
  facts.now = now;
  facts.report.partition = partition.id.value;
  facts.report.state = "stopped";
  facts.report.accepted = facts.reserved = partition.status.ingest_durable.value;
  facts.report.committed = partition.status.position.committed.value;
  facts.report.sequence = partition.status.position.sequence.value;
  facts.parked = partition.state->meta().ledger.retrying;
  return facts;
}

int refuse_partition(std::size_t partitions) {
  return report(Error{Errc::invalid_argument, fmt::format("--partition: the pipeline has partitions 0 to {}", partitions - 1)});
}

/// The answer of a node, from the data of a stopped one. Empty: `code` says why.
std::string read_data(const Options& options, const std::string& directory, int& code) {
  const auto data = open_data(directory, code);
  if (!data) return {};
  const std::int64_t now = SystemClock().wall();
  if (options.partition != kAll && options.partition >= data->partitions().size()) {
    code = refuse_partition(data->partitions().size());
    return {};
  }
  if (options.id.empty()) {
    std::vector<PartitionFacts> facts;
    for (const StoppedData::Partition& partition : data->partitions())
      if (options.partition == kAll || partition.id.value == options.partition) facts.push_back(stopped_facts(partition, now));
    return why_stuck_json(facts);
  }
  const auto read = [&]() -> Result<std::string> {
    WEIR_ASSIGN(const Biography life, biography_of(StoppedLogReader{data->log()}, [&data](PartitionId p) { return data->flushed(p); }, options.id));
    const StoppedData::Partition& partition = data->partitions()[life.partition.value];
    WEIR_ASSIGN(const PartitionPicture picture, partition.state->picture());
    WEIR_ASSIGN(const auto facts, event_facts_of(life, picture.state.get()));
    if (!facts) return fail(Errc::not_found, "{}", never_seen_text(options.id, life.kept_since));
    return event_waits_json(options.id, *facts, stopped_facts(partition, now));
  };
  auto text = read();
  if (text) return std::move(*text);
  if (text.error().code == Errc::not_found) {
    fmt::print(stderr, "weir: {}\n", text.error().context);
    code = kAnswerIsNo;
  } else {
    code = report(text.error());
  }
  return {};
}

std::string ask(const Options& options, int& code) {
  auto node = open_node(options.source);
  if (!node) {
    code = report(node.error());
    return {};
  }
  std::string target = "/v1/why-stuck";
  if (!options.id.empty()) target += "?id=" + percent_encoded(options.id);
  if (options.partition != kAll) target += fmt::format("?partition={}", options.partition);
  const auto text = node->get(target);
  if (text) return *text;
  if (text.error().code == Errc::not_found && !options.id.empty()) {
    fmt::print(stderr, "weir: {}\n", text.error().context);
    code = kAnswerIsNo;
  } else {
    code = report(text.error());
  }
  return {};
}

std::string waits_text(const nlohmann::json& waits) {
  std::string text;
  for (const auto& wait : waits) {
    text += fmt::format("  {}: {}\n", wait.at("on").get<std::string>(), wait.at("text").get<std::string>());
    if (wait.contains("remedy")) text += fmt::format("    what to do: {}\n", wait.at("remedy").get<std::string>());
  }
  return text;
}

std::string partitions_text(const nlohmann::json& partitions) {
  std::string text;
  std::vector<std::uint64_t> free;
  for (const auto& partition : partitions) {
    const auto number = partition.at("partition").get<std::uint64_t>();
    if (partition.at("waits").empty()) {
      free.push_back(number);
      continue;
    }
    text += fmt::format("partition {}, {}\n{}", number, partition.at("state").get<std::string>(), waits_text(partition.at("waits")));
  }
  if (!free.empty()) text += fmt::format("partition{} {}: nothing waits, all that was accepted is decided\n", free.size() == 1 ? "" : "s", fmt::join(free, ", "));
  return text;
}

std::string event_text(const nlohmann::json& json) {
  std::string text = fmt::format("event {}, {} in partition {}\n", json.at("id").get<std::string>(), json.at("outcome").get<std::string>(), json.at("partition").get<std::uint64_t>());
  return text + (json.at("waits").empty() ? "  it waits for nothing: weir where tells what became of it\n" : waits_text(json.at("waits")));
}

int run(const Options& options) {
  int code = kDone;
  const std::string directory = data_of(options.source);
  std::string text = directory.empty() ? ask(options, code) : read_data(options, directory, code);
  if (text.empty()) return code;
  if (text.ends_with('\n')) text.pop_back();
  if (options.output == Output::json) {
    (void)to_stdout(text + "\n");
    return kDone;
  }
  try {
    const auto json = nlohmann::json::parse(text);
    (void)to_stdout(json.contains("partitions") ? partitions_text(json.at("partitions")) : event_text(json));
  } catch (const nlohmann::json::exception& wrong) {
    return report(Error{Errc::invalid_argument, fmt::format("the node answered /v1/why-stuck with something else ({}); is it a weir node?", wrong.what())});
  }
  return kDone;
}

}  // namespace

Command make_why_stuck(Level root) {
  auto options = std::make_shared<Options>();
  const Level app = root.add_command("why-stuck", "What a partition, or one event, waits for, and what to do about it");
  app.footer(
      "Example: weir why-stuck\n"
      "         weir why-stuck order-17 --node http://127.0.0.1:7070\n"
      "         weir why-stuck --partition 3 --data ./weir-data/retail\n"
      "Without an ID and --partition: of every partition. The first reason is the one to look at.\n"
      "Exit code 1: the event was never seen in the time kept.");
  const Option id = app.add_option("id", options->id, "Event id").type_name("ID");
  app.add_option("--partition", options->partition, "One partition, by its number").type_name("N").excludes(id);
  add_source(app, options->source);
  add_output(app, options->output);
  return {app, [options] { return run(*options); }};
}

}  // namespace weir::cli
