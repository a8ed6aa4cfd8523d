// Views, and what was read as a token.
#include <fmt/format.h>

#include <algorithm>

#include "cluster/api/calls.h"
#include "cluster/api/parameters.h"
#include "runtime/base/json_text.h"
#include "runtime/base/suggest.h"
#include "runtime/base/time_text.h"
#include "runtime/engine/query.h"
#include "runtime/engine/query_output.h"

namespace weir::api {

Result<std::optional<ReadToken>> token_of(const HttpRequest& request) {
  const auto text = request.header("weir-token");
  if (!text) return std::optional<ReadToken>{};
  WEIR_ASSIGN(ReadToken token, ReadToken::decode(*text));
  return std::optional<ReadToken>{std::move(token)};
}

ReadToken token_of(const std::vector<PartitionPicture>& pictures, const Digest128& log_id) {
  ReadToken token(log_id);
  for (const PartitionPicture& picture : pictures) token.note_sequence(picture.partition, picture.at.sequence);
  return token;
}

namespace {

/// A view's kind and columns, as JSON.
std::string describe_view(const View& view) {
  std::string json = fmt::format(R"({{"view":{},"kind":"{}","key":[)", to_json_string(view.config.name),
                                 view.latest ? "latest" : view.fold != nullptr ? "plugin" : "aggregate");
  const std::vector<FieldPath> key = view.latest ? std::vector<FieldPath>{*view.config.latest} : view.config.group_by;
  for (std::size_t i = 0; i < key.size(); ++i) json += (i == 0 ? "" : ",") + to_json_string(key[i].text);
  json += R"(],"windows":[)";
  for (std::size_t i = 0; i < view.config.windows.size(); ++i)
    json += (i == 0 ? "" : ",") + to_json_string(view.config.windows[i].text);
  json += R"(],"columns":[)";
  const std::vector<std::string> columns = row_columns(view);
  for (std::size_t i = 0; i < columns.size(); ++i) json += (i == 0 ? "" : ",") + to_json_string(columns[i]);
  return json + "]}";
}

struct ViewCall {
  QueryRequest query;
  bool csv = false;
  std::optional<ReadToken> token;
  std::chrono::milliseconds wait{0};
  std::optional<AsOf> as_of;
};

/// A misspelt field would answer "no rows". Views of whole records have whatever fields the records have: not checked.
Result<void> check_fields(const QueryRequest& query, const View& view) {
  const std::vector<std::string> columns = row_columns(view);
  if (columns.empty()) return {};
  for (const auto& [field, value] : query.where) {
    if (std::find(columns.begin(), columns.end(), field) != columns.end()) continue;
    const auto near = nearest(field, columns);
    return fail(Errc::invalid_argument, "where.{}: rows of view '{}' have no such field{}; they have: {}", field,
                query.view, near ? fmt::format(" (did you mean {}?)", *near) : "", fmt::join(columns, ", "));
  }
  return {};
}

Result<bool> wants_csv(const HttpRequest& request) {
  const auto accept = request.header("accept");
  if (!accept || accept->find("application/json") != std::string_view::npos ||
      accept->find("*/*") != std::string_view::npos) {
    return accept && accept->starts_with("text/csv");
  }
  if (accept->find("text/csv") != std::string_view::npos) return true;
  return false;
}

Result<ViewCall> read_call(const Call& call) {
  const HttpRequest& request = *call.request;
  static const std::string kWhere = "where.";
  WEIR_TRY(check_parameters(request, {"limit", "cursor", "from", "to", "wait", "total", "as_of"}, kWhere));
  ViewCall made;
  QueryRequest& query = made.query;
  query.view = request.segments[2];
  query.key.assign(request.segments.begin() + 3, request.segments.end());
  for (const auto& [name, value] : request.query)
    if (name.starts_with(kWhere)) query.where.emplace_back(name.substr(kWhere.size()), value);
  WEIR_ASSIGN(const auto limit, number_parameter(request, "limit", 1, call.limits.rows_max));
  query.limit = limit.value_or(100);
  query.cursor = request.parameter("cursor").value_or("");
  WEIR_ASSIGN(query.from, time_parameter(request, "from"));
  WEIR_ASSIGN(query.to, time_parameter(request, "to"));
  WEIR_ASSIGN(query.count_total, flag_parameter(request, "total"));
  WEIR_ASSIGN(const auto wait, duration_parameter(request, "wait", call.limits.wait_max));
  made.wait = wait.value_or(call.limits.wait_default);
  WEIR_ASSIGN(made.token, token_of(request));
  WEIR_ASSIGN(made.csv, wants_csv(request));
  if (const auto as_of = request.parameter("as_of")) {
    if (made.token) return fail(Errc::invalid_argument, "as_of names what is read by itself: leave the Weir-Token header away");
    WEIR_ASSIGN(made.as_of, parse_as_of(*as_of));
  }
  return made;
}

/// Everything behind `next` in the JSON of an answer.
std::string answer_tail(const QueryAnswer& answer, const std::string& token) {
  std::string tail = answer.next ? to_json_string(*answer.next) : "null";
  if (answer.total) tail += fmt::format(R"(,"total":{})", *answer.total);
  if (!answer.filled) tail += R"(,"filled":false)";
  if (answer.complete_since != kNoTime)
    tail += fmt::format(R"(,"complete_since":"{}")", to_rfc3339(answer.complete_since));
  return tail + fmt::format(R"(,"token":"{}"}})", token) + "\n";
}

Result<HttpResponse> answer_json(const Call& call, const ViewCall& asked, const std::vector<PartitionPicture>& pictures,
                                 const std::string& token) {
  HttpResponse response;
  response.body = fmt::format(R"({{"view":{},"rows":[)", to_json_string(asked.query.view));
  bool first = true;
  WEIR_ASSIGN(const QueryAnswer answer, query_view(pictures, call.node->views(), asked.query, [&](const Row& row) {
                if (!std::exchange(first, false)) response.body.push_back(',');
                append_row_json(response.body, row);
                return response.body.size() < call.limits.answer_bytes_max;
              }));
  response.body += R"(],"next":)" + answer_tail(answer, token);
  response.headers.emplace_back("Weir-Token", token);
  return response;
}

Result<HttpResponse> answer_csv(const Call& call, const ViewCall& asked, const std::vector<PartitionPicture>& pictures,
                                const std::string& token) {
  HttpResponse response;
  response.content_type = "text/csv; charset=utf-8";
  WEIR_ASSIGN(const QueryAnswer answer,
              write_query(pictures, call.node->views(), asked.query, RowFormat::csv, [&](std::string_view text) {
                response.body += text;
                return response.body.size() < call.limits.answer_bytes_max;
              }));
  if (answer.next) response.headers.emplace_back("Weir-Next", *answer.next);
  response.headers.emplace_back("Weir-Token", token);
  return response;
}

}  // namespace

void get_views(const Call& call) {
  if (const auto good = check_parameters(*call.request, {}); !good) return call.reply(error_response(good.error()));
  HttpResponse response;
  response.body = R"({"views":[)";
  bool first = true;
  for (const View& view : call.node->views().views())
    response.body += (std::exchange(first, false) ? "" : ",") + describe_view(view);
  response.body += "]}\n";
  call.reply(std::move(response));
}

void get_view(const Call& call) {
  const auto read = read_call(call);
  if (!read) return call.reply(error_response(read.error()));
  const View* view = call.node->views().find(read->query.view);
  if (view == nullptr) {
    std::string names;
    for (const View& known : call.node->views().views()) names += (names.empty() ? "" : ", ") + known.config.name;
    return call.reply(problem(404, fmt::format("there is no view '{}'; this pipeline has: {}", read->query.view,
                                               names.empty() ? "none" : names)));
  }
  if (const auto good = check_fields(read->query, *view); !good) return call.reply(error_response(good.error()));
  auto asked = std::make_shared<const ViewCall>(*read);
  const auto answer = [call, asked](Result<std::vector<PartitionPicture>> pictures) {
    if (!pictures) return call.reply(error_response(pictures.error()));
    const std::string token = token_of(*pictures, call.node->log_id()).encode();
    auto response = asked->csv ? answer_csv(call, *asked, *pictures, token) : answer_json(call, *asked, *pictures, token);
    call.reply(response ? std::move(*response) : error_response(response.error()));
  };
  if (asked->as_of) return call.node->past(*asked->as_of, answer);
  const auto ranges = [asked, view](PartitionId partition, const StateCursor& at) { return query_ranges(partition, at, *view, asked->query); };
  call.node->pictures(ranges, asked->token, asked->wait, answer);
}

}  // namespace weir::api
