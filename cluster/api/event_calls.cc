// What became of events: the biography of one, and which ones have a value in a field of their original record.
#include <fmt/format.h>

#include "cluster/api/calls.h"
#include "cluster/api/parameters.h"
#include "runtime/base/json_text.h"
#include "runtime/base/time_text.h"

namespace weir::api {

namespace {

const std::string kWhere = "where.";

struct SearchCall {
  std::vector<std::pair<std::string, std::string>> fields;
  SearchPlace from;
  std::uint64_t limit = 0;
};

Result<SearchCall> read_search(const Call& call) {
  const HttpRequest& request = *call.request;
  WEIR_TRY(check_parameters(request, {"limit", "cursor"}, kWhere));
  SearchCall search;
  for (const auto& [name, value] : request.query)
    if (name.starts_with(kWhere)) search.fields.emplace_back(name.substr(kWhere.size()), value);
  if (search.fields.empty())
    return fail(Errc::invalid_argument,
                "a field of the original record is wanted: where.FIELD=VALUE, a column of CSV or a dotted path of "
                "JSON; one event is at "
                "/v1/events/{{id}}");
  WEIR_ASSIGN(const auto limit, number_parameter(request, "limit", 1, call.limits.rows_max));
  search.limit = limit.value_or(100);
  if (const auto cursor = request.parameter("cursor")) {
    WEIR_ASSIGN(const auto place, parse_place(*cursor));
    search.from = {place.first, place.second};
  }
  return search;
}

void append_found(std::string& json, const FoundEvent& event) {
  json += fmt::format(R"({{"id":{},"partition":{},"offset":{},"door":{},)", to_json_string(event.id),
                      event.partition.value, event.offset.value, to_json_string(event.door));
  if (event.line != 0) json += fmt::format(R"("line":{},)", event.line);
  json += fmt::format(R"("accepted_at":"{}"}})", to_rfc3339(event.accepted_at));
}

Result<HttpResponse> search(const Call& call, const SearchCall& asked) {
  HttpResponse response;
  response.body = R"({"events":[)";
  std::uint64_t found = 0;
  WEIR_ASSIGN(const SearchSlice slice, call.node->search(asked.fields, asked.from, [&](const FoundEvent& event) {
    if (found++ != 0) response.body.push_back(',');
    append_found(response.body, event);
    return found < asked.limit && response.body.size() < call.limits.answer_bytes_max;
  }));
  response.body +=
      R"(],"next":)" + (slice.next ? to_json_string(place_text({slice.next->partition, slice.next->offset})) : "null");
  response.body +=
      fmt::format(R"(,"with_fields":{},"scanned":{},"total":{}}})", slice.with_fields, slice.scanned, slice.total) +
      "\n";
  return response;
}

/// Runs `answer` where it may take its time.
void take_time(const Call& call, std::function<Result<HttpResponse>()> answer) {
  const bool taken = call.node->work([call, answer = std::move(answer)] {
    auto response = answer();
    call.reply(response ? std::move(*response) : error_response(response.error()));
  });
  if (!taken)
    call.reply(error_response({Errc::limit_reached, "too many questions wait for an answer; ask again later"}));
}

}  // namespace

void get_event(const Call& call) {
  if (const auto good = check_parameters(*call.request, {}); !good) return call.reply(error_response(good.error()));
  call.node->biography(call.request->segments[2], [call](Result<EventLife> life) {
    if (!life) return call.reply(error_response(life.error()));
    if (life->json.empty()) return call.reply(problem(404, life->never_seen));
    HttpResponse response;
    response.body = std::move(life->json) + "\n";
    call.reply(std::move(response));
  });
}

void get_events(const Call& call) {
  auto asked = read_search(call);
  if (!asked) return call.reply(error_response(asked.error()));
  take_time(call, [call, asked = std::move(*asked)] { return search(call, asked); });
}

}  // namespace weir::api
