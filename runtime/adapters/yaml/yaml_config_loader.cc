#include "runtime/adapters/yaml/yaml_config_loader.h"

#include <cerrno>
#include <cstdlib>
#include <cstring>
#include <filesystem>
#include <fstream>

#include "runtime/adapters/yaml/reader.h"

namespace weir {
namespace {

using std::chrono::microseconds;
using namespace yaml;

constexpr std::size_t kFileBytesMax = 4u << 20;
constexpr microseconds kDay = std::chrono::hours(24);

/// Reads the whole file, or a finding says why not.
std::optional<std::string> read_file(const std::string& file, Findings& findings) {
  const auto refuse = [&](const std::string& why) {
    findings.add(ConfigPlace{file, 0, 0}, fmt::format("the file cannot be read: {}", why));
    return std::nullopt;
  };
  std::error_code error;
  const auto status = std::filesystem::status(file, error);
  if (!std::filesystem::exists(status)) return refuse("there is no such file");
  if (std::filesystem::is_directory(status)) return refuse("it is a directory");
  errno = 0;
  std::ifstream in(file, std::ios::binary);
  if (!in) return refuse(std::strerror(errno));
  std::string text(kFileBytesMax + 1, '\0');
  in.read(text.data(), static_cast<std::streamsize>(text.size()));
  text.resize(static_cast<std::size_t>(in.gcount()));
  if (text.size() > kFileBytesMax) return refuse("it is longer than 4MiB");
  return text;
}

/// The checked tree's root: file, environment, `--set`. Nothing when there is no tree to look at.
std::optional<Node> load_tree(const std::string& file, const std::vector<std::string>& sets,
                              const EnvironmentLookup& environment, Findings& findings) {
  Node root;
  if (!file.empty()) {
    const std::optional<std::string> text = read_file(file, findings);
    if (!text) return std::nullopt;
    std::optional<Node> parsed = parse_tree(*text, file, findings);
    if (!parsed) return std::nullopt;
    root = std::move(*parsed);
  }
  if (root.kind == Node::Kind::null) root.kind = Node::Kind::map;  // an empty file is an empty map
  for (const std::string& set : sets) apply_set(root, set, findings);
  substitute_environment(root, environment, findings);  // last: what `--set` replaces needs no variable
  return root;
}

void read_dedupe(Context& context, const Node& node, DedupeConfig& out) {
  MapReader map(context, node, "dedupe");
  if (const Node* remember = map.take("remember")) {
    read_duration(context, *remember, map.path("remember"), {std::chrono::minutes(1), 3'650 * kDay}, out.remember);
  }
  if (const Node* ids = map.take("ids_max")) {
    read_count(context, *ids, map.path("ids_max"), {1'000, 4'000'000'000}, out.ids_max);
  }
  if (const Node* conflict = map.take("on_conflict")) {
    read_enum(context, *conflict, map.path("on_conflict"),
              std::vector<std::pair<std::string, OnConflict>>{{"dead_letter", OnConflict::dead_letter},
                                                              {"ignore", OnConflict::ignore}},
              out.on_conflict);
  }
  map.finish();
}

void read_pipeline(Context& context, const Node& root, PipelineConfig& out) {
  MapReader map(context, root, "");
  if (const Node* name = map.require("pipeline", "NAME");
      name != nullptr && read_text(context, *name, "pipeline", out.name)) {
    (void)read_name(context, name->place, out.name, "the pipeline name");
  }
  if (const Node* partitions = map.take("partitions")) {
    read_integer(context, *partitions, "partitions", Range<std::uint32_t>{1, 1'024}, out.partitions);
  }
  if (const Node* record = map.take("record")) read_record(context, *record, out.record);
  if (const Node* dedupe = map.take("dedupe")) read_dedupe(context, *dedupe, out.dedupe);
  if (const Node* stages = map.take("stages")) read_stages(context, *stages, out.stages);
  if (const Node* views = map.take("views")) read_views(context, *views, out.views);
  if (const Node* limits = map.take("limits")) {
    MapReader inside(context, *limits, "limits");
    if (const Node* bytes = inside.take("event_bytes_max")) {
      read_bytes(context, *bytes, "limits.event_bytes_max", {1'024, 16u << 20}, out.limits.event_bytes_max);
    }
    inside.finish();
  }
  map.finish();
  check_views_against_stages(context, out);
}

void read_embedded_log(Context& context, const Node& node, NodeConfig& out) {
  MapReader map(context, node, "log.embedded");
  if (const Node* segment = map.take("segment")) {
    read_bytes(context, *segment, map.path("segment"), {4u << 20, 1u << 30}, out.segment_bytes);
  }
  if (const Node* interval = map.take("commit_interval")) {
    read_duration(context, *interval, map.path("commit_interval"),
                  {std::chrono::milliseconds(1), std::chrono::seconds(10)}, out.commit_interval);
  }
  if (const Node* bytes = map.take("commit_bytes_max")) {
    read_bytes(context, *bytes, map.path("commit_bytes_max"), {64u << 10, 64u << 20}, out.commit_bytes_max);
  }
  if (const Node* retain = map.take("retain")) {
    if (is_text(*retain) && retain->text == "all") {
      out.retain.reset();
    } else if (const auto value = duration_in(*retain, {std::chrono::minutes(1), 36'500 * kDay})) {
      out.retain = *value;
    } else {
      context.findings.add(retain->place,
                           fmt::format("\"log.embedded.retain\" must be all or a duration with its unit from 1m to "
                                       "36500d, such as 7d; found {}",
                                       describe_found(*retain)));
    }
  }
  map.finish();
}

void read_node(Context& context, const Node& root, NodeConfig& out) {
  MapReader map(context, root, "");
  if (const Node* name = map.take("node"); name != nullptr && read_text(context, *name, "node", out.node)) {
    (void)read_name(context, name->place, out.node, "the node name");
  }
  if (const Node* data = map.take("data")) read_text(context, *data, "data", out.data);
  if (const Node* log = map.take("log")) {
    MapReader inside(context, *log, "log");
    if (const Node* embedded = inside.take("embedded")) read_embedded_log(context, *embedded, out);
    inside.finish();
  }
  if (const Node* limits = map.take("limits")) {
    MapReader inside(context, *limits, "limits");
    if (const Node* memory = inside.take("memory_max")) {
      read_bytes(context, *memory, "limits.memory_max", {256ull << 20, 1ull << 40}, out.memory_max);
    }
    if (const Node* disk = inside.take("disk_max")) {
      read_bytes(context, *disk, "limits.disk_max", {256ull << 20, 1ull << 50}, out.disk_max);
    }
    inside.finish();
  }
  if (const Node* logging = map.take("logging")) {
    MapReader inside(context, *logging, "logging");
    if (const Node* level = inside.take("level")) {
      std::vector<std::pair<std::string, std::string>> levels;
      for (const char* word : {"trace", "debug", "info", "warn", "error"}) levels.emplace_back(word, word);
      read_enum(context, *level, "logging.level", levels, out.logging_level);
    }
    inside.finish();
  }
  map.finish();
}

std::optional<std::string> process_environment(std::string_view name) {
  const char* value = std::getenv(std::string(name).c_str());
  return value == nullptr ? std::nullopt : std::optional<std::string>(value);
}

}  // namespace

YamlConfigLoader::YamlConfigLoader() : environment_(process_environment) {}
YamlConfigLoader::YamlConfigLoader(EnvironmentLookup environment) : environment_(std::move(environment)) {}

Result<PipelineConfig> YamlConfigLoader::pipeline(const std::string& file, const std::vector<std::string>& sets) const {
  Findings findings;
  PipelineConfig config;
  config.file = file;
  if (const std::optional<Node> root = load_tree(file, sets, environment_, findings)) {
    Context context{findings, std::filesystem::path(file).parent_path()};
    read_pipeline(context, *root, config);
  }
  if (!findings.empty()) return tl::unexpected<Error>(Error{Errc::config_invalid, findings.text()});
  return config;
}

Result<NodeConfig> YamlConfigLoader::node(const std::string& file, const std::vector<std::string>& sets) const {
  Findings findings;
  NodeConfig config;
  if (const std::optional<Node> root = load_tree(file, sets, environment_, findings)) {
    Context context{findings, std::filesystem::path(file).parent_path()};
    read_node(context, *root, config);
  }
  if (!findings.empty()) return tl::unexpected<Error>(Error{Errc::config_invalid, findings.text()});
  return config;
}

}  // namespace weir
