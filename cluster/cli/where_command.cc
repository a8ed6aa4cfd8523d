#include <fmt/format.h>

#include "actors/doors/frame_format.h"
#include "actors/doors/router.h"
#include "cluster/cli/biography_json.h"
#include "cluster/cli/data_options.h"
#include "cluster/cli/data_source.h"
#include "cluster/cli/where_field.h"
#include "cluster/node/biography.h"

namespace weir::cli {

namespace {

struct Options {
  std::string id, raw;
  FieldSearch search;
  DataSource source;
  Output output = Output::table;
};

/// The id that the node's doors find in `raw`. A field of CSV needs its header, which a line alone does not have.
Result<std::string> id_of_line(NodeClient& node, const std::string& raw) {
  WEIR_ASSIGN(const NodePipeline pipeline, ask_pipeline(node));
  const IdRule& rule = pipeline.record.id;
  if (rule.digest && pipeline.record.format != RecordFormat::cloudevents) return digest_id(raw);
  if (pipeline.record.format == RecordFormat::csv)
    return fail(Errc::invalid_argument, "--raw: ids of pipeline '{}' come from columns, and a line has no header; name the event by its ID",
                pipeline.name);
  const bool cloudevents = pipeline.record.format == RecordFormat::cloudevents;
  EventIdFinder finder(event_id_rule(rule, cloudevents ? FrameFormat::cloudevents : FrameFormat::json));
  const SharedBytes padded = SharedBytes::copy_of(raw);
  return std::string(finder.json(padded.view()).text);
}

int never_seen(const std::string& id, std::int64_t kept_since) {
  fmt::print(stderr, "weir: {}\n", never_seen_text(id, kept_since));
  return kAnswerIsNo;
}

int line_never_seen() {
  fmt::print(stderr, "weir: no event with exactly these bytes was seen in the time kept; a line stands without its line end\n");
  return kAnswerIsNo;
}

int ask_where(const Options& options) {
  auto node = open_node(options.source);
  if (!node) return report(node.error());
  std::string id = options.id;
  if (id.empty()) {
    auto found = id_of_line(*node, options.raw);
    if (!found) return report(found.error());
    id = std::move(*found);
  }
  const auto text = node->get("/v1/events/" + percent_encoded(id));
  if (!text && text.error().code == Errc::not_found && !options.raw.empty()) return line_never_seen();
  if (!text && text.error().code == Errc::not_found) {
    fmt::print(stderr, "weir: {}\n", text.error().context);
    return kAnswerIsNo;
  }
  if (!text) return report(text.error());
  if (options.output == Output::json) {
    (void)to_stdout(*text);
    return kDone;
  }
  const auto biography = parse_biography(*text);
  if (!biography) return report(biography.error());
  (void)to_stdout(biography_text(*biography));
  return kDone;
}

int run(const Options& options) {
  if (options.id.empty() && options.raw.empty() && options.search.fields.empty())
    return report(Error{Errc::invalid_argument, "name the event by its ID, by --raw LINE, or events by --field NAME=VALUE"});
  int code = kDone;
  const std::string directory = data_of(options.source);
  if (directory.empty() && !options.search.fields.empty()) return search_node(options.search, options.source, options.output);
  if (directory.empty()) return ask_where(options);
  const auto data = open_data(directory, code);
  if (!data) return code;
  if (!options.search.fields.empty()) return search_data(options.search, *data, options.output);
  const StoppedLogReader log{data->log()};
  std::string id = options.id;
  if (id.empty()) {
    const auto found = id_of_raw(log, options.raw);
    if (!found) return report(found.error());
    if (!*found) {
      return line_never_seen();
    }
    id = **found;
  }
  const auto biography = biography_of(log, [&data](PartitionId p) { return data->flushed(p); }, id);
  if (!biography) return report(biography.error());
  if (biography->attempts.empty()) {
    return never_seen(id, biography->kept_since);
  }
  (void)to_stdout(options.output == Output::json ? biography_json(*biography) + "\n" : biography_text(*biography));
  return kDone;
}

}  // namespace

Command make_where(Level root) {
  auto options = std::make_shared<Options>();
  const Level app = root.add_command("where", "The biography of one event: every time it came, and what became of it");
  app.footer(
      "Example: weir where 1bcaaf794c6c55336c1b28bf68317c07 --data ./sales\n"
      "         weir where --raw \"$(sed -n 2p sales.csv)\" --data ./sales\n"
      "         weir where --field InvoiceNo=536365 --field StockCode=85123A --data ./sales\n"
      "By its ID or --raw, one partition is read; --field looks through everything that was accepted and is kept, served or not.\n"
      "`rules` is the version of the stages that decided, with their tables, schemas and scripts: what has the same one went through the\n"
      "same rules. GET /v1/pipeline of a node says which one it has now.\n"
      "Exit code 1: never seen in the time kept.");
  const Option id = app.add_option("id", options->id, "Event id").type_name("ID");
  const Option raw = app.add_option("--raw", options->raw, "Its original line instead of its id, without the line end").type_name("LINE").excludes(id);
  const Option field = app.add_option("--field", options->search.fields,
                                "Every event whose original record has this value: a column of CSV, or a dotted path of JSON; may be repeated, all must hold");
  field.type_name("NAME=VALUE").repeatable().excludes(id).excludes(raw);
  app.add_option("--limit", options->search.limit, "With --field: events printed; 0: all").type_name("N").shown_default("10").needs(field);
  add_source(app, options->source);
  add_output(app, options->output);
  return {app, [options] { return run(*options); }};
}

}  // namespace weir::cli
