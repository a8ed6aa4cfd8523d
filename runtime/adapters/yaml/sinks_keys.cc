#include "runtime/adapters/yaml/sinks_keys.h"

#include "runtime/adapters/yaml/config_shapes.h"
#include "runtime/adapters/yaml/dependency_keys.h"
#include "runtime/adapters/yaml/plugin_keys.h"
#include "runtime/ports/pipeline_config.h"

namespace weir::yaml {
namespace {

using Form = Shape::Form;

Key columns() {
  return key("columns", some(path(), 256), "of CSV: the columns, in this order; a record without such a field leaves it empty, other fields are left out")
      .otherwise("the fields of the first record of each partition, for good")
      .needs("format", {"csv"})
      .example("[\"@id\", Country, amount]");
}
Key envelope(const char* fallback, const char* more) {
  return key("envelope", words({"none", "cloudevents", "kafka-connect", "spring"}),
             std::string("what stands around a record: `cloudevents` with the record's id; around a dead letter the headers of other tools") + more)
      .silently(fallback);
}
Key duration(std::string name, const char* min, const char* max, std::chrono::microseconds fallback, std::string doc) {
  return key(std::move(name), between(Form::duration, min, max), std::move(doc)).by_default(format_duration(fallback));
}

Key batch_events(std::uint32_t fallback, const char* doc) { return key("batch_events_max", integer(1, 100'000), doc).by_default(std::to_string(fallback)); }
Key on_refused() {
  return key("on_refused", words({"stop", "skip"}),
             "what becomes of a record that is refused: the sink is broken with it, or it is counted, named in the log, and passed over")
      .by_default("stop");
}

Shape files() {
  const FilesSinkConfig defaults;
  return map({
      key("directory", shape(Form::text), "where the files are made, relative to the pipeline file; of no other sink").required().example("out"),
      key("format", words({"ndjson", "csv"}), "a line of JSON for each record, or CSV with a header line").by_default("ndjson"),
      columns(),
      envelope("none", ""),
      key("partition_by", list(either({words({"date", "hour"}), path()}), 1, 8),
          "folders NAME=VALUE, one in the other: `date` and `hour` of the event time (UTC), or fields of the record")
          .otherwise("all in one folder")
          .example("[date, Country]"),
      key("file_bytes_max", between(Form::size, "1KiB", "1TiB"), "with so much written the files under way are finished, and appear")
          .by_default(format_size(defaults.file_bytes_max)),
      duration("file_age_max", "100ms", "1d", defaults.file_age_max, "so long after the first record they are finished, too"),
      key("open_max", integer(1, 4'096), "files under way at once, in each partition; for one more all of them are finished").by_default(std::to_string(defaults.open_max)),
  });
}

Shape http() {
  const HttpSinkConfig defaults;
  return map({
      key("url", pattern("^https?://.+", "an address such as \"https://hooks.example/orders\""),
          "where batches are sent with POST; 2xx takes a batch, 408, 409, 425, 429, 5xx and silence are tried again, 400, 413 and 422 refuse what is in it, and anything else stops the sink")
          .required()
          .example("\"https://hooks.example/orders\""),
      key("headers", headers_shape(), "headers of every request").otherwise("none").example("{Authorization: {file: token.txt}}"),
      key("format", words({"json", "ndjson"}), "one array, or a line for each").by_default("json"),
      envelope("cloudevents", "; of dead letters `none` is the default"),
      duration("connect_timeout", "1ms", "10m", defaults.connect_timeout, "for the name, the connection and TLS"),
      duration("deadline", "1ms", "10m", defaults.deadline, "for one request as a whole"),
      batch_events(defaults.batch_events_max, "records in one request; 1 makes the Idempotency-Key the id of the record"),
      key("batch_bytes_max", between(Form::size, "1KiB", "64MiB"), "bytes in one request; a longer record goes alone").by_default(format_size(defaults.batch_bytes_max)),
      duration("batch_age_max", "0s", "1h", defaults.batch_age_max, "how long a record may wait for others"),
      duration("retry_after_max", "0s", "1h", defaults.retry_after_max, "what a Retry-After of more counts as"),
      key("temporary_statuses", list(integer(400, 499), 0, 100), "statuses that may pass, beside 408, 409, 425, 429 and 5xx").by_default("[]").example("[401, 403]"),
      on_refused(),
      key("breaker", breaker_shape(), "when a server that fails is left alone for a while"),
  });
}

Shape standard_output() {
  return map({key("format", words({"ndjson", "csv"}), "a line of JSON for each record, or CSV with a header line").by_default("ndjson"), columns(), envelope("none", "")});
}

Key of_plugin(const PluginSinkKind& kind) {
  const PluginSinkConfig defaults;
  std::vector<Key> keys = plugin_keys(kind);
  keys.push_back(batch_events(defaults.batch_events_max, "records in one batch"));
  keys.push_back(key("batch_bytes_max", between(Form::size, "1KiB", "64MiB"), "bytes in one batch; a longer record goes alone").by_default(format_size(defaults.batch_bytes_max)));
  keys.push_back(duration("batch_age_max", "0s", "1h", defaults.batch_age_max, "how long a record may wait for others"));
  keys.push_back(on_refused());
  return key(kind.name, map(std::move(keys)), "a sink of " + kind.file);
}

}  // namespace

Shape sinks_shape(Key when, const PluginKinds& plugins) {
  const SinkConfig defaults;
  std::vector<Key> keys = {
      key("files", files(), "numbered files that appear whole, each record in exactly one"),
      key("http", http(), "a server that batches are sent to, each at least once, with an Idempotency-Key"),
      key("stdout", standard_output(), "lines on stdout, each at least once; what the command says then goes to stderr"),
      key("from", words({"curated", "dead_letter"}), "records, or dead letters as `weir dlq export` writes them").by_default("curated"),
      key("begin", words({"from_start", "now"}), "where a new sink begins: with what the log still has, or with what is committed from now on").by_default("from_start"),
      std::move(when),
      duration("backoff_min", "1ms", "1d", defaults.backoff_min, "the longest pause after a first failure; doubles with each"),
      duration("backoff_max", "1ms", "1d", defaults.backoff_max, "the longest pause of all"),
      key("sink_lag_max",
          map({
              duration("age", "1s", "36500d", defaults.lag_age_max, "since the oldest commit it has not taken"),
              key("bytes", between(Form::size, "1MiB", "1PiB"), "of the commits it has not taken, in each partition").otherwise("no bound"),
          }),
          "what it may lag behind; beyond it is declared broken, and the log is not kept for it any more"),
  };
  std::vector<std::string> kinds = {"files", "http", "stdout"};
  for (const auto& kind : plugins.sinks) {
    keys.push_back(of_plugin(*kind));
    kinds.push_back(kind->name);
  }
  Shape sink = map(std::move(keys));
  sink.one_of.push_back(std::move(kinds));
  return map_of(shape(Form::name), std::move(sink), 0, 64);
}

}  // namespace weir::yaml
