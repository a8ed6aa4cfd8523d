// The services of a node file: names and kinds before its plugins are loaded, everything behind that.
#include <weir/abi.h>

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

std::string finding(const std::string& services, const YamlConfigLoader& loader = YamlConfigLoader(kinds())) {
  ScratchFolder folder;
  const std::string file = folder.write("n.yaml", "node: n1\nservices: " + services + "\n");
  const auto config = loader.node(file, {});
  if (config) return "";
  CHECK(config.error().code == Errc::config_invalid);
  std::string text = config.error().context;
  for (std::size_t at = 0; (at = text.find(file + ":")) != std::string::npos;) text.erase(at, file.size() + 1);
  return text;
}

TEST_CASE("a service is checked with its place, what is allowed, and the nearest right word", "[plugin]") {
  CHECK(finding("{alarm: {pulse: {}}, second: {pulse: {every: 2s, stop: late}}}") == "");
  CHECK(finding("{alarm: {pulse: {evry: 1s}}}") ==
        "2:28: unknown key \"evry\"; allowed in \"services.alarm.pulse\": every, crash_at, stop, view, put, do_what; did you mean \"every\"?");
  CHECK(finding("{alarm: {pulse: {every: 1}}}") == "2:35: \"services.alarm.pulse.every\" must be a duration with its unit (us, ms, s, m, h, d, w), such as 7d, from 1ms to 1h; found the number 1");
  CHECK(finding("{alarm: {puls: {}}}") == "2:20: unknown service \"puls\" in \"services.alarm\"; the plugins have pulse; did you mean \"pulse\"?; "
                                          "a service comes from a plugin: name its file under \"plugins\", or with --plugin");
  CHECK(finding("{alarm: {pulse: {}}}", YamlConfigLoader(PluginKinds{})) ==
        "2:20: unknown service \"pulse\" in \"services.alarm\"; no plugin has one; a service comes from a plugin: name its file under \"plugins\", or with --plugin");
  CHECK(finding("{alarm: pulse}") ==
        "2:19: \"services.alarm\" must be a map of one kind of service with its keys, such as {totals_watch: {every: 10s}}; found the text \"pulse\"");
  CHECK(finding("{alarm: {pulse: {}, other: {}}}").ends_with("; found a map of 2 keys"));
  CHECK(finding("{9: {pulse: {}}}").find("the name of a service") != std::string::npos);
  CHECK(finding("[pulse]").starts_with("2:11: \"services\" must be a map of at most 64 services such as {alarm: {totals_watch: {every: 10s}}}, found a list"));
}

TEST_CASE("before its plugins are loaded a node file says which services there are", "[plugin]") {
  ScratchFolder folder;
  const std::string file = folder.write("n.yaml", "plugins: [x.so]\nservices: {alarm: {pulse: {nonsense: 1}}}\nsupervision: {service: {restarts_max: 2, window: 1m}}\n");
  const auto config = YamlConfigLoader{}.node(file, {});
  REQUIRE(config);
  REQUIRE(config->services.size() == 1);
  CHECK(config->services[0].kind_name == "pulse");
  CHECK(config->services[0].kind == nullptr);
  CHECK(config->supervision.service.restarts_max == 2);
  CHECK(config->supervision.service.window == std::chrono::minutes(1));
  CHECK(config->supervision.service.backoff_min == RestartLimits{}.backoff_min);
  CHECK(finding("{alarm: {pulse: 7}}", YamlConfigLoader{}) == "2:27: \"services.alarm.pulse\" must be a map of keys and values, found the number 7");
}

TEST_CASE("values reach the service in its own spelling, and config show writes every default", "[plugin]") {
  ScratchFolder folder;
  const std::string file = folder.write("n.yaml", "node: n1\nservices: {alarm: {pulse: {every: 2s, view: total}}}\n");
  const auto config = YamlConfigLoader(kinds()).node(file, {});
  REQUIRE(config);
  CHECK(config->services.at(0).values == std::vector<std::string>{"2000000", "0", "quit", "total", "", "nothing"});
  const auto shown = yaml::effective_config({file, {}, {}}, yaml::ConfigKind::node, [](std::string_view) { return std::nullopt; }, kinds());
  REQUIRE(shown);
  CHECK(shown->json.find(R"("services":{"alarm":{"pulse":{"every":"2s","view":"total","crash_at":0,"stop":"quit","do_what":"nothing"}}})") != std::string::npos);
  CHECK(shown->json.find(R"("service":{"restarts_max":10,)") != std::string::npos);
}

TEST_CASE("the description of a node's keys has the services of plugins", "[plugin]") {
  const yaml::ConfigKeys keys = yaml::node_keys(kinds());
  const yaml::Shape& service = keys.root.find("services")->shape.parts->front();
  REQUIRE(service.find("pulse") != nullptr);
  CHECK(yaml::describe(service.find("pulse")->shape.find("every")->shape) == "a duration, 1ms to 1h");
  CHECK(service.one_of == std::vector<std::vector<std::string>>{{"pulse"}});
}

}  // namespace
}  // namespace weir
