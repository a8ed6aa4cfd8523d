#include "runtime/engine/letter_headers.h"

#include <fmt/format.h>

#include "runtime/base/base64.h"
#include "runtime/base/hash.h"
#include "runtime/base/json_text.h"

namespace weir {

namespace {

void append_value(std::string& json, std::string_view bytes) {
  json += is_valid_utf8(bytes) ? R"("value":)" + to_json_string(bytes) : fmt::format(R"("value_base64":"{}")", to_base64(bytes));
}

/// As Kafka's clients write numbers in headers.
template <class Number>
std::string big_endian(Number number) {
  std::string bytes;
  for (int shift = 8 * (static_cast<int>(sizeof(Number)) - 1); shift >= 0; shift -= 8) bytes.push_back(static_cast<char>(number >> shift & 0xff));
  return bytes;
}

/// The headers of one message, in order.
class Headers {
 public:
  explicit Headers(std::string& json) : json_(json) {}
  void text(std::string_view name, std::string_view value) {
    begin(name);
    append_value(json_, value);
    json_ += '}';
  }
  void binary(std::string_view name, std::string_view value) {
    begin(name);
    json_ += fmt::format(R"("value_base64":"{}"}})", to_base64(value));
  }

 private:
  void begin(std::string_view name) {
    json_ += fmt::format(R"({}{{"name":"{}",)", first_ ? "" : ",", name);
    first_ = false;
  }
  std::string& json_;
  bool first_ = true;
};

void connect_headers(Headers& headers, const PlacedLetter& placed, std::string_view pipeline, std::string_view topic) {
  const LetterView& letter = placed.stored.letter;
  const auto named = [&headers](std::string_view name, std::string_view value) { headers.text(fmt::format("__connect.errors.{}", name), value); };
  named("topic", topic);
  named("partition", std::to_string(placed.partition.value));
  named("offset", std::to_string(placed.offset.value));
  named("connector.name", pipeline);
  named("task.id", std::to_string(placed.partition.value));
  named("stage", letter.stage);
  named("class.name", fmt::format("weir.{}", letter.stage));
  named("exception.class.name", letter.reason);
  named("exception.message", letter.details);
}

void spring_headers(Headers& headers, const PlacedLetter& placed, std::string_view pipeline, std::string_view topic, std::int64_t timestamp) {
  const LetterView& letter = placed.stored.letter;
  headers.text("kafka_dlt-original-topic", topic);
  headers.binary("kafka_dlt-original-partition", big_endian(placed.partition.value));
  headers.binary("kafka_dlt-original-offset", big_endian(placed.offset.value));
  headers.binary("kafka_dlt-original-timestamp", big_endian(static_cast<std::uint64_t>(timestamp)));
  headers.text("kafka_dlt-original-timestamp-type", "LogAppendTime");
  headers.text("kafka_dlt-original-consumer-group", pipeline);
  headers.text("kafka_dlt-exception-fqcn", fmt::format("weir.{}", letter.stage));
  headers.text("kafka_dlt-exception-cause-fqcn", letter.reason);
  headers.text("kafka_dlt-exception-message", letter.details);
}

}  // namespace

std::optional<HeaderStyle> header_style_of(std::string_view name) noexcept {
  if (name == "kafka-connect") return HeaderStyle::kafka_connect;
  if (name == "spring") return HeaderStyle::spring;
  return std::nullopt;
}

void append_letter_message(std::string& json, const PlacedLetter& letter, HeaderStyle style, std::string_view pipeline) {
  const std::string topic = fmt::format("{}.ingest", pipeline);
  const std::int64_t accepted = letter.stored.accepted_at;
  const std::int64_t timestamp = accepted / 1000 - (accepted % 1000 < 0 ? 1 : 0);
  json += fmt::format(R"({{"topic":{},"partition":{},"offset":{},"timestamp":{},"key":{},"headers":[)", to_json_string(topic), letter.partition.value,
                      letter.offset.value, timestamp, to_json_string(letter.stored.id));
  Headers headers(json);
  switch (style) {
    case HeaderStyle::kafka_connect: connect_headers(headers, letter, pipeline, topic); break;
    case HeaderStyle::spring: spring_headers(headers, letter, pipeline, topic, timestamp); break;
  }
  // What neither tool has a name for.
  headers.text("weir.reason", letter.stored.letter.reason);
  headers.text("weir.attempts", std::to_string(letter.stored.letter.attempts));
  headers.text("weir.door", letter.stored.letter.door);
  json += "],";
  append_value(json, letter.stored.letter.original);
  json += '}';
}

}  // namespace weir
