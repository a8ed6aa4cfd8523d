// What comes by at doors, behind stages, in the curated and in the dead-letter log.
#include <fmt/format.h>

#include <charconv>

#include "cluster/api/calls.h"
#include "cluster/api/parameters.h"
#include "cluster/api/tap.h"
#include "runtime/base/json_text.h"

namespace weir::api {

namespace {

const std::string kWhere = "where.";

Result<double> share_parameter(const HttpRequest& request) {
  const auto text = request.parameter("sample");
  if (!text) return 1.0;
  double share = 0;
  const auto read = std::from_chars(text->data(), text->data() + text->size(), share);
  if (read.ec != std::errc{} || read.ptr != text->data() + text->size() || !(share > 0 && share <= 1))
    return fail(Errc::invalid_argument, "sample: '{}' is no number above 0 up to 1", *text);
  return share;
}

Result<TapRequest> read_tap(const Call& call) {
  const HttpRequest& request = *call.request;
  WEIR_TRY(check_parameters(request, {"on", "sample", "limit", "cursor"}, kWhere));
  TapRequest tap;
  tap.on = request.parameter("on").value_or("");
  if (tap.on != "doors" && tap.on != "curated" && tap.on != "dead-letters" && !tap.on.starts_with(kTapStage))
    return fail(Errc::invalid_argument, "on: '{}' cannot be tapped; allowed are doors, stage:NAME, curated, dead-letters", tap.on);
  for (const auto& [name, value] : request.query)
    if (name.starts_with(kWhere)) tap.fields.emplace_back(name.substr(kWhere.size()), value);
  WEIR_ASSIGN(tap.sample, share_parameter(request));
  WEIR_ASSIGN(const auto limit, number_parameter(request, "limit", 1, 1'000));
  tap.limit = limit.value_or(100);
  tap.cursor = request.parameter("cursor").value_or("");
  return tap;
}

HttpResponse answer_of(const TapRequest& tap, const TapAnswer& answer) {
  HttpResponse response;
  response.body = fmt::format(R"({{"on":{},"items":[{}],"next":{},"looked":{},"dropped":{}}})", to_json_string(tap.on), fmt::join(answer.items, ","),
                              to_json_string(answer.next), answer.looked, answer.dropped) +
                  "\n";
  return response;
}

}  // namespace

void get_tap(const Call& call) {
  auto tap = read_tap(call);
  if (!tap) return call.reply(error_response(tap.error()));
  const bool taken = call.node->work([call, tap = std::move(*tap)] {
    const auto answer = call.node->tap(tap);
    call.reply(answer ? answer_of(tap, *answer) : error_response(answer.error()));
  });
  if (!taken) call.reply(error_response({Errc::limit_reached, "too many questions wait for an answer; ask again later"}));
}

}  // namespace weir::api
