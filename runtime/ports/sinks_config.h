// The section `sinks` of a pipeline file: where records, or dead letters, are written beside the answers.
#pragma once
#include <chrono>
#include <cstdint>
#include <memory>
#include <optional>
#include <string>
#include <variant>
#include <vector>

#include "runtime/ports/config_values.h"
#include "runtime/ports/dependency_config.h"
#include "runtime/ports/http_lookup_config.h"

namespace weir {

/// Which log a sink reads.
enum class SinkFrom : std::uint8_t { curated, dead_letter };
/// Where a sink that has no cursor yet begins.
enum class SinkBegin : std::uint8_t { from_start, now };
enum class SinkFormat : std::uint8_t {
  ndjson,  // a line each
  csv,     // RFC 4180 under a header line
  json,    // of HTTP: one array
};
/// What stands around a record. kafka_connect and spring are for dead letters, cloudevents for records.
enum class SinkEnvelope : std::uint8_t { none, cloudevents, kafka_connect, spring };
enum class OnRefused : std::uint8_t {
  stop,  // the sink is broken
  skip,  // the record that is refused is counted, named in the log, and passed over
};

struct SinkText {
  SinkFormat format = SinkFormat::ndjson;
  SinkEnvelope envelope = SinkEnvelope::none;
  std::vector<FieldPath> columns;  // of csv; empty: the fields of the first record, for good
};

/// One level of folders: `date` and `hour` of the event time in UTC, or a field.
struct SinkFolder {
  enum class Kind : std::uint8_t { date, hour, field };
  Kind kind = Kind::field;
  FieldPath path;  // of field
};

/// Numbered files that appear whole, or not at all.
struct FilesSinkConfig {
  std::string directory;  // resolved against the pipeline file's folder; made when missing
  SinkText text;
  std::vector<SinkFolder> partition_by;                    // at most 8
  std::uint64_t file_bytes_max = std::uint64_t{64} << 20;  // 1 KiB .. 1 TiB: then all files under way are finished
  std::chrono::microseconds file_age_max = std::chrono::minutes(10);  // 100 ms .. 1 d: likewise
  std::uint32_t open_max = 64;                             // 1 .. 4'096 files under way in each partition; then all of them are finished
};

struct HttpSinkConfig {
  std::string url;
  std::vector<HttpLookupHeader> headers;
  SinkText text{SinkFormat::json, SinkEnvelope::cloudevents, {}};
  std::chrono::milliseconds connect_timeout{2'000};   // 1 ms .. 10 min
  std::chrono::milliseconds deadline{30'000};         // 1 ms .. 10 min, of one request
  std::uint32_t batch_events_max = 500;               // 1 .. 100'000
  std::uint64_t batch_bytes_max = std::uint64_t{1} << 20;  // 1 KiB .. 64 MiB; one record may be more
  std::chrono::milliseconds batch_age_max{1'000};     // 0 .. 1 h: how long a record waits for others
  std::chrono::milliseconds retry_after_max{300'000};  // 0 .. 1 h
  std::vector<int> temporary_statuses;                // 400 .. 499, beside 408, 409, 425 and 429
  OnRefused on_refused = OnRefused::stop;
  BreakerConfig breaker;
};

struct StdoutSinkConfig {
  SinkText text;
};

struct PluginSinkKind;
/// A sink of a plugin.
struct PluginSinkConfig {
  std::shared_ptr<const PluginSinkKind> kind;
  std::string kind_name;
  std::vector<std::string> values;  // one for each key of the kind, canonical: given or its default
  SinkText text;                    // always plain lines of JSON
  std::uint32_t batch_events_max = 500;                    // 1 .. 100'000
  std::uint64_t batch_bytes_max = std::uint64_t{1} << 20;  // 1 KiB .. 64 MiB; one record may be more
  std::chrono::milliseconds batch_age_max{1'000};          // 0 .. 1 h
  OnRefused on_refused = OnRefused::stop;
};

struct SinkConfig {
  std::string name;
  std::variant<FilesSinkConfig, HttpSinkConfig, StdoutSinkConfig, PluginSinkConfig> body;
  SinkFrom from = SinkFrom::curated;
  SinkBegin begin = SinkBegin::from_start;
  std::optional<WhenConfig> when;
  std::chrono::milliseconds backoff_min{200};     // 1 ms .. backoff_max: the longest pause after a first failure
  std::chrono::milliseconds backoff_max{60'000};  // backoff_min .. 24 h
  /// What it may lag behind before it is declared broken: 1 s .. 36'500 d since the oldest commit it has not taken; 1 MiB .. 1 PiB of
  /// commits. A week, as `log.retain`.
  std::chrono::microseconds lag_age_max = std::chrono::hours(24 * 7);
  std::optional<std::uint64_t> lag_bytes_max;
  ConfigPlace place;
};

[[nodiscard]] inline const SinkText& text_of(const SinkConfig& sink) {
  return std::visit([](const auto& body) -> const SinkText& { return body.text; }, sink.body);
}
[[nodiscard]] inline const char* kind_of(const SinkConfig& sink) {
  if (const auto* plugin = std::get_if<PluginSinkConfig>(&sink.body)) return plugin->kind_name.c_str();
  return std::holds_alternative<FilesSinkConfig>(sink.body) ? "files" : std::holds_alternative<HttpSinkConfig>(sink.body) ? "http" : "stdout";
}

}  // namespace weir
