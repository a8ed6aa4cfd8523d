// The section `sinks`: where records and dead letters are written.
#include <algorithm>
#include <charconv>
#include <filesystem>
#include <map>

#include "runtime/adapters/yaml/key_values.h"
#include "runtime/adapters/yaml/reader.h"
#include "runtime/ports/http_fetch.h"

namespace weir::yaml {
namespace {

using std::chrono::hours;
using std::chrono::microseconds;
using std::chrono::milliseconds;
using std::chrono::minutes;
constexpr microseconds kDay = hours(24);
constexpr std::size_t kSinksMax = 64;
constexpr std::size_t kFoldersMax = 8;
constexpr std::size_t kStatusesMax = 100;

std::vector<std::string> kinds_of(const Context& context) {
  std::vector<std::string> kinds = {"files", "http", "stdout"};
  if (context.plugins != nullptr)
    for (const auto& kind : context.plugins->sinks) kinds.push_back(kind->name);
  return kinds;
}

/// `format`, `columns` and `envelope`; whether the envelope was written is known only here.
struct TextKeys {
  SinkText& out;
  const Node* envelope = nullptr;
};

void read_text_keys(Context& context, MapReader& map, bool lines, TextKeys& keys) {
  if (const Node* format = map.take("format")) {
    if (lines) read_enum(context, *format, map.path("format"), std::vector<std::pair<std::string, SinkFormat>>{{"ndjson", SinkFormat::ndjson}, {"csv", SinkFormat::csv}}, keys.out.format);
    else read_enum(context, *format, map.path("format"), std::vector<std::pair<std::string, SinkFormat>>{{"json", SinkFormat::json}, {"ndjson", SinkFormat::ndjson}}, keys.out.format);
  }
  if (lines) {
    if (const Node* columns = map.take("columns")) {
      const bool read = read_paths(context, *columns, map.path("columns"), 256, keys.out.columns);
      if (read && keys.out.format != SinkFormat::csv)
        context.findings.add(columns->place, fmt::format("\"{}\" needs format: csv; lines of JSON are whole records", map.path("columns")));
    }
  }
  if (const Node* envelope = map.take("envelope")) {
    const bool read = read_enum(context, *envelope, map.path("envelope"),
                                std::vector<std::pair<std::string, SinkEnvelope>>{{"none", SinkEnvelope::none},
                                                                                  {"cloudevents", SinkEnvelope::cloudevents},
                                                                                  {"kafka-connect", SinkEnvelope::kafka_connect},
                                                                                  {"spring", SinkEnvelope::spring}},
                                keys.out.envelope);
    if (read) keys.envelope = envelope;
    if (read && keys.out.format == SinkFormat::csv && keys.out.envelope != SinkEnvelope::none)
      context.findings.add(envelope->place, fmt::format("\"{}\" contradicts format: csv, which has columns and nothing around them", map.path("envelope")));
  }
}

void read_folders(Context& context, const Node& node, const std::string& name, std::vector<SinkFolder>& out) {
  if (node.kind != Node::Kind::list || node.items.empty() || node.items.size() > kFoldersMax)
    return context.findings.add(node.place, fmt::format("\"{}\" must be a list of 1 to {} fields such as [date, Country], found {}", name, kFoldersMax, describe_found(node)));
  for (const Node& item : node.items) {
    SinkFolder folder;
    if (!read_path(context, item, name, folder.path)) continue;
    if (folder.path.text == "date") folder.kind = SinkFolder::Kind::date;
    if (folder.path.text == "hour") folder.kind = SinkFolder::Kind::hour;
    const bool twice = std::any_of(out.begin(), out.end(), [&](const SinkFolder& known) { return known.path == folder.path; });
    if (twice) context.findings.add(item.place, fmt::format("\"{}\" names \"{}\" twice", name, folder.path.text));
    out.push_back(std::move(folder));
  }
}

void read_files(Context& context, const Node& node, const std::string& name, FilesSinkConfig& out, const Node*& envelope) {
  Keys keys(context, node, name);
  MapReader& map = keys.map();
  if (const Node* directory = map.require("directory", "out"); directory != nullptr && read_text(context, *directory, map.path("directory"), out.directory)) {
    const std::filesystem::path path(out.directory);
    const auto whole = (path.is_absolute() ? path : std::filesystem::path(context.folder) / path).lexically_normal();
    out.directory = whole.has_filename() ? whole.string() : whole.parent_path().string();
  }
  TextKeys text{out.text};
  read_text_keys(context, map, true, text);
  envelope = text.envelope;
  if (const Node* by = map.take("partition_by")) read_folders(context, *by, map.path("partition_by"), out.partition_by);
  keys.bytes("file_bytes_max", {1'024, std::uint64_t{1} << 40}, out.file_bytes_max);
  if (const Node* age = map.take("file_age_max")) read_duration(context, *age, map.path("file_age_max"), {milliseconds(100), kDay}, out.file_age_max);
  keys.integer<std::uint32_t>("open_max", {1, 4'096}, out.open_max);
  keys.finish();
}

void read_url(Context& context, const Node& node, const std::string& name, std::string& out) {
  context.note(name, "", "an address such as https://hooks.example/orders");
  std::string text;
  if (!read_text(context, node, name, text)) return;
  HttpFetchRequest request;
  request.url = text;
  if (const auto good = request.validate(); !good) return context.findings.add(node.place, fmt::format("\"{}\": {}", name, good.error().context));
  out = std::move(text);
}

void read_temporary(Context& context, const Node& node, const std::string& name, std::vector<int>& out) {
  std::vector<int> statuses;
  bool good = node.kind == Node::Kind::list && node.items.size() <= kStatusesMax;
  for (const Node& item : node.items) {
    int status = 0;
    const auto [end, error] = std::from_chars(item.text.data(), item.text.data() + item.text.size(), status);
    good = good && is_number(item) && error == std::errc() && end == item.text.data() + item.text.size() && status >= 400 && status <= 499;
    statuses.push_back(status);
  }
  if (!good)
    return context.findings.add(node.place, fmt::format("\"{}\" must be a list of statuses from 400 to 499 such as [401, 403], found {}", name, describe_found(node)));
  out = std::move(statuses);
}

template <class Sink>
void read_batches(Keys& keys, Sink& out) {
  keys.integer<std::uint32_t>("batch_events_max", {1, 100'000}, out.batch_events_max);
  keys.bytes("batch_bytes_max", {1'024, std::uint64_t{64} << 20}, out.batch_bytes_max);
  keys.duration("batch_age_max", {microseconds(0), hours(1)}, out.batch_age_max);
}

void read_on_refused(Context& context, MapReader& map, OnRefused& out) {
  if (const Node* refused = map.take("on_refused"))
    read_enum(context, *refused, map.path("on_refused"), std::vector<std::pair<std::string, OnRefused>>{{"stop", OnRefused::stop}, {"skip", OnRefused::skip}}, out);
}

void read_http(Context& context, const Node& node, const std::string& name, HttpSinkConfig& out, const Node*& envelope) {
  Keys keys(context, node, name);
  MapReader& map = keys.map();
  if (const Node* url = map.require("url", "\"https://hooks.example/orders\"")) read_url(context, *url, map.path("url"), out.url);
  if (const Node* headers = map.take("headers")) read_http_headers(context, *headers, map.path("headers"), out.headers);
  TextKeys text{out.text};
  read_text_keys(context, map, false, text);
  envelope = text.envelope;
  keys.duration("connect_timeout", {milliseconds(1), minutes(10)}, out.connect_timeout);
  keys.duration("deadline", {milliseconds(1), minutes(10)}, out.deadline);
  read_batches(keys, out);
  keys.duration("retry_after_max", {microseconds(0), hours(1)}, out.retry_after_max);
  if (const Node* statuses = map.take("temporary_statuses")) read_temporary(context, *statuses, map.path("temporary_statuses"), out.temporary_statuses);
  read_on_refused(context, map, out.on_refused);
  if (const Node* breaker = map.take("breaker")) read_breaker(context, *breaker, map.path("breaker"), out.breaker);
  keys.finish();
}

void read_stdout(Context& context, const Node& node, const std::string& name, StdoutSinkConfig& out, const Node*& envelope) {
  MapReader map(context, node, name);
  TextKeys text{out.text};
  read_text_keys(context, map, true, text);
  envelope = text.envelope;
  if (out.text.format == SinkFormat::csv && out.text.columns.empty())
    context.findings.add(node.place, fmt::format("\"{}\" needs columns beside format: csv: all partitions write under one header line", name));
  map.finish();
}

void read_plugin_sink(Context& context, const Node& node, const std::string& name, const std::shared_ptr<const PluginSinkKind>& kind, PluginSinkConfig& out) {
  out.kind = kind;
  out.kind_name = kind->name;
  Keys keys(context, node, name);
  read_plugin_keys(context, keys.map(), *kind, out.values);
  read_batches(keys, out);
  read_on_refused(context, keys.map(), out.on_refused);
  keys.finish();
}

/// Envelopes belong to one of the logs.
void check_envelope(Context& context, const std::string& name, const Node* written, SinkConfig& sink) {
  SinkText& text = std::visit([](auto& body) -> SinkText& { return body.text; }, sink.body);
  const bool letters = sink.from == SinkFrom::dead_letter;
  if (written == nullptr) {
    if (letters) text.envelope = SinkEnvelope::none;  // of http it would be cloudevents
    return;
  }
  if (letters && text.envelope == SinkEnvelope::cloudevents)
    context.findings.add(written->place, fmt::format("\"{}.{}.envelope\": cloudevents is for records; a dead letter has none, kafka-connect or spring", name, kind_of(sink)));
  if (!letters && (text.envelope == SinkEnvelope::kafka_connect || text.envelope == SinkEnvelope::spring))
    context.findings.add(written->place, fmt::format("\"{}.{}.envelope\": kafka-connect and spring are for dead letters (from: dead_letter); a record has none or cloudevents", name, kind_of(sink)));
}

void read_lag(Context& context, const Node& node, const std::string& name, SinkConfig& out) {
  MapReader map(context, node, name);
  if (const Node* age = map.take("age")) read_duration(context, *age, map.path("age"), {std::chrono::seconds(1), 36'500 * kDay}, out.lag_age_max);
  if (const Node* bytes = map.take("bytes")) {
    std::uint64_t value = 0;
    if (read_bytes(context, *bytes, map.path("bytes"), {std::uint64_t{1} << 20, std::uint64_t{1} << 50}, value)) out.lag_bytes_max = value;
  }
  map.finish();
}

void read_kind(Context& context, MapReader& map, const Node& node, const std::string& name, SinkConfig& out, const Node*& envelope) {
  const std::vector<std::string> kinds = kinds_of(context);
  const Node* found = nullptr;
  std::string kind;
  for (const std::string& known : kinds) {
    const Node* one = map.take(known);
    if (one == nullptr) continue;
    if (found != nullptr) return context.findings.add(one->place, fmt::format("\"{}\" must have one of {}, found {} and {}", name, join(kinds), kind, known));
    found = one;
    kind = known;
  }
  if (found == nullptr)
    return context.findings.add(node.place, fmt::format("\"{}\" must have one of {}, such as {{files: {{directory: out}}}}; a sink of your own comes from a plugin: name its file "
                                                        "under \"plugins\" of the node file, or with --plugin",
                                                        name, join(kinds)));
  if (kind == "files") read_files(context, *found, map.path(kind), out.body.emplace<FilesSinkConfig>(), envelope);
  if (kind == "http") read_http(context, *found, map.path(kind), out.body.emplace<HttpSinkConfig>(), envelope);
  if (kind == "stdout") read_stdout(context, *found, map.path(kind), out.body.emplace<StdoutSinkConfig>(), envelope);
  if (const auto* plugin = context.plugins == nullptr ? nullptr : find_kind(context.plugins->sinks, kind))
    read_plugin_sink(context, *found, map.path(kind), *plugin, out.body.emplace<PluginSinkConfig>());
}

void read_sink(Context& context, const Entry& entry, SinkConfig& out) {
  const std::string name = "sinks." + entry.key;
  out.name = entry.key;
  out.place = entry.place;
  Keys keys(context, entry.value, name);
  MapReader& map = keys.map();
  if (!map.valid()) return;
  const Node* envelope = nullptr;
  read_kind(context, map, entry.value, name, out, envelope);
  if (const Node* from = map.take("from"))
    read_enum(context, *from, map.path("from"), std::vector<std::pair<std::string, SinkFrom>>{{"curated", SinkFrom::curated}, {"dead_letter", SinkFrom::dead_letter}}, out.from);
  if (const Node* begin = map.take("begin"))
    read_enum(context, *begin, map.path("begin"), std::vector<std::pair<std::string, SinkBegin>>{{"from_start", SinkBegin::from_start}, {"now", SinkBegin::now}}, out.begin);
  if (const Node* when = map.take("when")) {
    WhenConfig condition;
    if (read_when(context, *when, map.path("when"), condition)) out.when = std::move(condition);
  }
  keys.rising("backoff_min", out.backoff_min, "backoff_max", out.backoff_max, {milliseconds(1), kDay});
  if (const Node* lag = map.take("sink_lag_max")) read_lag(context, *lag, map.path("sink_lag_max"), out);
  check_envelope(context, name, envelope, out);
  const auto* files = std::get_if<FilesSinkConfig>(&out.body);
  if (files != nullptr && files->file_age_max >= out.lag_age_max)
    context.findings.add(entry.place, fmt::format("\"{0}.sink_lag_max.age\" ({1}) must be longer than \"{0}.files.file_age_max\" ({2}): what is in a file under way is not taken yet", name,
                                                  format_duration(out.lag_age_max), format_duration(files->file_age_max)));
  keys.finish();
}

/// Two that write into each other.
void check_together(Context& context, const std::vector<SinkConfig>& sinks) {
  std::map<std::string, std::string> directories;
  std::string standard_output;
  for (const SinkConfig& sink : sinks) {
    if (const auto* files = std::get_if<FilesSinkConfig>(&sink.body); files != nullptr && !files->directory.empty()) {
      const auto [known, fresh] = directories.emplace(files->directory, sink.name);
      if (!fresh) context.findings.add(sink.place, fmt::format("\"sinks.{}.files.directory\" is that of \"{}\", too; give each its own", sink.name, known->second));
    }
    if (!std::holds_alternative<StdoutSinkConfig>(sink.body)) continue;
    if (!standard_output.empty()) context.findings.add(sink.place, fmt::format("\"sinks.{}\" writes to stdout, and so does \"{}\"; there is only one", sink.name, standard_output));
    standard_output = sink.name;
  }
}

}  // namespace

void read_sinks(Context& context, const Node& node, std::vector<SinkConfig>& out) {
  MapReader map(context, node, "sinks");
  if (!map.valid()) return;
  if (node.entries.size() > kSinksMax)
    return context.findings.add(node.place, fmt::format("\"sinks\" must have at most {} sinks, found {}", kSinksMax, node.entries.size()));
  for (const Entry& entry : node.entries) {
    (void)read_name(context, entry.place, entry.key, "the name of a sink");
    read_sink(context, entry, out.emplace_back());
  }
  check_together(context, out);
}

}  // namespace weir::yaml
