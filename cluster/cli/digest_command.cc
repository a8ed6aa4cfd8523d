#include <fmt/format.h>

#include <nlohmann/json.hpp>

#include "cluster/cli/data_options.h"
#include "cluster/cli/data_source.h"
#include "cluster/cli/progress.h"
#include "runtime/adapters/system/system_clock.h"
#include "runtime/base/hash.h"
#include "runtime/engine/digest.h"

namespace weir::cli {

namespace {

struct Options {
  DataSource source;
  bool state = false;
  DataPlugins plugins;
  Output output = Output::table;
};

void write_table(const Options& options, const std::vector<Row>& rows) {
  std::vector<std::string> columns{"partition", "answer"};
  if (options.state) columns.emplace_back("state");
  write_rows(options.output, columns, rows);
}

int ask_digest(const Options& options) {
  int code = kDone;
  const auto text = ask_node(options.source, options.state ? "/v1/digest?state=true" : "/v1/digest", code);
  if (!text) return code;
  if (options.output == Output::json) {
    (void)to_stdout(*text);
    return kDone;
  }
  std::vector<Row> rows;
  try {
    const auto json = nlohmann::json::parse(*text);
    rows.push_back({{text_cell("partition", "total"), text_cell("answer", json.at("answer").get<std::string>())}});
    for (const auto& one : json.at("partitions")) {
      Row row{{number_cell("partition", one.at("partition")), text_cell("answer", one.at("answer").get<std::string>())}};
      if (options.state) row.fields.push_back(text_cell("state", one.at("state").get<std::string>()));
      rows.push_back(std::move(row));
    }
  } catch (const nlohmann::json::exception& wrong) {
    return report(Error{Errc::invalid_argument,
                        fmt::format("the node answered with something that is no digest ({}); is it a weir node?", wrong.what())});
  }
  write_table(options, rows);
  return kDone;
}

int run(const Options& options) {
  int code = kDone;
  const std::string directory = data_of(options.source);
  if (directory.empty()) return ask_digest(options);
  const auto plugins = load_data_plugins(options.plugins);
  if (!plugins) return report(plugins.error());
  const auto data = open_data(directory, code, *plugins);
  if (!data) return code;
  if (const auto loaded = data->check_loaded(); !loaded) return report(loaded.error());
  const auto pictures = data->pictures();
  if (!pictures) return report(pictures.error());
  const SystemClock clock;
  Progress progress(clock, "digesting", "partitions");
  const std::uint64_t whole = 2 * pictures->size();  // all together, then each
  progress.update(0, whole);
  const auto total = answer_digest(*pictures, data->views());
  if (!total) return report(total.error());
  nlohmann::ordered_json json;
  json["pipeline"] = data->config().name;
  json["answer"] = to_hex(*total);
  json["partitions"] = nlohmann::ordered_json::array();
  std::vector<Row> rows;
  rows.push_back({{text_cell("partition", "total"), text_cell("answer", to_hex(*total))}});
  for (std::size_t p = 0; p < pictures->size(); ++p) {
    progress.update(pictures->size() + p, whole);
    const auto part = answer_digest({(*pictures)[p]}, data->views());
    if (!part) return report(part.error());
    nlohmann::ordered_json one;
    one["partition"] = p;
    one["answer"] = to_hex(*part);
    Row row{{number_cell("partition", p), text_cell("answer", to_hex(*part))}};
    if (options.state) {
      const auto state = data->partitions()[p].state->state_digest();
      if (!state) return report(state.error());
      one["state"] = to_hex(*state);
      row.fields.push_back(text_cell("state", to_hex(*state)));
    }
    json["partitions"].push_back(std::move(one));
    rows.push_back(std::move(row));
  }
  progress.clear();
  if (options.output == Output::json) {
    (void)to_stdout(json.dump() + "\n");
    return kDone;
  }
  write_table(options, rows);
  return kDone;
}

}  // namespace

Command make_digest(Level root) {
  auto options = std::make_shared<Options>();
  const Level app = root.add_command("digest", "One number over all answers: equal data gives equal digests, on any machine");
  app.footer("Example: weir digest --data ./sales --state");
  add_source(app, options->source);
  app.add_flag("--state", options->state, "Also the digest of everything each partition holds");
  add_data_plugins(app, options->plugins);
  add_output(app, options->output);
  return {app, [options] { return run(*options); }};
}

}  // namespace weir::cli
