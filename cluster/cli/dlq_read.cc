// Dead letters as they lie there: `weir dlq list`, `show` and `export`.
#include <fmt/format.h>

#include <algorithm>
#include <cstdlib>
#include <memory>
#include <optional>

#include "cluster/cli/data_options.h"
#include "cluster/cli/dlq_options.h"
#include "cluster/cli/ledger.h"
#include "cluster/cli/progress.h"
#include "cluster/cli/raw_json.h"
#include "runtime/adapters/system/system_clock.h"
#include "runtime/base/json_text.h"
#include "runtime/engine/letter_headers.h"

namespace weir::cli {

namespace {

/// For people the reason comes first: a terminal cuts long lines. Programs get the order of the interface.
void write_letters(const LetterOptions& options, const std::vector<Row>& rows) {
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

/// The letters of a data directory that nobody runs, and which of them are wanted.
struct StoppedLetters {
  std::unique_ptr<StoppedData> data;
  std::vector<PartitionPicture> pictures;  // of data
  LetterFilter filter;
};
/// Nothing: reported, with `code`.
std::optional<StoppedLetters> open_letters(const std::string& directory, const LetterOptions& options, std::uint64_t limit, int& code) {
  StoppedLetters letters;
  letters.data = open_data(directory, code);
  if (!letters.data) return std::nullopt;
  auto pictures = letters.data->pictures();
  auto filter = filter_of(options, limit, letters.data->config().record.csv.separator);
  if (!pictures || !filter) {
    code = report(pictures ? filter.error() : pictures.error());
    return std::nullopt;
  }
  letters.pictures = std::move(*pictures);
  letters.filter = std::move(*filter);
  return letters;
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
bool ask_letters(const LetterOptions& options, std::uint64_t limit, LetterPages& pages, int& code) {
  constexpr std::uint64_t kPage = 1'000;
  const auto parameters = parameters_of(options);
  if (!parameters) {
    code = report(parameters.error());
    return false;
  }
  std::string cursor;
  do {
    const std::uint64_t left = limit == 0 ? kPage : limit - pages.rows.size();
    std::string target = fmt::format("/v1/dead-letters?limit={}", std::min(left, kPage)) + *parameters;
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

int ask_list(const LetterOptions& options) {
  int code = kDone;
  LetterPages pages;
  if (!ask_letters(options, options.limit, pages, code)) return code;
  write_letters(options, pages.rows);
  write_total(pages.rows.size(), pages.total, pages.reasons);
  return kDone;
}

}  // namespace

int list_letters(const LetterOptions& options) {
  int code = kDone;
  const std::string directory = data_of(options.source);
  if (directory.empty()) return ask_list(options);
  const auto stopped = open_letters(directory, options, options.limit, code);
  if (!stopped) return code;
  std::vector<Row> rows;
  const auto answer = query_letters(stopped->pictures, stopped->filter, [&](const PlacedLetter& letter) {
    rows.push_back(letter_row(letter));
    return true;
  });
  if (!answer) return report(answer.error());
  write_letters(options, rows);
  write_total(answer->given, answer->total, {answer->by_reason.begin(), answer->by_reason.end()});
  return kDone;
}

namespace {

/// A JSON string that needs no escape stands without its quotes.
std::string_view plain(std::string_view token) {
  const bool quotes = token.size() >= 2 && token.front() == '"' && token.find('\\') == std::string_view::npos;
  return quotes ? token.substr(1, token.size() - 2) : token;
}

void show_letter(const LetterOptions& options, const Row& row, std::string& text) {
  if (options.output == Output::json) {
    append_row_json(text, row);
  } else {
    for (const auto& [name, token] : row.fields) text += fmt::format("{:<16} {}\n", name, plain(token));
  }
  text += '\n';
}

int none_to_show(const LetterOptions& options) {
  fmt::print(stderr, "weir: no open dead letter of id {}\n", options.id);
  return kAnswerIsNo;
}

int ask_show(const LetterOptions& options) {
  int code = kDone;
  LetterPages pages;
  if (!ask_letters(options, 0, pages, code)) return code;
  std::string text;
  for (const Row& row : pages.rows) show_letter(options, row, text);
  (void)to_stdout(text);
  return pages.rows.empty() ? none_to_show(options) : kDone;
}

}  // namespace

int show_letters(const LetterOptions& options) {
  int code = kDone;
  const std::string directory = data_of(options.source);
  if (directory.empty()) return ask_show(options);
  const auto stopped = open_letters(directory, options, 0, code);
  if (!stopped) return code;
  std::uint64_t shown = 0;
  const auto answer = query_letters(stopped->pictures, stopped->filter, [&](const PlacedLetter& letter) {
    std::string text;
    show_letter(options, letter_row(letter), text);
    ++shown;
    return to_stdout(text);
  });
  if (!answer) return report(answer.error());
  return shown != 0 ? kDone : none_to_show(options);
}

namespace {

/// Piece by piece, put together as they come.
int ask_export(const LetterOptions& options) {
  const auto parameters = parameters_of(options);
  if (!parameters) return report(parameters.error());
  auto node = open_node(options.source);
  if (!node) return report(node.error());
  const std::string form = !options.headers.empty() ? options.headers : options.raw ? "raw" : "ndjson";
  const std::string target = fmt::format("/v1/dead-letters?export={}&limit=10000", form) + *parameters;
  std::string cursor;
  do {
    auto page = node->page(target + (cursor.empty() ? "" : "&cursor=" + percent_encoded(cursor)));
    if (!page) return report(page.error());
    if (!to_stdout(page->body)) return kDone;
    cursor = std::move(page->next);
  } while (!cursor.empty());
  return kDone;
}

}  // namespace

int export_letters(const LetterOptions& options) {
  int code = kDone;
  const std::string directory = data_of(options.source);
  if (directory.empty()) return ask_export(options);
  const auto stopped = open_letters(directory, options, 0, code);
  if (!stopped) return code;
  const SystemClock clock;
  Progress progress(clock, "exporting", options.raw ? "bytes" : "letters", Stdout::meanwhile);
  if (options.raw) {
    const auto answer = export_raw(stopped->pictures, stopped->filter, [&progress, bytes = std::uint64_t{0}](std::string_view text) mutable {
      progress.update(bytes += text.size(), 0);
      return to_stdout(text);
    });
    progress.clear();
    return answer ? kDone : report(answer.error());
  }
  // Without a filter all that the ledger counts.
  const auto chosen = parameters_of(options);
  const bool all = chosen && chosen->empty();
  const std::uint64_t total = all && progress.shown() ? read_ledger(*stopped->data).total.ledger.dead_lettered : 0;
  const auto answer = query_letters(stopped->pictures, stopped->filter, [&progress, &stopped, total, style = header_style_of(options.headers), count = std::uint64_t{0}](const PlacedLetter& letter) mutable {
    std::string text;
    if (style) {
      append_letter_message(text, letter, *style, stopped->data->config().name);
    } else {
      append_row_json(text, letter_row(letter));
    }
    text += '\n';
    progress.update(++count, total);
    return to_stdout(text);
  });
  progress.clear();
  return answer ? kDone : report(answer.error());
}

}  // namespace weir::cli
