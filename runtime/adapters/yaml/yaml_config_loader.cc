#include "runtime/adapters/yaml/yaml_config_loader.h"

#include <cstdlib>
#include <filesystem>

#include "runtime/adapters/yaml/field_doubts.h"
#include "runtime/adapters/yaml/reader.h"
#include "runtime/ports/pipeline_tests.h"

namespace weir {
namespace {

using std::chrono::microseconds;
using namespace yaml;

constexpr microseconds kDay = std::chrono::hours(24);

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

void read_dead_letters(Context& context, const Node& node, DeadLettersConfig& out) {
  MapReader map(context, node, "dead_letters");
  if (const Node* retain = map.take("retain")) {
    std::chrono::microseconds time{0};
    if (read_duration(context, *retain, map.path("retain"), {std::chrono::seconds(1), 36'500 * kDay}, time)) out.retain = time;
  }
  if (const Node* bytes = map.take("bytes_max")) {
    std::uint64_t most = 0;
    if (read_bytes(context, *bytes, map.path("bytes_max"), {std::uint64_t{1} << 20, std::uint64_t{1} << 40}, most)) out.bytes_max = most;
  }
  map.finish();
}

void read_biography(Context& context, const Node& node, BiographyConfig& out) {
  MapReader map(context, node, "biography");
  if (const Node* retain = map.take("retain")) read_duration(context, *retain, map.path("retain"), {std::chrono::minutes(1), 36'500 * kDay}, out.retain);
  if (const Node* bytes = map.take("bytes_max"))
    read_bytes(context, *bytes, map.path("bytes_max"), {std::uint64_t{1} << 20, std::uint64_t{1} << 40}, out.bytes_max);
  map.finish();
}

void read_late(Context& context, const Node& node, LateConfig& out) {
  MapReader map(context, node, "late");
  if (const Node* after = map.require("after", "DURATION")) {
    read_duration(context, *after, map.path("after"), {std::chrono::seconds(1), 36'500 * kDay}, out.after);
  }
  if (const Node* then = map.take("then")) {
    read_enum(context, *then, map.path("then"),
              std::vector<std::pair<std::string, OnLate>>{
                  {"accept", OnLate::accept}, {"expire", OnLate::expire}, {"dead_letter", OnLate::dead_letter}},
              out.then);
  }
  map.finish();
}

}  // namespace

void yaml::read_pipeline(Context& context, const Node& root, PipelineConfig& out, std::vector<TestConfig>* tests) {
  if (const std::string wrong = other_kind(root, ConfigKind::pipeline); !wrong.empty())
    return context.findings.add(root.place, wrong);
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
  if (const Node* late = map.take("late")) read_late(context, *late, out.late);
  if (const Node* retry = map.take("retry")) read_retry(context, *retry, out.retry);
  if (const Node* letters = map.take("dead_letters")) read_dead_letters(context, *letters, out.dead_letters);
  if (const Node* biography = map.take("biography")) read_biography(context, *biography, out.biography);
  const std::size_t before_stages = context.findings.size();
  if (const Node* stages = map.take("stages")) read_stages(context, *stages, out.stages);
  bool stages_whole = context.findings.size() == before_stages;
  if (const Node* views = map.take("views")) read_views(context, *views, out.views);
  if (const Node* inputs = map.take("inputs")) read_inputs(context, *inputs, out.inputs);
  if (const Node* sinks = map.take("sinks")) read_sinks(context, *sinks, out.sinks);
  if (const Node* limits = map.take("limits")) {
    MapReader inside(context, *limits, "limits");
    if (const Node* bytes = inside.take("event_bytes_max")) {
      read_bytes(context, *bytes, "limits.event_bytes_max", {1'024, 16u << 20}, out.limits.event_bytes_max);
    }
    if (const Node* crashes = inside.take("poison_crashes_max")) {
      read_integer(context, *crashes, "limits.poison_crashes_max", Range<std::uint32_t>{1, 100}, out.limits.poison_crashes_max);
    }
    if (const Node* stall = inside.take("stage_stall_max")) {
      read_duration(context, *stall, "limits.stage_stall_max", {std::chrono::seconds(1), std::chrono::hours(1)}, out.limits.stage_stall_max);
    }
    inside.finish();
  }
  const Node* const expected = map.take("tests");
  const std::size_t before_finish = context.findings.size();
  map.finish();
  // What a misspelt stage, or a misspelt `stages`, makes of the fields is not known.
  stages_whole = stages_whole && context.findings.size() == before_finish;
  if (stages_whole) check_views_against_stages(context, out);
  // Last: what is expected of a pipeline that has findings of its own would be wrong for their sake.
  if (expected != nullptr) {
    std::vector<TestConfig> dropped;
    read_tests(context, *expected, out, tests != nullptr ? *tests : dropped, tests != nullptr);
  }
}

namespace {

/// Where each key of the file stands, by its path.
void note_places(const Node& node, const std::string& path, std::map<std::string, ConfigPlace>& to) {
  const auto inside = [&path](const std::string& part) { return path.empty() ? part : path + "." + part; };
  for (const Entry& entry : node.entries) {
    to.emplace(inside(entry.key), entry.place);
    note_places(entry.value, inside(entry.key), to);
  }
  for (std::size_t i = 0; i < node.items.size(); ++i) {
    to.emplace(inside(std::to_string(i)), node.items[i].place);
    note_places(node.items[i], inside(std::to_string(i)), to);
  }
}

}  // namespace

std::optional<std::string> process_environment(std::string_view name) {
  const char* value = std::getenv(std::string(name).c_str());
  return value == nullptr ? std::nullopt : std::optional<std::string>(value);
}

YamlConfigLoader::YamlConfigLoader() : environment_(process_environment) {}
YamlConfigLoader::YamlConfigLoader(EnvironmentLookup environment) : environment_(std::move(environment)) {}
YamlConfigLoader::YamlConfigLoader(PluginKinds plugins, EnvironmentLookup environment)
    : environment_(std::move(environment)), plugins_(std::move(plugins)), knows_plugins_(true) {}

Result<PipelineConfig> YamlConfigLoader::pipeline(const ConfigSources& sources) const { return pipeline(sources, false); }
Result<PipelineConfig> YamlConfigLoader::stored(const std::string& file) const { return pipeline({file, {}, {}}, true); }

Result<PipelineConfig> YamlConfigLoader::pipeline(const ConfigSources& sources, bool stored) const {
  Findings findings;
  PipelineConfig config;
  config.file = sources.file;
  if (const std::optional<Node> root = load_tree(sources, environment_, findings)) {
    Context context{findings, std::filesystem::path(sources.file).parent_path(), nullptr, ConfigKind::pipeline, &plugins_, stored};
    read_pipeline(context, *root, config);
  }
  if (!findings.empty()) return tl::unexpected<Error>(Error{Errc::config_invalid, findings.text()});
  return config;
}

Result<PipelineTests> YamlConfigLoader::tests(const ConfigSources& sources) const {
  Findings findings;
  PipelineTests config;
  config.pipeline.file = sources.file;
  if (const std::optional<Node> root = load_tree(sources, environment_, findings)) {
    Context context{findings, std::filesystem::path(sources.file).parent_path(), nullptr, ConfigKind::pipeline, &plugins_};
    read_pipeline(context, *root, config.pipeline, &config.tests);
    note_places(*root, "", config.places);
    if (findings.empty()) config.warnings = field_doubts(config.pipeline);
  }
  if (!findings.empty()) return tl::unexpected<Error>(Error{Errc::config_invalid, findings.text()});
  return config;
}

Result<NodeConfig> YamlConfigLoader::node(const ConfigSources& sources) const {
  Findings findings;
  NodeConfig config;
  if (const std::optional<Node> root = load_tree(sources, environment_, findings)) {
    Context context{findings, std::filesystem::path(sources.file).parent_path(), nullptr, ConfigKind::node, knows_plugins_ ? &plugins_ : nullptr};
    read_node(context, *root, config);
  }
  if (!findings.empty()) return tl::unexpected<Error>(Error{Errc::config_invalid, findings.text()});
  return config;
}

}  // namespace weir
