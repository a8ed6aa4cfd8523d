// Dead letters as they lie there: lists and exports.
#include <fmt/format.h>

#include "cluster/api/calls.h"
#include "cluster/api/letter_choice.h"
#include "cluster/api/parameters.h"
#include "runtime/base/json_text.h"
#include "runtime/engine/letter_headers.h"

namespace weir::api {

namespace {

Result<HttpResponse> list(const Call& call, const std::vector<PartitionPicture>& pictures, const LetterFilter& filter) {
  HttpResponse response;
  response.body = R"({"letters":[)";
  bool first = true;
  WEIR_ASSIGN(const LettersAnswer answer, query_letters(pictures, filter, [&](const PlacedLetter& letter) {
                if (!std::exchange(first, false)) response.body.push_back(',');
                append_row_json(response.body, letter_row(letter));
                return response.body.size() < call.limits.answer_bytes_max;
              }));
  const std::string token = token_of(pictures, call.node->log_id()).encode();
  response.body += R"(],"next":)" + (answer.next ? to_json_string(place_text(*answer.next)) : "null");
  response.body += fmt::format(R"(,"total":{},"by_reason":{{)", answer.total);
  first = true;
  for (const auto& [reason, count] : answer.by_reason)
    response.body += fmt::format("{}{}:{}", std::exchange(first, false) ? "" : ",", to_json_string(reason), count);
  response.body += fmt::format(R"(}},"token":"{}"}})", token) + "\n";
  response.headers.emplace_back("Weir-Token", token);
  return response;
}

/// What an export is asked for beside the letters.
struct ExportCall {
  bool raw = false;
  std::optional<HeaderStyle> style;  // of messages; none: letters
  bool paged = false;                // whoever says limit or cursor knows of pages
  std::string layout;                // of raw: of the page before
};

/// The cursor of raw pages names the file's layout, too: "3-517-l0123…".
Result<ExportCall> read_export(const Call& call, LetterFilter& filter) {
  const HttpRequest& request = *call.request;
  ExportCall asked;
  const std::string_view form = *request.parameter("export");
  asked.raw = form == "raw";
  asked.style = header_style_of(form);
  if (form != "ndjson" && !asked.raw && !asked.style)
    return fail(Errc::invalid_argument,
                "export={}: allowed are ndjson (the letters), raw (the frames alone), kafka-connect and spring (messages with the headers of those tools)", form);
  const auto cursor = request.parameter("cursor");
  asked.paged = cursor || request.parameter("limit");
  if (!cursor) return asked;
  const std::size_t divider = asked.raw ? cursor->rfind('-') : std::string_view::npos;
  WEIR_ASSIGN(filter.after, parse_place(cursor->substr(0, divider)));
  if (asked.raw) asked.layout = cursor->substr(divider + 1);
  return asked;
}

/// NDJSON, or the original frames alone. Whole or not at all, for half an export that is taken for the whole is worse than
/// none; in pages to whoever asks for them.
Result<HttpResponse> export_all(const Call& call, const std::vector<PartitionPicture>& pictures,
                                const LetterFilter& filter, const ExportCall& asked) {
  HttpResponse response;
  const auto fits = [&] { return response.body.size() < call.limits.answer_bytes_max; };
  std::optional<std::string> next;
  if (asked.raw) {
    response.content_type = "application/octet-stream";
    const TextSink sink = [&](std::string_view text) {
      response.body += text;
      return fits();
    };
    WEIR_ASSIGN(const RawExport given, export_raw(pictures, filter, sink, asked.layout));
    if (given.letters.next) next = place_text(*given.letters.next) + "-" + given.layout;
  } else {
    response.content_type = "application/x-ndjson";
    WEIR_ASSIGN(const LettersAnswer given, query_letters(pictures, filter, [&](const PlacedLetter& letter) {
                  if (asked.style) {
                    append_letter_message(response.body, letter, *asked.style, call.node->pipeline().name);
                  } else {
                    append_row_json(response.body, letter_row(letter));
                  }
                  response.body.push_back('\n');
                  return fits();
                }));
    if (given.next) next = place_text(*given.next);
  }
  if (next && !asked.paged)
    return problem(413, fmt::format("the export is longer than {} MiB: take it in pages, with limit={} and then, as long as the "
                                    "header Weir-Next comes, with cursor= what it says; put together they are the export. Or "
                                    "choose by id, stage, reason, time or a field",
                                    call.limits.answer_bytes_max >> 20, call.limits.rows_max));
  if (next) response.headers.emplace_back("Weir-Next", *next);
  return response;
}

}  // namespace

void get_dead_letters(const Call& call) {
  const std::vector<std::string> known{"id", "stage", "reason", "from", "to", "export", "limit", "cursor", "wait"};
  if (const auto good = check_parameters(*call.request, known, kWherePrefix); !good) return call.reply(error_response(good.error()));
  const bool exports = call.request->parameter("export").has_value();
  auto filter = letter_filter(call, exports ? 0 : 100, call.limits.rows_max);
  if (!filter) return call.reply(error_response(filter.error()));
  if (exports) {
    const auto asked = read_export(call, *filter);
    if (!asked) return call.reply(error_response(asked.error()));
    return answer_with_letters(call, [call, filter = *filter, asked = *asked](const std::vector<PartitionPicture>& pictures) {
      return export_all(call, pictures, filter, asked);
    });
  }
  if (const auto cursor = call.request->parameter("cursor")) {
    const auto place = parse_place(*cursor);
    if (!place) return call.reply(error_response(place.error()));
    filter->after = *place;
  }
  answer_with_letters(call, [call, filter = *filter](const std::vector<PartitionPicture>& pictures) { return list(call, pictures, filter); });
}

void get_dead_letter(const Call& call) {
  if (const auto good = check_parameters(*call.request, {"wait"}); !good)
    return call.reply(error_response(good.error()));
  LetterFilter filter;
  filter.id = call.request->segments[2];
  filter.limit = call.limits.rows_max;
  answer_with_letters(call, [call, filter](const std::vector<PartitionPicture>& pictures) -> Result<HttpResponse> {
    WEIR_ASSIGN(HttpResponse response, list(call, pictures, filter));
    if (response.body.starts_with(R"({"letters":[])"))
      return fail(Errc::not_found, "there is no open dead letter of id '{}'", *filter.id);
    return response;
  });
}

}  // namespace weir::api
