#include <fmt/format.h>

#include <algorithm>
#include <cstdio>

#include "cluster/cli/data_options.h"
#include "runtime/base/suggest.h"
#include "runtime/base/time_text.h"

namespace weir::cli {

namespace {

struct Options {
  std::string view;
  std::vector<std::string> key;
  std::vector<std::string> where;
  std::string from, to;
  std::uint64_t limit = 100;
  std::string data;
  Output output = Output::table;
};

Result<std::optional<std::int64_t>> time_of(const std::string& name, const std::string& text) {
  if (text.empty()) return std::optional<std::int64_t>{};
  const auto time = parse_rfc3339(text.size() == 10 ? text + "T00:00:00Z" : text);
  if (!time) return fail(Errc::invalid_argument, "--{} {}: not a time; write 2011-12-01 or 2011-12-01T00:00:00Z", name, text);
  return std::optional<std::int64_t>{*time};
}

Result<QueryRequest> request_of(const Options& options) {
  QueryRequest request;
  request.view = options.view;
  request.key = options.key;
  request.limit = options.limit;
  WEIR_ASSIGN(request.from, time_of("from", options.from));
  WEIR_ASSIGN(request.to, time_of("to", options.to));
  for (const std::string& condition : options.where) {
    const auto equals = condition.find('=');
    if (equals == std::string::npos || equals == 0)
      return fail(Errc::invalid_argument, "--where {}: write FIELD=VALUE", condition);
    request.where.emplace_back(condition.substr(0, equals), condition.substr(equals + 1));
  }
  return request;
}

/// A misspelt field would answer "no rows". Views of whole records have whatever fields the records have: not checked.
Result<void> check_fields(const QueryRequest& request, const ViewSet& views) {
  const View* view = views.find(request.view);
  if (view == nullptr) return {};
  const std::vector<std::string> columns = row_columns(*view);
  if (columns.empty()) return {};
  for (const auto& [field, value] : request.where) {
    if (std::find(columns.begin(), columns.end(), field) != columns.end()) continue;
    const auto near = nearest(field, columns);
    return fail(Errc::invalid_argument, "--where {}={}: rows of view '{}' have no such field{}; they have: {}", field, value, request.view,
                near ? fmt::format(" (did you mean {}?)", *near) : "", fmt::join(columns, ", "));
  }
  return {};
}

int run(const Options& options) {
  const auto request = request_of(options);
  if (!request) return report(request.error());
  int code = kDone;
  const auto data = open_data(options.data, code);
  if (!data) return code;
  const auto pictures = data->pictures();
  if (!pictures) return report(pictures.error());
  if (const auto known = check_fields(*request, data->views()); !known) return report(known.error());
  const auto answer = write_query(*pictures, data->views(), *request, row_format(options.output), to_stdout, table_width());
  if (!answer) return report(answer.error());
  std::fflush(stdout);
  if (answer->total)
    fmt::print(stderr, "{} of {}{}\n", with_separators(answer->rows), with_separators(*answer->total),
               answer->rows < *answer->total ? ": --limit 0 prints all" : "");
  return kDone;
}

}  // namespace

Command make_query(CLI::App& root) {
  auto options = std::make_shared<Options>();
  CLI::App* app = root.add_subcommand("query", "Rows of a view");
  app->footer("Example: weir query revenue_by_country France --data ./sales\n         weir query revenue --from 2011-11-01 --to 2011-12-01 --data ./sales --output csv");
  app->add_option("view", options->view, "Name of the view")->required()->type_name("VIEW");
  app->add_option("key", options->key, "Leading parts of the row's key")->type_name("KEY");
  app->add_option("--where", options->where, "Only rows whose field has this value; may be repeated")
      ->type_name("FIELD=VALUE")
      ->expected(1)
      ->multi_option_policy(CLI::MultiOptionPolicy::TakeAll);
  app->add_option("--from", options->from, "Only rows from this time on (window start, or event time)")->type_name("TIME");
  app->add_option("--to", options->to, "Only rows before this time")->type_name("TIME");
  app->add_option("--limit", options->limit, "Rows printed; 0: all")->default_str("100")->type_name("N");
  add_data(*app, options->data, true);
  add_output(*app, options->output);
  return {app, [options] { return run(*options); }};
}

}  // namespace weir::cli
