#include "actors/sinks/http_target.h"

#include <fmt/format.h>

#include <algorithm>

#include "runtime/engine/retry_after.h"

namespace weir {

namespace {

/// Of the answer's body: only for messages.
constexpr std::uint64_t kAnswerBytesMax = 64 * 1024;
constexpr std::size_t kExcerptMax = 200;

/// The beginning of what a server says, on one line.
std::string excerpt(const std::string& body) {
  std::string out;
  for (const char c : body.substr(0, kExcerptMax)) out += static_cast<unsigned char>(c) < 0x20 ? ' ' : c;
  while (out.ends_with(' ')) out.pop_back();
  return out.empty() ? out : ": " + out;
}

}  // namespace

SinkAnswer judge_answer(const HttpSinkConfig& config, const Result<HttpAnswer>& answer, UnixMicros wall) {
  using Kind = SinkAnswer::Kind;
  // More than anybody reads, but it came with the status of a server that took it or did not: nobody knows.
  if (!answer) return {answer.error().code == Errc::invalid_argument ? Kind::unusable : Kind::failed, answer.error().context, {}};
  const int status = answer->status;
  const std::string said = fmt::format("{} answered {}{}", server_of_url(config.url), status, excerpt(answer->body));
  if (status >= 200 && status <= 299) return {};
  const bool passes = status >= 500 || status == 408 || status == 409 || status == 425 || status == 429 ||
                      std::find(config.temporary_statuses.begin(), config.temporary_statuses.end(), status) != config.temporary_statuses.end();
  if (passes) {
    const auto asked = parse_retry_after(answer->header("retry-after").value_or(""), wall);
    return {Kind::failed, said, std::min(asked.value_or(std::chrono::milliseconds(0)), config.retry_after_max)};
  }
  if (status == 400 || status == 413 || status == 422) return {Kind::refused, said, {}};
  return {Kind::unusable, status >= 300 && status <= 399 ? said + " (redirects are not followed)" : said, {}};
}

std::string_view content_type_of(const SinkText& text) {
  if (text.format == SinkFormat::ndjson) return "application/x-ndjson";
  return text.envelope == SinkEnvelope::cloudevents ? "application/cloudevents-batch+json" : "application/json";
}

Result<HttpFetchRequest> request_of(const HttpSinkConfig& config, const SinkBatch& batch, const std::function<Result<std::string>(const std::string&)>& read) {
  HttpFetchRequest request;
  request.method = "POST";
  request.url = config.url;
  request.connect_timeout = std::min(config.connect_timeout, config.deadline);
  request.deadline = config.deadline;
  request.answer_bytes_max = kAnswerBytesMax;
  request.headers.emplace_back("Content-Type", content_type_of(config.text));
  // A string of RFC 9651, as the draft on this header has it.
  request.headers.emplace_back("Idempotency-Key", fmt::format("\"{}\"", batch.key));
  for (const HttpLookupHeader& header : config.headers) {
    std::string value = header.value;
    if (!header.value_file.empty()) {
      auto text = read(header.value_file);
      if (!text) return fail(Errc::config_invalid, "the header {}: {}", header.name, text.error().context);
      value = std::move(*text);
      while (value.ends_with('\n') || value.ends_with('\r')) value.pop_back();
    }
    request.headers.emplace_back(header.name, std::move(value));
  }
  request.body.reserve(batch.bytes + batch.items.size() + 2);
  const bool array = config.text.format == SinkFormat::json;
  if (array) request.body += '[';
  for (const SinkItem& item : batch.items) {
    if (array && request.body.size() > 1) request.body += ',';
    request.body += item.text;
    if (!array) request.body += '\n';
  }
  if (array) request.body += ']';
  return request;
}

void HttpTarget::send(std::shared_ptr<const SinkBatch> batch, SinkAnswered answered) {
  auto request = request_of(config_, *batch, ports_.read);
  if (!request) return answered({SinkAnswer::Kind::failed, request.error().context, {}});
  const Clock* clock = ports_.clock;
  const auto started = ports_.fetch->start(std::move(*request), [config = config_, clock, answered](Result<HttpAnswer> answer) { answered(judge_answer(config, answer, clock->wall())); });
  if (!started) answered(judge_answer(config_, fail(started.error()), clock->wall()));
}

}  // namespace weir
