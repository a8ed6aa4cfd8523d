#include <fmt/format.h>
#include <unistd.h>

#include <algorithm>
#include <cstdio>
#include <filesystem>
#include <nlohmann/json.hpp>

#include "cluster/cli/data_options.h"
#include "cluster/cli/data_source.h"
#include "cluster/cli/progress.h"
#include "cluster/cli/raw_json.h"
#include "cluster/node/past_state.h"
#include "cluster/node/stopped_ground.h"
#include "runtime/adapters/system/system_clock.h"
#include "runtime/base/json_text.h"
#include "runtime/base/suggest.h"
#include "runtime/base/time_text.h"

namespace weir::cli {

namespace {

struct Options {
  std::string view;
  std::vector<std::string> key;
  std::vector<std::string> where;
  std::string from, to;
  std::string as_of;
  std::string snapshots, scratch;
  DataPlugins plugins;
  std::uint64_t limit = 100;
  DataSource source;
  Output output = Output::table;
};

Result<QueryRequest> request_of(const Options& options) {
  QueryRequest request;
  request.view = options.view;
  request.key = options.key;
  request.limit = options.limit;
  WEIR_ASSIGN(request.from, time_option("--from", options.from));
  WEIR_ASSIGN(request.to, time_option("--to", options.to));
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

/// What a page of the node says beside its rows.
struct Pages {
  std::vector<Row> rows;
  std::optional<std::uint64_t> total;
  std::string next = "null";  // as it stands
  std::string complete_since;  // as it stands; empty: nothing is missing
};

void say_complete_since(std::string_view time) {
  fmt::print(stderr, "weir: complete only since {}: the view was built when the log before that was gone already\n", time);
}

std::string target_of(const QueryRequest& request, const Options& options, std::uint64_t limit, const std::string& cursor) {
  std::string target = "/v1/views/" + percent_encoded(request.view);
  for (const std::string& key : request.key) target += "/" + percent_encoded(key);
  target += fmt::format("?limit={}", limit);
  target += cursor.empty() ? "&total=true" : "&cursor=" + percent_encoded(cursor);
  if (!options.from.empty()) target += "&from=" + percent_encoded(options.from);
  if (!options.to.empty()) target += "&to=" + percent_encoded(options.to);
  if (!options.as_of.empty()) target += "&as_of=" + percent_encoded(options.as_of);
  for (const auto& [field, value] : request.where) target += "&where." + percent_encoded(field) + "=" + percent_encoded(value);
  return target;
}

/// Adds one page; the cursor of the next one, empty at the end. Error: it is no page.
Result<std::string> add_page(std::string_view text, Pages& pages) {
  const auto wrong = [] { return fail(Errc::invalid_argument, "the node answered with something that is no page of rows; is it a weir node?"); };
  const auto members = members_of(text);
  if (!members) return wrong();
  std::string cursor;
  for (const auto& [name, value] : *members) {
    if (name == "total") pages.total = std::strtoull(value.c_str(), nullptr, 10);
    if (name == "next") {
      pages.next = value;
      if (value != "null" && !append_unescaped(cursor, std::string_view(value).substr(1, value.size() - 2))) return wrong();
    }
    if (name == "complete_since") pages.complete_since = value;
    if (name != "rows") continue;
    const auto rows = elements_of(value);
    if (!rows) return wrong();
    for (const std::string& one : *rows) {
      auto fields = members_of(one);
      if (!fields) return wrong();
      pages.rows.push_back({std::move(*fields)});
    }
  }
  return cursor;
}

/// The columns of a view as the node names them; those of a view of whole records are what rows have, in the order they are met.
struct Columns {
  std::vector<std::string> names;
  std::optional<std::size_t> group_fields;  // of a view of measures
};
Columns columns_of(const std::string& view, std::string_view views, const Pages& pages) {
  Columns columns;
  const auto json = nlohmann::json::parse(views, nullptr, false);
  if (json.is_object() && json.contains("views")) {
    for (const auto& one : json["views"]) {
      if (one.value("view", "") != view) continue;
      columns.names = one.value("columns", columns.names);
      if (one.value("kind", "") == "aggregate") columns.group_fields = one.value("key", std::vector<std::string>{}).size();
    }
  }
  if (!columns.names.empty()) return columns;
  for (const Row& row : pages.rows)
    for (const auto& [name, token] : row.fields)
      if (std::find(columns.names.begin(), columns.names.end(), name) == columns.names.end()) columns.names.push_back(name);
  return columns;
}

/// Pages through the node's answer until --limit.
int ask_view(const Options& options, const QueryRequest& request) {
  constexpr std::uint64_t kPageRows = 10'000;  // the most a node gives at once
  int code = kDone;
  Pages pages;
  std::string cursor;
  const SystemClock clock;
  Progress progress(clock, "reading", "rows");
  do {
    const std::uint64_t left = options.limit == 0 ? kPageRows : options.limit - pages.rows.size();
    const auto text = ask_node(options.source, target_of(request, options, std::min(left, kPageRows), cursor), code);
    if (!text) return code;
    auto next = add_page(*text, pages);
    if (!next) return report(next.error());
    cursor = std::move(*next);
    const std::uint64_t total = pages.total.value_or(0);
    progress.update(pages.rows.size(), options.limit == 0 ? total : std::min(options.limit, total));
  } while (!cursor.empty() && (options.limit == 0 || pages.rows.size() < options.limit));
  progress.clear();
  if (options.output == Output::json) {
    std::string text = fmt::format(R"({{"view":{},"rows":[)", to_json_string(request.view));
    for (std::size_t i = 0; i < pages.rows.size(); ++i) {
      text += i == 0 ? "\n" : ",\n";
      append_row_json(text, pages.rows[i]);
    }
    (void)to_stdout(text + (pages.rows.empty() ? "" : "\n") + "],\"next\":" + pages.next +
                    (pages.complete_since.empty() ? "" : ",\"complete_since\":" + pages.complete_since) + "}\n");
  } else {
    const auto views = ask_node(options.source, "/v1/views", code);
    if (!views) return code;
    Columns columns = columns_of(request.view, *views, pages);
    if (columns.group_fields && options.output == Output::table) show_estimates(columns.names, *columns.group_fields, pages.rows);
    write_rows(options.output, columns.names, pages.rows);
  }
  std::fflush(stdout);
  if (pages.total)
    fmt::print(stderr, "{} of {}{}\n", with_separators(pages.rows.size()), with_separators(*pages.total),
               pages.rows.size() < *pages.total ? ": --limit 0 prints all" : "");
  if (pages.complete_since.size() > 2) say_complete_since(std::string_view(pages.complete_since).substr(1, pages.complete_since.size() - 2));
  return kDone;
}

/// Prints the rows of what was read of a directory.
int answer(const Options& options, const QueryRequest& request, const std::vector<PartitionPicture>& pictures, const ViewSet& views) {
  if (const auto known = check_fields(request, views); !known) return report(known.error());
  const SystemClock clock;
  Progress progress(clock, "reading", "rows", Stdout::meanwhile);
  const auto sink = [&progress, lines = std::uint64_t{0}, limit = options.limit](std::string_view text) mutable {
    if (progress.shown()) progress.update(lines += static_cast<std::uint64_t>(std::count(text.begin(), text.end(), '\n')), limit);
    return to_stdout(text);
  };
  const auto answer = write_query(pictures, views, request, row_format(options.output), sink, table_width());
  progress.clear();
  if (!answer) return report(answer.error());
  std::fflush(stdout);
  if (answer->total)
    fmt::print(stderr, "{} of {}{}\n", with_separators(answer->rows), with_separators(*answer->total),
               answer->rows < *answer->total ? ": --limit 0 prints all" : "");
  if (answer->complete_since != kNoTime) say_complete_since(to_rfc3339(answer->complete_since));
  return kDone;
}

/// Of a stopped node's data, as they were.
int answer_as_of(const Options& options, const QueryRequest& request, const AsOf& as_of, const std::string& directory) {
  std::error_code code;
  const std::string scratch = options.scratch.empty() ? std::filesystem::temp_directory_path(code).string() : options.scratch;
  if (code) return report(Error{Errc::io_failed, fmt::format("there is no directory for temporary files: {}; name one with --scratch", code.message())});
  const SystemClock clock;
  Progress progress(clock, "opening", "commits");
  const auto plugins = load_data_plugins(options.plugins);
  if (!plugins) return report(plugins.error());
  const auto stopped = StoppedGround::open(directory, *plugins, options.snapshots, clock, progress.of_log());
  progress.clear();
  if (!stopped) return report(stopped.error());
  const StoppedLogReader log((*stopped)->data().log());
  auto commits = commits_as_of((*stopped)->ground(), log, as_of);
  if (!commits) return report(commits.error());
  const auto past = PastState::make((*stopped)->ground(), log, std::move(*commits), fmt::format("{}/weir-past-{}", scratch, ::getpid()));
  if (!past) return report(past.error());
  const auto pictures = (*past)->pictures();
  if (!pictures) return report(pictures.error());
  return answer(options, request, *pictures, (*stopped)->data().views());
}

int run(const Options& options) {
  const auto request = request_of(options);
  if (!request) return report(request.error());
  const auto as_of = options.as_of.empty() ? Result<AsOf>(AsOf{}) : parse_as_of(options.as_of);
  if (!as_of) return report(Error{as_of.error().code, "--as-of: " + as_of.error().context});
  int code = kDone;
  const std::string directory = data_of(options.source);
  if (directory.empty()) return ask_view(options, *request);
  if (!options.as_of.empty()) return answer_as_of(options, *request, *as_of, directory);
  const auto plugins = load_data_plugins(options.plugins);
  if (!plugins) return report(plugins.error());
  const auto data = open_data(directory, code, *plugins);
  if (!data) return code;
  if (const auto loaded = data->check_loaded(request->view); !loaded) return report(loaded.error());
  const auto pictures = data->pictures();
  if (!pictures) return report(pictures.error());
  return answer(options, *request, *pictures, data->views());
}

}  // namespace

Command make_query(Level root) {
  auto options = std::make_shared<Options>();
  const Level app = root.add_command("query", "Rows of a view");
  app.footer("Example: weir query revenue_by_country France\n         weir query revenue --from 2011-11-01 --to 2011-12-01 --data ./sales --output csv\n         weir query revenue --as-of 2011-11-30T18:00:00Z");
  app.add_option("view", options->view, "Name of the view").required().type_name("VIEW");
  app.add_option("key", options->key, "Leading parts of the row's key").type_name("KEY");
  app.add_option("--where", options->where, "Only rows whose field has this value; may be repeated")
      .type_name("FIELD=VALUE")
      .repeatable();
  app.add_option("--from", options->from, "Only rows from this time on (window start, or event time)").type_name("TIME");
  app.add_option("--to", options->to, "Only rows before this time").type_name("TIME");
  app.add_option("--as-of", options->as_of,
                 "What the view held then: a time, PARTITION:COMMIT as weir where shows them, or an answer's token; exit code 5: nothing reaches back so far")
      .type_name("TIME|POSITION");
  app.add_option("--limit", options->limit, "Rows printed; 0: all").shown_default("100").type_name("N");
  add_source(app, options->source);
  app.add_option("--snapshots", options->snapshots,
                 "With --as-of and --data: where snapshots are kept, if not in its directory `snapshots` (snapshots.directory of the node file)")
      .type_name("DIR");
  app.add_option("--scratch", options->scratch, "Likewise: where the states are rebuilt, if not with temporary files (TMPDIR); needs room for all of them")
      .type_name("DIR");
  add_data_plugins(app, options->plugins);
  add_output(app, options->output);
  return {app, [options] { return run(*options); }};
}

}  // namespace weir::cli
