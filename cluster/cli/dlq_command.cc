#include <fmt/format.h>

#include "cluster/cli/data_options.h"
#include "runtime/engine/letters_query.h"

namespace weir::cli {

namespace {

struct Options {
  std::string data, id, stage, reason;
  std::uint64_t limit = 100;
  bool raw = false;
  Output output = Output::table;
};

LetterFilter filter_of(const Options& options, std::uint64_t limit) {
  LetterFilter filter;
  if (!options.id.empty()) filter.id = options.id;
  if (!options.stage.empty()) filter.stage = options.stage;
  if (!options.reason.empty()) filter.reason = options.reason;
  filter.limit = limit;
  return filter;
}

int list(const Options& options) {
  int code = kDone;
  const auto data = open_data(options.data, code);
  if (!data) return code;
  const auto pictures = data->pictures();
  if (!pictures) return report(pictures.error());
  std::vector<Row> rows;
  const auto answer = query_letters(*pictures, filter_of(options, options.limit), [&](const PlacedLetter& letter) {
    rows.push_back(letter_row(letter));
    return true;
  });
  if (!answer) return report(answer.error());
  // For people the reason comes first: a terminal cuts long lines. Programs get the order of the interface.
  std::vector<std::string> columns{"id", "partition", "offset", "door", "accepted_at", "stage", "reason", "details", "attempts"};
  if (options.output == Output::table) columns = {"id", "stage", "reason", "details", "partition", "offset", "attempts", "accepted_at", "door"};
  write_rows(options.output, columns, rows);
  std::string reasons;
  for (const auto& [reason, count] : answer->by_reason) reasons += fmt::format("{}{} {}", reasons.empty() ? "" : ", ", with_separators(count), reason);
  fmt::print(stderr, "{} of {}{}{}\n", with_separators(answer->given), with_separators(answer->total), reasons.empty() ? "" : ": ", reasons);
  return kDone;
}

/// A JSON string that needs no escape stands without its quotes.
std::string_view plain(std::string_view token) {
  const bool quotes = token.size() >= 2 && token.front() == '"' && token.find('\\') == std::string_view::npos;
  return quotes ? token.substr(1, token.size() - 2) : token;
}

int show(const Options& options) {
  int code = kDone;
  const auto data = open_data(options.data, code);
  if (!data) return code;
  const auto pictures = data->pictures();
  if (!pictures) return report(pictures.error());
  std::uint64_t shown = 0;
  const auto answer = query_letters(*pictures, filter_of(options, 0), [&](const PlacedLetter& letter) {
    std::string text;
    const Row row = letter_row(letter);
    if (options.output == Output::json) {
      append_row_json(text, row);
      text += '\n';
    } else {
      for (const auto& [name, token] : row.fields) text += fmt::format("{:<16} {}\n", name, plain(token));
      text += '\n';
    }
    ++shown;
    return to_stdout(text);
  });
  if (!answer) return report(answer.error());
  if (shown != 0) return kDone;
  fmt::print(stderr, "weir: no open dead letter of id {}\n", options.id);
  return kAnswerIsNo;
}

int export_letters(const Options& options) {
  int code = kDone;
  const auto data = open_data(options.data, code);
  if (!data) return code;
  const auto pictures = data->pictures();
  if (!pictures) return report(pictures.error());
  const LetterFilter filter = filter_of(options, 0);
  if (options.raw) {
    const auto answer = export_raw(*pictures, filter, to_stdout);
    return answer ? kDone : report(answer.error());
  }
  const auto answer = query_letters(*pictures, filter, [](const PlacedLetter& letter) {
    std::string text;
    append_row_json(text, letter_row(letter));
    text += '\n';
    return to_stdout(text);
  });
  return answer ? kDone : report(answer.error());
}

void add_filters(CLI::App& app, Options& options) {
  add_data(app, options.data, true);
  app.add_option("--stage", options.stage, "Only letters of this stage")->type_name("STAGE");
  app.add_option("--reason", options.reason, "Only letters with this reason")->type_name("REASON");
}

}  // namespace

Command make_dlq(CLI::App& root) {
  auto options = std::make_shared<Options>();
  CLI::App* app = root.add_subcommand("dlq", "Dead letters: events that could not be served, with their original bytes");
  app->require_subcommand(1);
  app->footer("Example: weir dlq list --data ./sales --reason field_range");

  CLI::App* lister = app->add_subcommand("list", "Dead letters by reason, stage, id");
  lister->footer("Example: weir dlq list --data ./sales --reason field_range --limit 10");
  add_filters(*lister, *options);
  lister->add_option("--id", options->id, "Only letters of this event")->type_name("ID");
  lister->add_option("--limit", options->limit, "Letters printed; 0: all")->default_str("100")->type_name("N");
  add_output(*lister, options->output);

  CLI::App* shower = app->add_subcommand("show", "Everything about the dead letters of one event");
  shower->footer("Example: weir dlq show 1bcaaf794c6c55336c1b28bf68317c07 --data ./sales");
  shower->add_option("id", options->id, "Event id")->required()->type_name("ID");
  add_data(*shower, options->data, true);
  add_output(*shower, options->output);

  CLI::App* exporter = app->add_subcommand("export", "All letters as NDJSON, or only their original frames, ready to be read again");
  exporter->footer("Example: weir dlq export --data ./sales --raw > again.csv");
  add_filters(*exporter, *options);
  exporter->add_option("--id", options->id, "Only letters of this event")->type_name("ID");
  exporter->add_flag("--raw", options->raw, "Only the original frames");

  return {app, [=] {
            if (lister->parsed()) return list(*options);
            if (shower->parsed()) return show(*options);
            return export_letters(*options);
          }};
}

}  // namespace weir::cli
