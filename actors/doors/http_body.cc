#include "actors/doors/http_body.h"

#include <algorithm>
#include <array>
#include <cstring>
#include <iterator>
#include <optional>

#include "runtime/base/base64.h"
#include "runtime/base/json_text.h"

namespace weir {

namespace {

constexpr std::string_view kAllowed =
    "application/json, application/x-ndjson, text/csv, application/geo+json, application/cloudevents+json, "
    "application/cloudevents-batch+json, or any type with ce-id, ce-source, ce-type and ce-specversion headers";

/// What a format means for a body; a body is one document where a file may be lines.
std::optional<InputFormat> body_format(RecordFormat format) {
  switch (format) {
    case RecordFormat::json:
      return InputFormat{Framing::json, FrameFormat::json};
    case RecordFormat::ndjson:
      return InputFormat{Framing::lines, FrameFormat::json};
    case RecordFormat::csv:
      return InputFormat{Framing::csv, FrameFormat::csv};
    case RecordFormat::geojson:
      return InputFormat{Framing::geojson, FrameFormat::json};
    case RecordFormat::cloudevents:
      return InputFormat{Framing::json, FrameFormat::cloudevents};
    case RecordFormat::any:
      break;
  }
  return std::nullopt;
}

/// What to say to curl, which most of those who meet this use.
std::string curl_advice(RecordFormat format) {
  switch (format) {
    case RecordFormat::json:
      return "-H 'Content-Type: application/json'";
    case RecordFormat::csv:
      return "-H 'Content-Type: text/csv'";
    case RecordFormat::geojson:
      return "-H 'Content-Type: application/geo+json'";
    case RecordFormat::cloudevents:
      return "-H 'Content-Type: application/cloudevents+json'";
    case RecordFormat::ndjson:
    case RecordFormat::any:
      break;
  }
  return "-H 'Content-Type: application/x-ndjson'";
}

Result<InputFormat> format_of(const HttpBodyConfig& config, const HttpRequest& request) {
  const auto type = request.header("content-type");
  const RecordFormat said = type ? record_format_of_content_type(*type) : config.format;
  if (auto format = body_format(said)) {
    // As with files: CloudEvents of the pipeline are told from other JSON by the pipeline alone.
    const bool json = said == RecordFormat::json || said == RecordFormat::ndjson;
    if (json && config.format == RecordFormat::cloudevents) format->frames = FrameFormat::cloudevents;
    return *format;
  }
  const bool named = config.format != RecordFormat::any;
  const std::string advice =
      fmt::format("for {} say, with curl, {}", named ? record_format_name(config.format) : "lines of JSON", curl_advice(config.format));
  if (!type)
    return fail(Errc::invalid_argument, "the request has no Content-Type, and the pipeline no record.format; {}; allowed: {}",
                advice, kAllowed);
  const bool form = type->starts_with("application/x-www-form-urlencoded");
  return fail(Errc::invalid_argument, "Content-Type '{}'{} does not say what the body is; {}; allowed: {}", *type,
              form ? ", which curl sends unless told otherwise," : "", advice, kAllowed);
}

bool is_json_type(std::string_view type) {
  type = type.substr(0, type.find(';'));
  while (type.ends_with(' ')) type.remove_suffix(1);
  std::string lower(type);
  std::transform(lower.begin(), lower.end(), lower.begin(),
                 [](char c) { return c >= 'A' && c <= 'Z' ? static_cast<char>(c | 0x20) : c; });
  return lower == "application/json" || lower.ends_with("+json");
}

int hex_digit(char c) {
  if (c >= '0' && c <= '9') return c - '0';
  if (c >= 'a' && c <= 'f') return c - 'a' + 10;
  return c >= 'A' && c <= 'F' ? c - 'A' + 10 : -1;
}

/// The text of a ce-* header: percent-encoded as the HTTP binding of CloudEvents 1.0 says (3.1.3.2); in quotes or not.
std::string attribute_text(std::string_view value) {
  if (value.size() >= 2 && value.front() == '"' && value.back() == '"') value = value.substr(1, value.size() - 2);
  std::string text;
  for (std::size_t at = 0; at < value.size(); ++at) {
    if (value[at] == '%' && at + 2 < value.size() && hex_digit(value[at + 1]) >= 0 && hex_digit(value[at + 2]) >= 0) {
      text.push_back(static_cast<char>(hex_digit(value[at + 1]) * 16 + hex_digit(value[at + 2])));
      at += 2;
    } else {
      text.push_back(value[at]);
    }
  }
  return text;
}

/// The structured event that a request in binary mode stands for: the attributes first, so that the id is found
/// whatever the data.
Result<std::string> structured(const HttpRequest& request) {
  std::string event = "{";
  for (const char* required : {"specversion", "id", "source", "type"}) {
    const auto value = request.header(std::string("ce-") + required);
    if (!value || value->empty())
      return fail(Errc::input_unreadable, "a CloudEvent in binary mode needs the header ce-{}", required);
    event.append(event.size() == 1 ? "" : ",").append("\"").append(required).append("\":");
    append_json_string(event, attribute_text(*value));
  }
  for (const auto& [name, value] : request.headers) {
    if (!name.starts_with("ce-")) continue;
    const std::string_view attribute = std::string_view(name).substr(3);
    static constexpr std::array<std::string_view, 5> kTaken{"specversion", "id", "source", "type", "data"};
    if (std::find(kTaken.begin(), kTaken.end(), attribute) != kTaken.end()) continue;
    event.push_back(',');
    append_json_string(event, attribute);
    event.push_back(':');
    append_json_string(event, attribute_text(value));
  }
  const std::string type(request.header("content-type").value_or("application/json"));
  event.append(",\"datacontenttype\":");
  append_json_string(event, type);
  std::string_view body = request.body.view();
  if (is_json_type(type)) {
    constexpr std::string_view kSpace = " \t\r\n";
    body.remove_prefix(std::min(body.find_first_not_of(kSpace), body.size()));
    body.remove_suffix(body.size() - (body.find_last_not_of(kSpace) + 1));
    // Two values would be attributes that no header named.
    if (!body.empty() && !is_one_json_element(body))
      return fail(Errc::input_unreadable, "the body: its Content-Type is {}, and it is not one value of JSON", type);
    if (!body.empty()) event.append(",\"data\":").append(body);
  } else if (is_valid_utf8(body)) {
    event.append(",\"data\":");
    append_json_string(event, body);
  } else {
    event.append(",\"data_base64\":\"").append(to_base64(body)).append("\"");
  }
  event.push_back('}');
  return event;
}

/// Hands the bytes to the framer piece by piece, as a file would come.
Result<HttpBody> frame_all(FileDoor& door, std::string_view bytes, UnixMicros accepted_at) {
  HttpBody body;
  for (;;) {
    switch (door.step()) {
      case FileDoorStep::more: {
        const std::span<char> space = door.space();
        const std::size_t count = std::min(space.size(), bytes.size());
        if (count == 0) {
          door.ended();
          break;
        }
        std::memcpy(space.data(), bytes.data(), count);
        door.filled(count);
        bytes.remove_prefix(count);
        break;
      }
      case FileDoorStep::group: {
        AppendGroup group = door.take(accepted_at);
        std::move(group.batches.begin(), group.batches.end(), std::back_inserter(body.group.batches));
        break;
      }
      case FileDoorStep::jump:
      case FileDoorStep::finished:
        body.events = door.events();
        return body;
      case FileDoorStep::refused:
        return fail(door.error());
    }
  }
}

}  // namespace

Result<HttpBody> read_http_body(const HttpBodyConfig& config, const HttpRequest& request, UnixMicros accepted_at) {
  FileDoorConfig made = config.door;
  made.source.reset();
  const bool binary = request.header("ce-specversion").has_value();
  InputFormat format{Framing::json, FrameFormat::cloudevents};
  std::string event;
  if (binary) {
    WEIR_ASSIGN(event, structured(request));
  } else {
    WEIR_ASSIGN(format, format_of(config, request));
  }
  made.framing.framing = format.framing;
  made.router.format = format.frames;
  made.router.id = event_id_rule(config.id, format.frames);
  WEIR_ASSIGN(FileDoor door, FileDoor::open(std::move(made), std::nullopt));
  return frame_all(door, binary ? std::string_view(event) : request.body.view(), accepted_at);
}

}  // namespace weir
