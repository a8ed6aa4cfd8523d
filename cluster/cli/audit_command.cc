#include <fmt/format.h>

#include <cstdio>

#include "cluster/cli/data_options.h"
#include "cluster/cli/data_source.h"
#include "cluster/cli/raw_json.h"
#include "runtime/base/json_text.h"
#include "runtime/engine/audit.h"

namespace weir::cli {

namespace {

struct Options {
  std::string id, who, from, to;
  DataSource source;
  Output output = Output::table;
};

const std::vector<std::string> kColumns = {"at", "who", "role", "change", "id", "why", "partition", "offset", "commit", "before", "after"};

Result<AuditFilter> filter_of(const Options& options) {
  AuditFilter filter;
  if (!options.id.empty()) filter.id = options.id;
  if (!options.who.empty()) filter.who = options.who;
  WEIR_ASSIGN(filter.from, time_option("--from", options.from));
  WEIR_ASSIGN(filter.to, time_option("--to", options.to));
  return filter;
}

/// Prints records as they come: JSON one on a line; tables and CSV at the end.
class Printer {
 public:
  explicit Printer(Output output) : output_(output) {}
  /// False once nobody reads any more.
  [[nodiscard]] bool add(std::string_view json) {
    ++records_;
    if (output_ == Output::json) return to_stdout(std::string(json) + "\n");
    rows_.push_back({members_of(json).value_or(std::vector<std::pair<std::string, std::string>>{})});
    return true;
  }
  void finish() const {
    if (output_ != Output::json) write_rows(output_, kColumns, rows_);
    std::fflush(stdout);
    fmt::print(stderr, "{} record{}\n", records_, records_ == 1 ? "" : "s");
  }

 private:
  Output output_;
  std::vector<Row> rows_;
  std::uint64_t records_ = 0;
};

/// Adds the records of one page; the cursor of the next one, empty at the end.
Result<std::string> add_page(std::string_view text, Printer& printer, bool& read) {
  const auto wrong = [] { return fail(Errc::invalid_argument, "the node answered with something that is no audit log; is it a weir node?"); };
  const auto members = members_of(text);
  if (!members) return wrong();
  std::string cursor;
  for (const auto& [name, value] : *members) {
    if (name == "next" && value != "null" && !append_unescaped(cursor, std::string_view(value).substr(1, value.size() - 2))) return wrong();
    if (name != "records") continue;
    const auto records = elements_of(value);
    if (!records) return wrong();
    for (const std::string& record : *records) read = read && printer.add(record);
  }
  return cursor;
}

int ask_audit(const Options& options) {
  std::string target = "/v1/audit?limit=1000";
  const auto add = [&target](std::string_view name, const std::string& value) {
    if (!value.empty()) target += fmt::format("&{}={}", name, percent_encoded(value));
  };
  add("id", options.id);
  add("who", options.who);
  add("from", options.from);
  add("to", options.to);
  Printer printer(options.output);
  std::string cursor;
  bool read = true;
  do {
    int code = kDone;
    const auto text = ask_node(options.source, target + (cursor.empty() ? "" : "&cursor=" + percent_encoded(cursor)), code);
    if (!text) return code;
    auto next = add_page(*text, printer, read);
    if (!next) return report(next.error());
    cursor = std::move(*next);
  } while (!cursor.empty() && read);
  printer.finish();
  return kDone;
}

int run(const Options& options) {
  const auto filter = filter_of(options);
  if (!filter) return report(filter.error());
  const std::string directory = data_of(options.source);
  if (directory.empty()) return ask_audit(options);
  int code = kDone;
  const auto data = open_data(directory, code);
  if (!data) return code;
  const auto pictures = data->pictures();
  if (!pictures) return report(pictures.error());
  Printer printer(options.output);
  const auto read = query_audit(*pictures, *filter, [&printer](std::string_view json) { return printer.add(json); });
  if (!read) return report(read.error());
  printer.finish();
  return kDone;
}

}  // namespace

Command make_audit(Level root) {
  auto options = std::make_shared<Options>();
  const Level app = root.add_command("audit", "What people changed by hand, the oldest first: who, when, why, what was before and after");
  app.footer("Example: weir audit --who alice --from 2026-03-01\n"
             "         weir audit --data ./sales --output json\n"
             "Every dead letter that was redriven, edited or dropped has a record, written in one commit with the change. --output json prints one on a line.");
  app.add_option("--id", options->id, "Only changes of this event").type_name("ID");
  app.add_option("--who", options->who, "Only changes by the token of this name").type_name("NAME");
  app.add_option("--from", options->from, "Only changes at this time or later: 2026-03-01 or 2026-03-01T09:00:00Z").type_name("TIME");
  app.add_option("--to", options->to, "Only changes before it").type_name("TIME");
  add_source(app, options->source);
  add_output(app, options->output);
  return {app, [options] { return run(*options); }};
}

}  // namespace weir::cli
