// What people changed by hand.
#include <fmt/format.h>

#include <charconv>

#include "cluster/api/letter_choice.h"
#include "cluster/api/parameters.h"
#include "runtime/base/json_text.h"
#include "runtime/engine/audit.h"
#include "runtime/engine/view_key.h"

namespace weir::api {

namespace {

/// "1767323045678901-3-517-0" and back.
std::string audit_cursor(const AuditPlace& place) {
  return fmt::format("{}-{}-{}-{}", place.at, place.partition.value, place.sequence.value, place.number);
}

Result<AuditPlace> parse_cursor(std::string_view text) {
  AuditPlace place;
  std::string_view rest = text;
  bool good = true;
  const auto number = [&](auto& value, bool last) {
    const auto [end, error] = std::from_chars(rest.data(), rest.data() + rest.size(), value);
    const auto used = static_cast<std::size_t>(end - rest.data());
    good = good && error == std::errc{} && (last ? used == rest.size() : used < rest.size() && *end == '-');
    rest.remove_prefix(good && !last ? used + 1 : used);
  };
  number(place.at, false);
  if (good) number(place.partition.value, false);
  if (good) number(place.sequence.value, false);
  if (good) number(place.number, true);
  if (!good) return fail(Errc::invalid_argument, "cursor={}: give back `next` as it came", text);
  return place;
}

Result<AuditFilter> read_filter(const Call& call) {
  const HttpRequest& request = *call.request;
  WEIR_TRY(check_parameters(request, {"id", "who", "from", "to", "limit", "cursor", "wait"}));
  AuditFilter filter;
  if (const auto id = request.parameter("id")) filter.id = std::string(*id);
  if (const auto who = request.parameter("who")) filter.who = std::string(*who);
  WEIR_ASSIGN(filter.from, time_parameter(request, "from"));
  WEIR_ASSIGN(filter.to, time_parameter(request, "to"));
  if (const auto cursor = request.parameter("cursor")) {
    WEIR_ASSIGN(filter.after, parse_cursor(*cursor));
  }
  WEIR_ASSIGN(const auto limit, number_parameter(request, "limit", 1, call.limits.rows_max));
  filter.limit = limit.value_or(100);
  return filter;
}

Result<HttpResponse> records(const Call& call, const std::vector<PartitionPicture>& pictures, const AuditFilter& filter) {
  HttpResponse response;
  response.body = R"({"records":[)";
  bool first = true;
  WEIR_ASSIGN(const auto next, query_audit(pictures, filter, [&](std::string_view json) {
                if (!std::exchange(first, false)) response.body.push_back(',');
                response.body.append(json);
                return response.body.size() < call.limits.answer_bytes_max;
              }));
  response.body += R"(],"next":)" + (next ? to_json_string(audit_cursor(*next)) : "null") + "}\n";
  return response;
}

}  // namespace

void get_audit(const Call& call) {
  const auto filter = read_filter(call);
  if (!filter) return call.reply(error_response(filter.error()));
  with_ranges(call, {key_space::audit}, [call, filter = *filter](const std::vector<PartitionPicture>& pictures) {
    return records(call, pictures, filter);
  });
}

}  // namespace weir::api
