// `weir config show`: every default written out, and nothing changed by that.
#include "runtime/adapters/yaml/effective_config.h"
#include "tests/support/catch.h"
#include "tests/unit/config/files.h"
#include "tests/unit/config_keys/random_config.h"

namespace weir {
namespace {

std::optional<std::string> environment(std::string_view name) {
  return name == "NAME" ? std::optional<std::string>("orders") : std::nullopt;
}

std::string meaning(const PipelineConfig& config) {
  std::string out = wall_text(config) + rules_text(config);
  for (const ViewConfig& view : config.views) out += view_text(view) + (view.retain ? std::to_string(view.retain->count()) : "");
  return out + fmt::format("{} {} {} {}", config.dedupe.remember.count(), config.dedupe.ids_max, config.limits.poison_crashes_max,
                           config.limits.stage_stall_max.count());
}
std::string meaning(const RestartLimits& l) {
  return fmt::format("{} {} {} {}", l.restarts_max, l.window.count(), l.backoff_min.count(), l.backoff_max.count());
}
std::string meaning(const NodeConfig& c) {
  const SupervisionConfig& s = c.supervision;
  const SnapshotConfig& copies = c.snapshots;
  return fmt::format("{} {} {} {} ", copies.directory, copies.interval.count(), copies.keep, copies.verify_interval.count()) + meaning(s.stage) + meaning(s.partition) + meaning(s.door) + meaning(s.committer) + fmt::format("{} {} {} {} {} {} {} {} {} {} {} {} {} {} {}", c.node, c.data, c.segment_bytes, c.commit_interval.count(), c.commit_bytes_max,
                     c.retain ? c.retain->count() : -1, c.memory_max, c.disk_max, c.http_address, c.http_port, c.http_body_max, c.http_connections_max,
                     c.shutdown_max.count(), c.logging_level, static_cast<int>(c.logging_format));
}

TEST_CASE("config show loads again to the same configuration, twice the same text", "[config]") {
  ScratchFolder folder;
  folder.write("t.csv", "a,b,c\n");
  const YamlConfigLoader loader(environment);
  std::size_t shown = 0;
  for (std::uint64_t seed = 1; seed <= 600; ++seed) {
    const bool node = seed % 3 == 0;
    const yaml::ConfigKind kind = node ? yaml::ConfigKind::node : yaml::ConfigKind::pipeline;
    const std::string text = RandomConfig(node ? yaml::node_keys() : yaml::pipeline_keys(), seed).make().dump();
    const std::string file = folder.write("c.yaml", text);
    const auto effective = yaml::effective_config({file, {}, {}}, kind, environment);
    if (!effective) continue;  // what a description cannot say, see test_schema.cc
    ++shown;
    INFO("seed " << seed << "\n" << text << "\n" << effective->yaml);
    const auto before = node ? loader.node(file, {}).map([](const NodeConfig& c) { return meaning(c); }) : loader.pipeline(file, {}).map([](const PipelineConfig& c) { return meaning(c); });
    for (const std::string& again : {effective->yaml, effective->json}) {
      const std::string written = folder.write("again.yaml", again);
      const auto after = node ? loader.node(written, {}).map([](const NodeConfig& c) { return meaning(c); }) : loader.pipeline(written, {}).map([](const PipelineConfig& c) { return meaning(c); });
      if (!after) FAIL(after.error().context);
      CHECK(*after == *before);
      const auto twice = yaml::effective_config({written, {}, {}}, kind, environment);
      REQUIRE(twice);
      CHECK(twice->yaml == effective->yaml);
    }
  }
  CHECK(shown > 300);
}

TEST_CASE("config show writes layers, variables and every default that can stand there", "[config]") {
  ScratchFolder folder;
  const std::string file = folder.write("p.yaml", "pipeline: ${NAME}\nrecord: {time: {field: t, format: \"%Y-%m-%d\"}, type: \"$${x}\"}\nviews: {v: {latest: \"@id\"}}\n");
  const std::string overlay = folder.write("prod.yaml", "partitions: 16\n");
  const auto effective = yaml::effective_config({file, {overlay}, {"dedupe.ids_max=1M"}}, yaml::ConfigKind::pipeline, environment);
  if (!effective) FAIL(effective.error().context);
  CHECK(effective->yaml ==
        "pipeline: orders\n"
        "record:\n"
        "  time: {field: t, format: \"%Y-%m-%d\", zone: UTC}\n"
        "  type: \"$${x}\"\n"
        "  id: digest\n"
        "  csv: {record_lines_max: 64, separator: \",\"}\n"
        "views: {v: {latest: \"@id\"}}\n"
        "partitions: 16\n"
        "dedupe: {ids_max: 1M, remember: 7d, on_conflict: dead_letter}\n"
        "retry:\n"
        "  order: blocking\n"
        "  attempts_max: 20\n"
        "  retry_age_max: 1h\n"
        "  backoff_min: 200ms\n"
        "  backoff_max: 1m\n"
        "  held_keys_max: 10K\n"
        "  parked_events_max: 100K\n"
        "  parked_bytes_max: 256MiB\n"
        "biography: {retain: 7d, bytes_max: 4GiB}\n"
        "inputs: {http: {}}\n"
        "limits: {event_bytes_max: 900KiB, poison_crashes_max: 3, stage_stall_max: 30s}\n");
}

TEST_CASE("a zone is not shown beside a format that has one", "[config]") {
  ScratchFolder folder;
  const std::string file = folder.write("p.yaml", "pipeline: p\nrecord: {format: json, time: {field: t, format: rfc3339}}\n");
  const auto effective = yaml::effective_config({file, {}, {}}, yaml::ConfigKind::pipeline, environment);
  if (!effective) FAIL(effective.error().context);
  CHECK(effective->yaml.find("zone") == std::string::npos);
  CHECK(effective->yaml.find("csv") == std::string::npos);
}

TEST_CASE("files are told apart by their keys", "[config]") {
  ScratchFolder folder;
  const auto kind = [&](const std::string& text) { return yaml::kind_of({folder.write("f.yaml", text), {}, {}}) == yaml::ConfigKind::node; };
  CHECK(kind("node: n1\n"));
  CHECK(kind("http: {}\nlimits: {}\n"));
  CHECK(!kind("pipeline: p\nnode: n1\nhttp: {}\n"));
  CHECK(!kind("limits: {}\n"));
  CHECK(!kind("partitions: 8\n"));
  CHECK(!kind("[\n"));
}

}  // namespace
}  // namespace weir
