// The section `inputs`: where `weir up` takes events from.
#include <algorithm>
#include <filesystem>

#include "runtime/adapters/yaml/reader.h"

namespace weir::yaml {
namespace {

using std::chrono::microseconds;

constexpr std::size_t kPatternsMax = 64;
constexpr std::size_t kInputsMax = 64;

/// A path as a pattern that means it alone.
std::string literal(const std::string& path) {
  std::string out;
  for (const char c : path) {
    if (c == '*' || c == '?' || c == '[' || c == '\\') out += '\\';
    out += c;
  }
  return out;
}

/// `place`: of files that are read, and so always a path; else it may be a name.
void read_pattern(Context& context, const Node& node, const std::string& name, bool place,
                  std::vector<std::string>& out) {
  std::string text;
  if (!read_text(context, node, name, text)) return;
  if (text == "-") {
    context.findings.add(node.place,
                         fmt::format("\"{}\": a node has no stdin to follow; pipe into `weir run PIPELINE -`, or into "
                                     "`weir ingest` beside a running node",
                                     name));
    return;
  }
  // A name alone, to be left out wherever it lies.
  const bool bare = !place && text.find('/') == std::string::npos;
  const std::filesystem::path path(text);
  std::string whole = bare || path.is_absolute()
                          ? text
                          : (std::filesystem::path(literal(context.folder)) / path).lexically_normal().string();
  if (std::find(out.begin(), out.end(), whole) != out.end()) {
    context.findings.add(node.place, fmt::format("\"{}\" names \"{}\" twice", name, text));
    return;
  }
  out.push_back(std::move(whole));
}

/// One pattern, or a list of them.
void read_patterns(Context& context, const Node& node, const std::string& name, bool place,
                   std::vector<std::string>& out) {
  if (node.kind != Node::Kind::list) return read_pattern(context, node, name, place, out);
  const std::size_t count_min = place ? 1 : 0;
  if (node.items.size() < count_min || node.items.size() > kPatternsMax) {
    context.findings.add(node.place,
                         fmt::format("\"{}\" must list {} to {} patterns such as \"incoming/*.csv\", found {}", name,
                                     count_min, kPatternsMax, node.items.size()));
    return;
  }
  for (const Node& item : node.items) read_pattern(context, item, name, place, out);
}

void read_files(Context& context, const Node& node, const std::string& name, FilesInputConfig& out) {
  MapReader map(context, node, name);
  if (const Node* include = map.require("include", "[\"incoming/*.csv\"]"))
    read_patterns(context, *include, map.path("include"), true, out.include);
  if (const Node* exclude = map.take("exclude"))
    read_patterns(context, *exclude, map.path("exclude"), false, out.exclude);
  const Node* const follow = map.take("follow");
  const bool told = follow == nullptr || read_boolean(context, *follow, map.path("follow"), out.follow);
  if (const Node* format = map.take("format"))
    read_enum(context, *format, map.path("format"),
              std::vector<std::pair<std::string, RecordFormat>>{{"json", RecordFormat::json},
                                                                {"ndjson", RecordFormat::ndjson},
                                                                {"csv", RecordFormat::csv},
                                                                {"cloudevents", RecordFormat::cloudevents},
                                                                {"geojson", RecordFormat::geojson}},
              out.format);
  constexpr microseconds kHour = std::chrono::hours(1);
  const struct {
    const char* key;
    Range<microseconds> range;
    microseconds& to;
  } durations[] = {
      {"poll", {std::chrono::milliseconds(50), kHour}, out.poll},
      {"settle", {microseconds(0), kHour}, out.settle},
      {"close_after", {std::chrono::seconds(1), 24 * 7 * kHour}, out.close_after},
  };
  for (const auto& duration : durations) {
    const Node* value = map.take(duration.key);
    if (value == nullptr || !read_duration(context, *value, map.path(duration.key), duration.range, duration.to))
      continue;
    if (told && !out.follow)
      context.findings.add(value->place, fmt::format("\"{}\" has no meaning without \"follow: true\"; leave it out",
                                                     map.path(duration.key)));
  }
  if (const Node* open = map.take("open_max"))
    read_integer(context, *open, map.path("open_max"), Range<std::uint32_t>{1, 4'096}, out.open_max);
  if (const Node* files = map.take("files_max"))
    read_integer(context, *files, map.path("files_max"), Range<std::uint32_t>{1, 100'000}, out.files_max);
  map.finish();
}

std::vector<std::string> kinds_of(const Context& context) {
  std::vector<std::string> kinds = {"http", "files"};
  if (context.plugins != nullptr)
    for (const auto& kind : context.plugins->sources) kinds.push_back(kind->name);
  return kinds;
}

void read_kind(Context& context, const std::string& kind, const Node& node, const std::string& name, InputConfig& out) {
  if (const auto* plugin = context.plugins == nullptr ? nullptr : find_kind(context.plugins->sources, kind)) {
    auto& body = out.body.emplace<PluginInputConfig>();
    body.kind = *plugin;
    body.kind_name = kind;
    MapReader map(context, node, name);
    read_plugin_keys(context, map, **plugin, body.values);
    return map.finish();
  }
  if (kind == "files") {
    read_files(context, node, name, out.body.emplace<FilesInputConfig>());
    return;
  }
  out.body = HttpInputConfig{};
  if (!MapReader(context, node, name).valid() || node.entries.empty()) return;
  context.findings.add(node.entries.front().place,
                       fmt::format("\"{}\" must be {{}}: the HTTP door is set up in the node file, under http; found "
                                   "the key \"{}\"",
                                   name, node.entries.front().key));
}

/// A name of its own over a map of one kind: {archive: {files: {...}}}.
bool read_named(Context& context, const Entry& entry, InputConfig& out) {
  const std::string name = "inputs." + entry.key;
  if (!read_name(context, entry.place, entry.key, "the name of an input")) return false;
  const Node& node = entry.value;
  const std::vector<std::string> kinds = kinds_of(context);
  const bool known = node.kind == Node::Kind::map && node.entries.size() == 1 && std::find(kinds.begin(), kinds.end(), node.entries[0].key) != kinds.end();
  if (!known) {
    const std::string meant = did_you_mean(entry.key, kinds);
    std::string found = describe_found(node) + meant;
    if (meant.empty() && node.entries.size() > 1) found = fmt::format("a map of {} keys", node.entries.size());
    if (meant.empty() && node.entries.size() == 1)
      found = fmt::format("the key \"{}\"{}", node.entries[0].key, did_you_mean(node.entries[0].key, kinds));
    context.findings.add(
        entry.place,
        fmt::format("\"{}\" must be a map of one kind of input, {}, such as {{files: {{include: "
                    "[\"incoming/*.csv\"]}}}}; found {}; a source of your own comes from a plugin: name its file under \"plugins\" of "
                    "the node file, or with --plugin",
                    name, kinds.size() == 2 ? "http or files" : join(kinds), found));
    return false;
  }
  read_kind(context, node.entries[0].key, node.entries[0].value, name + "." + node.entries[0].key, out);
  return true;
}

}  // namespace

void read_inputs(Context& context, const Node& node, std::vector<InputConfig>& out) {
  if (node.kind != Node::Kind::map || node.entries.empty() || node.entries.size() > kInputsMax) {
    const std::string found = node.kind != Node::Kind::map ? describe_found(node)
                              : node.entries.empty()       ? "an empty map"
                                                           : fmt::format("{}", node.entries.size());
    context.findings.add(node.place, fmt::format("\"inputs\" must be a map of 1 to {} inputs such as {{http: {{}}, "
                                                 "files: {{include: [\"incoming/*.csv\"]}}}}, found {}",
                                                 kInputsMax, found));
    return;
  }
  out.clear();
  bool has_http = false;
  for (const Entry& entry : node.entries) {
    InputConfig& input = out.emplace_back();
    input.name = entry.key;
    input.place = entry.place;
    const std::vector<std::string> kinds = kinds_of(context);
    if (std::find(kinds.begin(), kinds.end(), entry.key) != kinds.end()) {
      read_kind(context, entry.key, entry.value, "inputs." + entry.key, input);
    } else if (!read_named(context, entry, input)) {
      out.pop_back();
      continue;
    }
    if (std::holds_alternative<HttpInputConfig>(input.body) && std::exchange(has_http, true))
      context.findings.add(entry.place,
                           fmt::format("\"inputs.{}\" is a second http input; a node has one HTTP door", entry.key));
  }
}

}  // namespace weir::yaml
