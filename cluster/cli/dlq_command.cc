#include <fmt/format.h>

#include <algorithm>
#include <cstdlib>

#include "cluster/cli/data_options.h"
#include "cluster/cli/data_source.h"
#include "cluster/cli/ledger.h"
#include "cluster/cli/progress.h"
#include "cluster/cli/raw_json.h"
#include "runtime/adapters/system/system_clock.h"
#include "runtime/adapters/yaml/tests_keys.h"
#include "runtime/base/json_text.h"
#include "runtime/base/suggest.h"
#include "runtime/engine/letters_query.h"

namespace weir::cli {

namespace {

struct Options {
  std::string id, stage, reason;
  DataSource source;
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

/// For people the reason comes first: a terminal cuts long lines. Programs get the order of the interface.
void write_letters(const Options& options, const std::vector<Row>& rows) {
  std::vector<std::string> columns{"id", "partition", "offset", "door", "accepted_at", "stage", "reason", "details", "attempts"};
  if (options.output == Output::table) columns = {"id", "stage", "reason", "details", "partition", "offset", "attempts", "accepted_at", "door"};
  write_rows(options.output, columns, rows);
}

/// `reasons`: name and number.
void write_total(std::uint64_t given, std::uint64_t total, const std::vector<std::pair<std::string, std::uint64_t>>& reasons) {
  std::string text;
  for (const auto& [reason, count] : reasons) text += fmt::format("{}{} {}", text.empty() ? "" : ", ", with_separators(count), reason);
  fmt::print(stderr, "{} of {}{}{}\n", with_separators(given), with_separators(total), text.empty() ? "" : ": ", text);
}

std::string filters_of(const Options& options) {
  std::string target;
  const auto add = [&target](std::string_view name, const std::string& value) {
    if (!value.empty()) target += fmt::format("&{}={}", name, percent_encoded(value));
  };
  add("id", options.id);
  add("stage", options.stage);
  add("reason", options.reason);
  return target;
}

/// Letters as the node gives them, page by page.
struct LetterPages {
  std::vector<Row> rows;
  std::uint64_t total = 0;
  std::vector<std::pair<std::string, std::uint64_t>> reasons;
};

/// The cursor of the next page, empty at the end. Error: it is no page.
Result<std::string> add_letters(std::string_view text, LetterPages& pages) {
  const auto wrong = [] { return fail(Errc::invalid_argument, "the node answered with something that holds no letters; is it a weir node?"); };
  const auto members = members_of(text);
  if (!members) return wrong();
  std::string cursor;
  pages.reasons.clear();
  for (const auto& [name, value] : *members) {
    if (name == "total") pages.total = std::strtoull(value.c_str(), nullptr, 10);
    if (name == "next" && value != "null" && !append_unescaped(cursor, std::string_view(value).substr(1, value.size() - 2))) return wrong();
    if (name == "by_reason") {
      const auto reasons = members_of(value);
      if (!reasons) return wrong();
      for (const auto& [reason, count] : *reasons) pages.reasons.emplace_back(reason, std::strtoull(count.c_str(), nullptr, 10));
    }
    if (name != "letters") continue;
    const auto letters = elements_of(value);
    if (!letters) return wrong();
    for (const std::string& one : *letters) {
      auto fields = members_of(one);
      if (!fields) return wrong();
      pages.rows.push_back({std::move(*fields)});
    }
  }
  return cursor;
}

/// False: reported, with `code`.
bool ask_letters(const Options& options, std::uint64_t limit, LetterPages& pages, int& code) {
  constexpr std::uint64_t kPage = 1'000;
  std::string cursor;
  do {
    const std::uint64_t left = limit == 0 ? kPage : limit - pages.rows.size();
    std::string target = fmt::format("/v1/dead-letters?limit={}", std::min(left, kPage)) + filters_of(options);
    if (!cursor.empty()) target += "&cursor=" + percent_encoded(cursor);
    const auto text = ask_node(options.source, target, code);
    if (!text) return false;
    auto next = add_letters(*text, pages);
    if (!next) {
      code = report(next.error());
      return false;
    }
    cursor = std::move(*next);
  } while (!cursor.empty() && (limit == 0 || pages.rows.size() < limit));
  return true;
}

int ask_list(const Options& options) {
  int code = kDone;
  LetterPages pages;
  if (!ask_letters(options, options.limit, pages, code)) return code;
  write_letters(options, pages.rows);
  write_total(pages.rows.size(), pages.total, pages.reasons);
  return kDone;
}

int list(const Options& options) {
  int code = kDone;
  const std::string directory = data_of(options.source);
  if (directory.empty()) return ask_list(options);
  const auto data = open_data(directory, code);
  if (!data) return code;
  const auto pictures = data->pictures();
  if (!pictures) return report(pictures.error());
  std::vector<Row> rows;
  const auto answer = query_letters(*pictures, filter_of(options, options.limit), [&](const PlacedLetter& letter) {
    rows.push_back(letter_row(letter));
    return true;
  });
  if (!answer) return report(answer.error());
  write_letters(options, rows);
  write_total(answer->given, answer->total, {answer->by_reason.begin(), answer->by_reason.end()});
  return kDone;
}

/// A JSON string that needs no escape stands without its quotes.
std::string_view plain(std::string_view token) {
  const bool quotes = token.size() >= 2 && token.front() == '"' && token.find('\\') == std::string_view::npos;
  return quotes ? token.substr(1, token.size() - 2) : token;
}

void show_letter(const Options& options, const Row& row, std::string& text) {
  if (options.output == Output::json) {
    append_row_json(text, row);
  } else {
    for (const auto& [name, token] : row.fields) text += fmt::format("{:<16} {}\n", name, plain(token));
  }
  text += '\n';
}

int none_to_show(const Options& options) {
  fmt::print(stderr, "weir: no open dead letter of id {}\n", options.id);
  return kAnswerIsNo;
}

int ask_show(const Options& options) {
  int code = kDone;
  LetterPages pages;
  if (!ask_letters(options, 0, pages, code)) return code;
  std::string text;
  for (const Row& row : pages.rows) show_letter(options, row, text);
  (void)to_stdout(text);
  return pages.rows.empty() ? none_to_show(options) : kDone;
}

int show(const Options& options) {
  int code = kDone;
  const std::string directory = data_of(options.source);
  if (directory.empty()) return ask_show(options);
  const auto data = open_data(directory, code);
  if (!data) return code;
  const auto pictures = data->pictures();
  if (!pictures) return report(pictures.error());
  std::uint64_t shown = 0;
  const auto answer = query_letters(*pictures, filter_of(options, 0), [&](const PlacedLetter& letter) {
    std::string text;
    show_letter(options, letter_row(letter), text);
    ++shown;
    return to_stdout(text);
  });
  if (!answer) return report(answer.error());
  return shown != 0 ? kDone : none_to_show(options);
}

/// Piece by piece, put together as they come.
int ask_export(const Options& options) {
  auto node = open_node(options.source);
  if (!node) return report(node.error());
  const std::string target = fmt::format("/v1/dead-letters?export={}&limit=10000", options.raw ? "raw" : "ndjson") + filters_of(options);
  std::string cursor;
  do {
    auto page = node->page(target + (cursor.empty() ? "" : "&cursor=" + percent_encoded(cursor)));
    if (!page) return report(page.error());
    if (!to_stdout(page->body)) return kDone;
    cursor = std::move(page->next);
  } while (!cursor.empty());
  return kDone;
}

int export_letters(const Options& options) {
  int code = kDone;
  const std::string directory = data_of(options.source);
  if (directory.empty()) return ask_export(options);
  const auto data = open_data(directory, code);
  if (!data) return code;
  const auto pictures = data->pictures();
  if (!pictures) return report(pictures.error());
  const LetterFilter filter = filter_of(options, 0);
  const SystemClock clock;
  Progress progress(clock, "exporting", options.raw ? "bytes" : "letters", Stdout::meanwhile);
  if (options.raw) {
    const auto answer = export_raw(*pictures, filter, [&progress, bytes = std::uint64_t{0}](std::string_view text) mutable {
      progress.update(bytes += text.size(), 0);
      return to_stdout(text);
    });
    progress.clear();
    return answer ? kDone : report(answer.error());
  }
  // Without a filter all that the ledger counts.
  const bool all = filters_of(options).empty();
  const std::uint64_t total = all && progress.shown() ? read_ledger(*data).total.ledger.dead_lettered : 0;
  const auto answer = query_letters(*pictures, filter, [&progress, total, count = std::uint64_t{0}](const PlacedLetter& letter) mutable {
    std::string text;
    append_row_json(text, letter_row(letter));
    text += '\n';
    progress.update(++count, total);
    return to_stdout(text);
  });
  progress.clear();
  return answer ? kDone : report(answer.error());
}

void add_filters(Level app, Options& options) {
  add_source(app, options.source);
  app.add_option("--stage", options.stage, "Only letters of this stage").type_name("STAGE");
  // Behind a colon stand the names of rules and of the user's own stages.
  const auto known = [](const std::string& reason) {
    const std::vector<std::string>& reasons = yaml::letter_reasons();
    if (reason.find(':') != std::string::npos || std::find(reasons.begin(), reasons.end(), reason) != reasons.end()) return std::string();
    const auto near = nearest(reason, reasons);
    return fmt::format("there is no reason '{}'{}; allowed are {}, rule:NAME, STAGE:REASON", reason,
                       near ? fmt::format(" (did you mean {}?)", *near) : "", fmt::join(reasons, ", "));
  };
  app.add_option("--reason", options.reason, "Only letters with this reason").type_name("REASON").check(known);
}

}  // namespace

Command make_dlq(Level root) {
  auto options = std::make_shared<Options>();
  const Level app = root.add_command("dlq", "Dead letters: events that could not be served, with their original bytes");
  app.require_command();
  app.footer("Example: weir dlq list --data ./sales --reason field_range");

  const Level lister = app.add_command("list", "Dead letters by reason, stage, id");
  lister.footer("Example: weir dlq list --data ./sales --reason field_range --limit 10");
  add_filters(lister, *options);
  lister.add_option("--id", options->id, "Only letters of this event").type_name("ID");
  lister.add_option("--limit", options->limit, "Letters printed; 0: all").shown_default("100").type_name("N");
  add_output(lister, options->output);

  const Level shower = app.add_command("show", "Everything about the dead letters of one event");
  shower.footer("Example: weir dlq show 1bcaaf794c6c55336c1b28bf68317c07 --data ./sales");
  shower.add_option("id", options->id, "Event id").required().type_name("ID");
  add_source(shower, options->source);
  add_output(shower, options->output);

  const Level exporter = app.add_command("export", "All letters as NDJSON, or only their original frames, to be mended and read again; unchanged they are duplicates while their ids are remembered");
  exporter.footer("Example: weir dlq export --data ./sales --raw > again.csv");
  add_filters(exporter, *options);
  exporter.add_option("--id", options->id, "Only letters of this event").type_name("ID");
  exporter.add_flag("--raw", options->raw, "Only the original frames");

  return {app, [=] {
            if (lister.parsed()) return list(*options);
            if (shower.parsed()) return show(*options);
            return export_letters(*options);
          }};
}

}  // namespace weir::cli
