// The keys of a plugin's stage in a pipeline file.
#include <weir/plugin_abi.h>

#include "actors/plugin/plugin_host.h"
#include "runtime/adapters/yaml/config_keys.h"
#include "runtime/adapters/yaml/effective_config.h"
#include "runtime/adapters/yaml/yaml_config_loader.h"
#include "tests/support/catch.h"
#include "tests/unit/config/files.h"

extern "C" const weir_plugin* weir_plugin_open(const weir_host* host, weir_message* why);

namespace weir {
namespace {

PluginKinds kinds() { return read_kinds(*weir_plugin_open(&plugin_host(), nullptr), "libtests.so", Digest128{1, 2}).value(); }

/// What is wrong with a file of this one stage, without the file's name.
std::string finding(const std::string& stage, const PluginKinds& plugins = kinds()) {
  ScratchFolder folder;
  const std::string file = folder.write("p.yaml", "pipeline: p\nstages:\n  - " + stage + "\n");
  const auto config = YamlConfigLoader(plugins).pipeline(file, {});
  if (config) return "";
  CHECK(config.error().code == Errc::config_invalid);
  std::string text = config.error().context;
  for (std::size_t at = 0; (at = text.find(file + ":")) != std::string::npos;) text.erase(at, file.size() + 1);
  return text;
}

TEST_CASE("keys of a plugin's stage are checked as weir's own: place, what is allowed, the nearest right one", "[plugin]") {
  CHECK(finding("score: {}") == "");
  CHECK(finding("score:") == "3:5: \"stages.0.score\" must be a map of keys and values, found nothing");
  CHECK(finding("score: {threshold: -5, rate: 1, label: x, mode: lenient, loud: true, window: 1h, room: 1MiB}") == "");
  CHECK(finding("score: {treshold: 5}") == "3:13: unknown key \"treshold\"; allowed in \"stages.0.score\": threshold, rate, label, mode, loud, window, "
                                           "room; did you mean \"threshold\"?");
  CHECK(finding("score: {threshold: -6}") == "3:24: \"stages.0.score.threshold\" must be an integer from -5 to 1000000, found the number -6");
  CHECK(finding("score: {threshold: \"5\"}") == "3:24: \"stages.0.score.threshold\" must be an integer from -5 to 1000000, found the text \"5\"");
  CHECK(finding("score: {rate: 1.01}") == "3:19: \"stages.0.score.rate\" must be a number from 0 to 1, found the number 1.01");
  CHECK(finding("score: {mode: strikt}") ==
        "3:19: \"stages.0.score.mode\" must be one of strict, lenient; found the text \"strikt\"; did you mean \"strict\"?");
  CHECK(finding("score: {window: 2h}") == "3:21: \"stages.0.score.window\" must be a duration with its unit (us, ms, s, m, h, d, w), such as 7d, from 1ms to 1h; found the text \"2h\"");
  CHECK(finding("score: {room: 2MiB}") == "3:19: \"stages.0.score.room\" must be a size with its unit (B, KiB, MiB, GiB, TiB), such as 64MiB, from 1B to 1MiB; found the text \"2MiB\"");
  CHECK(finding("score: {loud: yes}") == "3:19: \"stages.0.score.loud\" must be true or false, found the text \"yes\"");
  CHECK(finding("types: {a: 1}").starts_with("3:13: unknown key \"a\"; allowed in \"stages.0.types\": "));
}

TEST_CASE("an unknown stage names the plugins' stages, and without plugins says where they come from", "[plugin]") {
  CHECK(finding("scor: {}") == "3:5: unknown stage \"scor\"; allowed: validate, enrich, transform, score, score_again, types, lines, together, inner, later, later_lines, "
                               "later_together, never_later (and name, when beside it); did you mean \"score\"?");
  CHECK(finding("fraud: {}", {}) == "3:5: unknown stage \"fraud\"; allowed: validate, enrich, transform (and name, when beside it); a stage of your own "
                                    "comes from a plugin: name its file under \"plugins\" of the node file, or with --plugin");
}

/// What is wrong with a file of this one sink.
std::string sink_finding(const std::string& sink, const PluginKinds& plugins = kinds()) {
  ScratchFolder folder;
  const std::string file = folder.write("p.yaml", "pipeline: p\nsinks:\n  a: " + sink + "\n");
  const auto config = YamlConfigLoader(plugins).pipeline(file, {});
  if (config) return "";
  std::string text = config.error().context;
  for (std::size_t at = 0; (at = text.find(file + ":")) != std::string::npos;) text.erase(at, file.size() + 1);
  return text;
}

TEST_CASE("keys of a plugin's sink are checked as weir's own, with those that every such sink has", "[plugin]") {
  CHECK(sink_finding("{scroll: {path: x}}") == "");
  CHECK(sink_finding("{scroll: {path: x, most: 5, batch_events_max: 1, batch_bytes_max: 1MiB, batch_age_max: 2s, on_refused: skip}, from: dead_letter, begin: now}") == "");
  CHECK(sink_finding("{scroll: {}}") == "3:15: the key \"sinks.a.scroll.path\" is missing; write path: text");
  CHECK(sink_finding("{scroll: {path: x, mots: 5}}") == "3:25: unknown key \"mots\"; allowed in \"sinks.a.scroll\": path, most, batch_events_max, batch_bytes_max, "
                                                        "batch_age_max, on_refused; did you mean \"most\"?");
  CHECK(sink_finding("{scroll: {path: x, most: 0}}") == "3:31: \"sinks.a.scroll.most\" must be an integer from 1 to 1000, found the number 0");
  CHECK(sink_finding("{scrol: {path: x}}") == "3:6: \"sinks.a\" must have one of files, http, stdout, scroll, nowhere, writes, such as {files: {directory: out}}; a sink of "
                                              "your own comes from a plugin: name its file under \"plugins\" of the node file, or with --plugin\n"
                                              "3:7: unknown key \"scrol\"; allowed in \"sinks.a\": files, http, stdout, scroll, nowhere, writes, from, begin, when, "
                                              "backoff_min, backoff_max, sink_lag_max; did you mean \"scroll\"?");
  CHECK(sink_finding("{scroll: {path: x}, nowhere: {}}") == "3:35: \"sinks.a\" must have one of files, http, stdout, scroll, nowhere, writes, found scroll and nowhere");
}

TEST_CASE("a plugin's sink is shown with every default, and described with all keys", "[plugin]") {
  ScratchFolder folder;
  const std::string file = folder.write("p.yaml", "pipeline: p\nsinks: {a: {scroll: {path: x, batch_age_max: 2s}}}\n");
  const auto config = YamlConfigLoader(kinds()).pipeline(file, {});
  REQUIRE(config);
  const auto& body = std::get<PluginSinkConfig>(config->sinks.at(0).body);
  CHECK(body.values == std::vector<std::string>{"x", "100"});
  CHECK(body.batch_age_max == std::chrono::seconds(2));
  const auto shown = yaml::effective_config({file, {}, {}}, yaml::ConfigKind::pipeline, [](std::string_view) { return std::nullopt; }, kinds());
  REQUIRE(shown);
  CHECK(shown->json.find(R"("scroll":{"path":"x","batch_age_max":"2s","most":100,"batch_events_max":500,"batch_bytes_max":"1MiB","on_refused":"stop"})") != std::string::npos);
  const yaml::ConfigKeys keys = yaml::pipeline_keys(kinds());
  REQUIRE(keys.root.find("sinks")->shape.parts->front().find("scroll") != nullptr);
  CHECK(yaml::pipeline_keys().root.find("sinks")->shape.parts->front().find("scroll") == nullptr);
}

/// What is wrong with a file of these inputs.
std::string input_finding(const std::string& inputs, const PluginKinds& plugins = kinds()) {
  ScratchFolder folder;
  const std::string file = folder.write("p.yaml", "pipeline: p\ninputs: " + inputs + "\n");
  const auto config = YamlConfigLoader(plugins).pipeline(file, {});
  if (config) return "";
  std::string text = config.error().context;
  for (std::size_t at = 0; (at = text.find(file + ":")) != std::string::npos;) text.erase(at, file.size() + 1);
  return text;
}

TEST_CASE("keys of a plugin's source are checked as weir's own, by its kind alone or under a name", "[plugin]") {
  CHECK(input_finding("{tape: {file: x}, more: {tape: {file: y, most: 5}}, http: {}}") == "");
  CHECK(input_finding("{tape: {}}") == "2:16: the key \"inputs.tape.file\" is missing; write file: text");
  CHECK(input_finding("{a: {tape: {file: x, mots: 5}}}") == "2:30: unknown key \"mots\"; allowed in \"inputs.a.tape\": file, most; did you mean \"most\"?");
  CHECK(input_finding("{a: {tape: {file: x, most: 0}}}") == "2:36: \"inputs.a.tape.most\" must be an integer from 1 to 1000, found the number 0");
  CHECK(input_finding("{a: {taep: {file: x}}}") == "2:10: \"inputs.a\" must be a map of one kind of input, http, files, tape, once, such as {files: {include: [\"incoming/*.csv\"]}}; "
                                                   "found the key \"taep\"; did you mean \"tape\"?; a source of your own comes from a plugin: name its file under "
                                                   "\"plugins\" of the node file, or with --plugin");
  ScratchFolder folder;
  const std::string file = folder.write("p.yaml", "pipeline: p\ninputs: {a: {tape: {file: x}}}\n");
  const auto shown = yaml::effective_config({file, {}, {}}, yaml::ConfigKind::pipeline, [](std::string_view) { return std::nullopt; }, kinds());
  REQUIRE(shown);
  CHECK(shown->json.find(R"("inputs":{"a":{"tape":{"file":"x","most":100}}})") != std::string::npos);
}

/// What is wrong with a file of this one view.
std::string view_finding(const std::string& view, const PluginKinds& plugins = kinds()) {
  ScratchFolder folder;
  const std::string file = folder.write("p.yaml", "pipeline: p\nviews: {a: " + view + "}\n");
  const auto config = YamlConfigLoader(plugins).pipeline(file, {});
  if (config) return "";
  std::string text = config.error().context;
  for (std::size_t at = 0; (at = text.find(file + ":")) != std::string::npos;) text.erase(at, file.size() + 1);
  return text;
}

TEST_CASE("a plugin's view stands in place of measures, and its keys are checked as weir's own", "[plugin]") {
  CHECK(view_finding("{extremes: {}}") == "");
  CHECK(view_finding("{group_by: [c], windows: [day], retain: 9d, when: {type: sale}, extremes: {field: price, most: 5}}") == "");
  CHECK(view_finding("{extremes: {mots: 5}}") == "2:24: unknown key \"mots\"; allowed in \"views.a.extremes\": field, most; did you mean \"most\"?");
  CHECK(view_finding("{extremes: {most: 0}}") == "2:30: \"views.a.extremes.most\" must be an integer from 1 to 1000000, found the number 0");
  CHECK(view_finding("{extremes: {}, words: {}}") == "2:27: \"views.a.words\": the view has extremes already; make it two views");
  CHECK(view_finding("{extremes: {}, measures: {n: count}}") == "2:37: \"views.a.measures\" contradicts extremes: a view has one of them; make it two views");
  CHECK(view_finding("{latest: c, extremes: {}}") == "2:21: \"views.a.latest\" contradicts extremes: a view has one of them; make it two views");
  CHECK(view_finding("{extremes: {}, fields: [c]}") == "2:35: \"views.a.fields\" belongs to a latest view, this one has extremes");
  CHECK(view_finding("{extremes: {}, group_by: [spread]}") == "2:13: the group field \"spread\" would hide the row's own spread; copy it to another name in a transform stage");
  CHECK(view_finding("{extremes: {}, group_by: [failed]}") == "2:13: the group field \"failed\" would hide the row's own failed; copy it to another name in a transform stage");
  CHECK(view_finding("{extrems: {}}") == "2:12: the view \"a\" must have either latest or measures, or extremes, or words; a view of your own comes from a plugin: name "
                                         "its file under \"plugins\" of the node file, or with --plugin\n"
                                         "2:13: unknown key \"extrems\"; allowed in \"views.a\": latest, fields, group_by, windows, measures, retain, extremes, words, when; "
                                         "did you mean \"extremes\"?");
  CHECK(view_finding("{group_by: [c]}", {}) == "2:12: the view \"a\" must have either latest or measures");
}

TEST_CASE("a plugin's view is shown with every default, and described with all keys", "[plugin]") {
  ScratchFolder folder;
  const std::string file = folder.write("p.yaml", "pipeline: p\nviews: {a: {group_by: [c], extremes: {most: 7}}}\n");
  const auto config = YamlConfigLoader(kinds()).pipeline(file, {});
  REQUIRE(config);
  CHECK(config->views.at(0).plugin->values == std::vector<std::string>{"amount", "7"});
  const auto shown = yaml::effective_config({file, {}, {}}, yaml::ConfigKind::pipeline, [](std::string_view) { return std::nullopt; }, kinds());
  REQUIRE(shown);
  CHECK(shown->json.find(R"("views":{"a":{"group_by":["c"],"extremes":{"most":7,"field":"amount"}}})") != std::string::npos);
  CHECK(yaml::pipeline_keys(kinds()).root.find("views")->shape.parts->front().find("extremes") != nullptr);
  CHECK(yaml::pipeline_keys().root.find("views")->shape.parts->front().find("extremes") == nullptr);
}

TEST_CASE("a kind of view whose columns are none, twice there or the row's own is refused", "[plugin]") {
  static const std::array<weir_text, 2> twice = {{{"a", 1}, {"a", 1}}};
  static const weir_text window{"window", 6}, none{"a b", 3};
  const auto refused = [](const weir_text* columns, std::uint64_t count) {
    weir_view_kind view{};
    view.name = {"mine", 4};
    view.columns = columns;
    view.column_count = count;
    weir_plugin plugin{};
    plugin.abi = WEIR_ABI_VERSION;
    plugin.view_count = 1;
    plugin.views = &view;
    const auto kinds = read_kinds(plugin, "f.so", Digest128{});
    return kinds ? "" : kinds.error().context;
  };
  CHECK(refused(twice.data(), 1) == "");
  CHECK(refused(twice.data(), 0) == "f.so: the view \"mine\" has 0 columns; a view shows 1 to 64");
  CHECK(refused(twice.data(), 2) == "f.so: the view \"mine\": the column \"a\" is there twice");
  CHECK(refused(&window, 1) == "f.so: the view \"mine\": a column cannot be called \"window\"; write a letter, then letters, digits, _ and - (window, window_start, failed are the row's own)");
  CHECK(refused(&none, 1).find("cannot be called \"a b\"") != std::string::npos);
}

TEST_CASE("a key that is required must be given", "[plugin]") {
  auto kind = std::make_shared<PluginStageKind>();
  kind->name = "strict";
  kind->keys = {{"limit", "the limit", PluginKey::Type::integer, true, "1", "9", "", {}}};
  PluginKinds only;
  only.stages = {kind};
  CHECK(finding("strict: {}", only) == "3:13: the key \"stages.0.strict.limit\" is missing; write limit: an integer, 1 to 9");
  CHECK(finding("strict: {limit: 3}", only) == "");
}

TEST_CASE("values reach the stage in its own spelling, and config show writes every default", "[plugin]") {
  ScratchFolder folder;
  const std::string file = folder.write("p.yaml", "pipeline: p\nstages: [{score: {window: 2s, room: 2KiB, loud: true}}]\n");
  const auto config = YamlConfigLoader(kinds()).pipeline(file, {});
  REQUIRE(config);
  CHECK(std::get<PluginStageConfig>(config->stages.at(0).body).values == std::vector<std::string>{"100", "0.25", "", "strict", "true", "2000000", "2048"});
  const auto shown = yaml::effective_config({file, {}, {}}, yaml::ConfigKind::pipeline, [](std::string_view) { return std::nullopt; }, kinds());
  REQUIRE(shown);
  CHECK(shown->json.find(R"("stages":[{"score":{"window":"2s","room":"2KiB","loud":true,"threshold":100,"rate":0.25,"mode":"strict"}}])") != std::string::npos);
  const auto again = YamlConfigLoader(kinds()).pipeline(folder.write("again.yaml", shown->yaml), {});
  REQUIRE(again);
  CHECK(rules_text(*again) == rules_text(*config));
}

TEST_CASE("a stage that answers later has a deadline and a bound of weir's own, which are no part of its rules", "[plugin]") {
  CHECK(finding("later: {deadline: 11m}") == "3:23: \"stages.0.later.deadline\" must be a duration with its unit (us, ms, s, m, h, d, w), such as 7d, from 1ms to 10m; found the text \"11m\"");
  CHECK(finding("later: {pending_max: 0}") == "3:26: \"stages.0.later.pending_max\" must be an integer from 1 to 1000, found the number 0");
  CHECK(finding("never_later: {deadline: 1s}").starts_with("3:19: unknown key \"deadline\""));
  ScratchFolder folder;
  const auto load = [&](const std::string& keys) {
    return YamlConfigLoader(kinds()).pipeline(folder.write("p.yaml", "pipeline: p\nstages: [{later: {" + keys + "}}]\n"), {}).value();
  };
  const auto keys_of = [](const PipelineConfig& config) {
    const auto& body = std::get<PluginStageConfig>(config.stages.at(0).body);
    return pending_keys(*body.kind, body.values);
  };
  const PipelineConfig plain = load(""), other = load("deadline: 250ms, pending_max: 7");
  CHECK(keys_of(plain).deadline == std::chrono::seconds(5));
  CHECK(keys_of(plain).pending_max == 64);
  CHECK(keys_of(other).deadline == std::chrono::milliseconds(250));
  CHECK(keys_of(other).pending_max == 7);
  CHECK(rules_text(plain) == rules_text(other));
  CHECK(rules_text(plain) != rules_text(load("by: thread")));
  const auto shown = yaml::effective_config({folder.write("shown.yaml", "pipeline: p\nstages: [{later: {by: thread}}]\n"), {}, {}}, yaml::ConfigKind::pipeline, [](std::string_view) { return std::nullopt; }, kinds());
  REQUIRE(shown);
  CHECK(shown->json.find(R"({"later":{"by":"thread","deadline":"5s","pending_max":64}})") != std::string::npos);
}

TEST_CASE("the description of all keys has the stages of plugins", "[plugin]") {
  const yaml::ConfigKeys keys = yaml::pipeline_keys(kinds());
  const yaml::Shape& stage = keys.root.find("stages")->shape.parts->front();
  REQUIRE(stage.find("score") != nullptr);
  CHECK(yaml::describe(stage.find("score")->shape.find("window")->shape) == "a duration, 1ms to 1h");
  CHECK(stage.find("score")->shape.find("threshold")->fallback == "100");
  CHECK(yaml::pipeline_keys().root.find("stages")->shape.parts->front().find("score") == nullptr);
}

}  // namespace
}  // namespace weir
