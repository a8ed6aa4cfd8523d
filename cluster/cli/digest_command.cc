#include <fmt/format.h>

#include <nlohmann/json.hpp>

#include "cluster/cli/data_options.h"
#include "runtime/base/hash.h"
#include "runtime/engine/digest.h"

namespace weir::cli {

namespace {

struct Options {
  std::string data;
  bool state = false;
  Output output = Output::table;
};

int run(const Options& options) {
  int code = kDone;
  const auto data = open_data(options.data, code);
  if (!data) return code;
  const auto pictures = data->pictures();
  if (!pictures) return report(pictures.error());
  const auto total = answer_digest(*pictures, data->views());
  if (!total) return report(total.error());
  nlohmann::ordered_json json;
  json["pipeline"] = data->config().name;
  json["answer"] = to_hex(*total);
  json["partitions"] = nlohmann::ordered_json::array();
  std::vector<Row> rows;
  rows.push_back({{text_cell("partition", "total"), text_cell("answer", to_hex(*total))}});
  for (std::size_t p = 0; p < pictures->size(); ++p) {
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
  if (options.output == Output::json) {
    (void)to_stdout(json.dump() + "\n");
    return kDone;
  }
  std::vector<std::string> columns{"partition", "answer"};
  if (options.state) columns.emplace_back("state");
  write_rows(options.output, columns, rows);
  return kDone;
}

}  // namespace

Command make_digest(CLI::App& root) {
  auto options = std::make_shared<Options>();
  CLI::App* app = root.add_subcommand("digest", "One number over all answers: equal data gives equal digests, on any machine");
  app->footer("Example: weir digest --data ./sales --state");
  add_data(*app, options->data, true);
  app->add_flag("--state", options->state, "Also the digest of everything each partition holds");
  add_output(*app, options->output);
  return {app, [options] { return run(*options); }};
}

}  // namespace weir::cli
