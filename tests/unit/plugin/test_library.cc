// Which files are loaded as plugins, and how the others are refused: each says what, where, what is allowed, what to do.
#include "actors/plugin/plugin_host.h"
#include "actors/plugin/service_actor.h"
#include "runtime/adapters/plugins/plugin_library.h"
#include "tests/support/catch.h"
#include "tests/unit/config/files.h"

extern "C" const weir_plugin* weir_plugin_open(const weir_host* host, weir_message* why);

namespace weir {
namespace {

PluginStamp stamp(std::uint32_t abi, const std::string& weir, const std::string& sanitizer = "none") {
  return {abi, weir, "GCC 12", "libstdc++ 1", "optimized", sanitizer};
}
std::string refused(const PluginStamp& plugin, const PluginStamp& weir) {
  const auto checked = check_stamp(plugin, weir);
  return checked ? "" : checked.error().context;
}
std::string elf(const std::string& stamp) { return "\177ELF and so on " + stamp + " and so on"; }
/// Of a file with this text, or of no file.
std::string loading(const std::optional<std::string>& text) {
  ScratchFolder folder;
  const std::string file = text ? folder.write("plugin.so", *text) : folder.path() + "/plugin.so";
  const std::vector<NamedFile> files = {{file, {"node.yaml", 3, 11}}};
  const auto loaded = load_plugins(files, plugin_host(), service_ground());
  REQUIRE(!loaded);
  CHECK(loaded.error().code == Errc::config_invalid);
  const std::string begin = "node.yaml:3:11: the plugin \"" + file + "\" cannot be used: ";
  REQUIRE(loaded.error().context.starts_with(begin));
  return loaded.error().context.substr(begin.size());
}

TEST_CASE("a plugin's stages, sinks, sources and views are loaded from its file, with its content", "[plugin]") {
  const std::vector<NamedFile> files = {{PLUGIN_OF_TESTS, {}}, {PLUGIN_OF_TESTS, {}}};  // the same file twice counts once
  const auto kinds = load_plugins(files, plugin_host(), service_ground());
  if (!kinds) FAIL(kinds.error().context);
  std::vector<std::string> names;
  for (const auto& kind : kinds->stages) names.push_back(kind->name);
  for (const auto& kind : kinds->sinks) names.push_back("sink " + kind->name);
  for (const auto& kind : kinds->sources) names.push_back("source " + kind->name);
  for (const auto& kind : kinds->views) names.push_back("view " + kind->name);
  CHECK(names == std::vector<std::string>{"score", "score_again", "types", "lines", "together", "inner", "later", "later_lines", "later_together", "never_later", "sink scroll", "sink nowhere", "sink writes", "source tape", "source once", "view extremes", "view words"});
  CHECK(kinds->stages.front()->content != Digest128{});
  CHECK(kinds->stages.front()->keys.at(0).doc == "amounts from here on are scored");
}

TEST_CASE("what is linked into a program is opened as a plugin, under the program's own path and content", "[plugin]") {
  const std::string stamp = "weir-plugin{abi=4;weir=0.1.0;compiler=GCC 12;library=x;build=y;sanitizer=address}";
  const auto kinds = linked_kinds({weir_plugin_open, stamp}, plugin_host(), service_ground());
  if (!kinds) FAIL(kinds.error().context);
  const std::string path = std::filesystem::read_symlink("/proc/self/exe").string();
  const auto* const score = find_kind(kinds->stages, "score");
  REQUIRE(score != nullptr);
  CHECK((*score)->file == path);
  CHECK((*score)->content != Digest128{});
  PluginKinds all = *kinds;
  const std::vector<NamedFile> files = {{PLUGIN_OF_TESTS, {}}};
  CHECK(add_kinds(all, load_plugins(files, plugin_host(), service_ground()).value()).error().context ==
        std::string(PLUGIN_OF_TESTS) + ": the stage \"score\" is in " + path + " already; load one of the two, or give one stage another name");
  const LinkedKinds broken{[](const weir_host*, weir_message*) -> const weir_plugin* { return nullptr; }, stamp};
  CHECK(linked_kinds(broken, plugin_host(), service_ground()).error().context == "what is linked into " + path + " cannot be used: what it says about itself failed: ");
  const auto refused_stamp = [](std::string_view said) { return linked_kinds({weir_plugin_open, said}, plugin_host(), service_ground()).error().context; };
  CHECK(refused_stamp("weir-plugin{abi=9;weir=0.1.0;compiler=GCC 12;library=x;build=y;sanitizer=none}")
            .starts_with("what is linked into " + path + " cannot be used: it was built for version 9 of the interface between weir and plugins"));
  CHECK(refused_stamp("").ends_with("it does not say which weir it was built for; build it with weir_add_program() of the package"));
}

TEST_CASE("a file that is no plugin is refused before anything of it runs", "[plugin]") {
  CHECK(loading(std::nullopt) == "there is no such file; build the plugin, or mend its name");
  CHECK(loading("#!/bin/sh") == "it is no shared object; name the .so that the build of the plugin makes");
  CHECK(loading(elf("")) == "it is no plugin of weir: nothing in it registers a stage, a sink, a source, a view or a service; write WEIR_STAGE, WEIR_SINK, WEIR_SOURCE, WEIR_VIEW or WEIR_SERVICE(\"name\", Type), or begin with weir new");
  CHECK(loading(elf("weir-plugin{abi=7;weir=0.1.0;compiler=GCC 12;library=x;build=y;sanitizer=none}"))
            .starts_with("it was built for version 7 of the interface between weir and plugins (weir 0.1.0), this weir has version 4; build it again with"));
  CHECK(loading(elf("weir-plugin{abi=4;weir=99.0.0;compiler=GCC 12;library=x;build=y;sanitizer=none}"))
            .starts_with("it was built for weir 99.0.0, which is newer than this one, "));
  CHECK(loading(elf("weir-plugin{abi=4;weir=0.1.0;compiler=GCC 12;library=libx 3;build=y;sanitizer=none}"))
            .ends_with("; it was built with GCC 12 and libx 3: build it on this system"));
  const std::vector<NamedFile> folder = {{"tests", {"--plugin", 0, 0}}};
  CHECK(load_plugins(folder, plugin_host(), service_ground()).error().context ==
        "--plugin: the plugin \"tests\" cannot be used: it is no regular file; name the shared object (.so) itself");
  const std::vector<NamedFile> closed = {{PLUGIN_WITHOUT_OPENER, {"n", 1, 1}}};
  CHECK(load_plugins(closed, plugin_host(), service_ground()).error().context.ends_with(
      "it does not export weir_plugin_open; include the header of its kinds, such as weir/stage.h, and do not hide it with a linker script"));
  const std::vector<NamedFile> wrong = {{PLUGIN_WITH_WRONG_KEYS, {"n", 1, 1}}};
  CHECK(load_plugins(wrong, plugin_host(), service_ground())
            .error()
            .context.ends_with("cannot be used: what it says about itself failed: required() stands behind the key it is about"));
}

TEST_CASE("all plugins that are refused are named at once, and a name is given once", "[plugin]") {
  ScratchFolder folder;
  const std::string copy = folder.path() + "/copy.so";
  std::filesystem::copy_file(PLUGIN_OF_TESTS, copy);
  const std::vector<NamedFile> files = {{PLUGIN_OF_TESTS, {"n", 1, 1}}, {copy, {"n", 2, 1}}, {folder.path() + "/none.so", {"n", 3, 1}}};
  const auto loaded = load_plugins(files, plugin_host(), service_ground());
  REQUIRE(!loaded);
  const std::string& text = loaded.error().context;
  CHECK(text.starts_with("n:2:1: the plugin \"" + copy + "\" cannot be used: " + copy + ": the stage \"score\" is in " PLUGIN_OF_TESTS
                         " already; load one of the two, or give one stage another name\n"));
  CHECK(text.find("\nn:3:1: the plugin \"") != std::string::npos);
}

TEST_CASE("a plugin fits the weir that has its interface and is not older, whatever compiled them", "[plugin]") {
  CHECK(refused(stamp(1, "0.1.0"), stamp(1, "0.1.0")) == "");
  CHECK(refused(stamp(1, "0.1.0"), stamp(1, "0.2.3")) == "");
  CHECK(refused({1, "0.1.0", "Clang 16", "libc++ 160000", "not optimized", "none"}, stamp(1, "0.1.0")) == "");
  CHECK(refused(stamp(2, "0.2.0"), stamp(1, "0.1.0")) == "it was built for version 2 of the interface between weir and plugins (weir 0.2.0), this weir has "
                                                         "version 1; build it again with the package of weir 0.1.0 (find_package(weir))");
  CHECK(refused(stamp(1, "0.1.1"), stamp(1, "0.1.0")) ==
        "it was built for weir 0.1.1, which is newer than this one, 0.1.0; build it again with the package of weir 0.1.0 (find_package(weir))");
  CHECK(refused(stamp(1, "0.1.0", "address"), stamp(1, "0.1.0")) ==
        "it was built with the address sanitizer (GCC 12), this weir without; build the plugin without it, or weir with it");
  CHECK(refused(stamp(1, "0.1.0", "address"), stamp(1, "0.1.0", "address")) == "");
  CHECK(refused(stamp(1, "0.1.0"), stamp(1, "0.1.0", "address")) == "");
}

std::string service_stamp(const std::string& caf, const std::string& rest) { return "weir-service{weir=0.1.0;caf=" + caf + ";" + rest + "}"; }

TEST_CASE("a plugin's services are loaded where everything was built alike", "[plugin]") {
  const std::vector<NamedFile> files = {{PLUGIN_WITH_SERVICE, {"node.yaml", 2, 11}}};
  const auto kinds = load_plugins(files, plugin_host(), service_ground());
  if (!kinds) FAIL(kinds.error().context);
  REQUIRE(kinds->services.size() == 1);
  CHECK(kinds->services.front()->name == "pulse");
  CHECK(kinds->services.front()->keys.at(2).words == std::vector<std::string>{"quit", "late", "never", "block"});

  ServiceGround other = service_ground();
  other.stamp.caf = "0.17.7";
  other.stamp.compiler = "GCC 99";
  const auto refused = load_plugins(files, plugin_host(), other);
  REQUIRE(!refused);
  CHECK(refused.error().context == "node.yaml:2:11: the plugin \"" PLUGIN_WITH_SERVICE "\" cannot be used: it has a service, which must be built as weir is, and it was built with CAF " +
                                       service_ground().stamp.caf + " (this weir: 0.17.7), the compiler " + service_ground().stamp.compiler +
                                       " (this weir: GCC 99); build it again with GCC 99, CAF 0.17.7 and the package of weir 0.1.0 (find_package(weir COMPONENTS service))");
  // The same names over another copy of CAF's code.
  other = service_ground();
  other.core = &other;
  CHECK(load_plugins(files, plugin_host(), other).error().context.ends_with("its service \"pulse\" has a CAF of its own; link it with the shared library of CAF that weir has (find_package(weir COMPONENTS service)), not with another copy"));
}

TEST_CASE("how a plugin with services was built is read from its file before it is loaded", "[plugin]") {
  CHECK(!read_service_stamp("nothing here"));
  CHECK(!read_service_stamp("weir-service{weir=0.1.0;caf=none}"));
  CHECK(!read_service_stamp("weir-service{weir=0.1.0;caf=1706"));
  const auto found = read_service_stamp("weir-service{ " + service_stamp("1706", "compiler=GCC 12;library=libstdc++ 12 cxx11_abi 1;sanitizer=none") + " and so on");
  REQUIRE(found);
  CHECK(found->weir == "0.1.0");
  CHECK(found->caf == "0.17.6");
  CHECK(found->compiler == "GCC 12");
  CHECK(found->library == "libstdc++ 12 cxx11_abi 1");
  CHECK(found->sanitizer == "none");
  // Of a file that could not be loaded: the stamp speaks first.
  CHECK(loading(elf("weir-plugin{abi=4;weir=0.1.0;compiler=x;library=y;build=z;sanitizer=none} " + service_stamp("1805", "compiler=x;library=y;sanitizer=none")))
            .starts_with("it has a service, which must be built as weir is, and it was built with CAF 0.18.5 (this weir: "));
}

TEST_CASE("a service fits the weir that was built as it was, and no other", "[plugin]") {
  const ServiceStamp weir{"0.1.0", "0.17.6", "GCC 12", "libstdc++ 12 cxx11_abi 1", "none"};
  const auto refused_with = [&weir](auto change) {
    ServiceStamp plugin = weir;
    change(plugin);
    const auto checked = check_service_stamp(plugin, weir);
    return checked ? "" : checked.error().context;
  };
  const std::string begin = "it has a service, which must be built as weir is, and it was built with ";
  CHECK(refused_with([](ServiceStamp&) {}) == "");
  CHECK(refused_with([](ServiceStamp& stamp) { stamp.weir = "0.1.1"; }).starts_with(begin + "weir 0.1.1 (this weir: 0.1.0); build it again with GCC 12, CAF 0.17.6 and"));
  CHECK(refused_with([](ServiceStamp& stamp) { stamp.caf = "0.18.5"; }).starts_with(begin + "CAF 0.18.5 (this weir: 0.17.6); "));
  CHECK(refused_with([](ServiceStamp& stamp) { stamp.compiler = "Clang 16"; }).starts_with(begin + "the compiler Clang 16 (this weir: GCC 12); "));
  CHECK(refused_with([](ServiceStamp& stamp) { stamp.library.clear(); }).starts_with(begin + "the standard library unknown (this weir: libstdc++ 12 cxx11_abi 1); "));
  CHECK(refused_with([](ServiceStamp& stamp) { stamp.sanitizer = "address"; }).starts_with(begin + "the sanitizer address (this weir: none); "));
}

TEST_CASE("the names of services are checked as those of the others", "[plugin]") {
  weir_service_kind kind{};
  kind.name = {"x", 1};
  weir_plugin plugin{};
  plugin.abi = WEIR_ABI_VERSION;
  plugin.services = &kind;
  plugin.service_count = 1;
  const auto kinds = read_kinds(plugin, "p.so", {});
  REQUIRE(kinds);
  CHECK(kinds->services.size() == 1);
  kind.name = {"a b", 3};
  CHECK(read_kinds(plugin, "p.so", {}).error().context.starts_with("p.so: a service cannot be called \"a b\"; write a letter"));
}

weir_text text(std::string_view view) { return {view.data(), view.size()}; }
weir_plugin plugin_of(const weir_stage_kind* stages, std::uint64_t count) {
  weir_plugin plugin{};
  plugin.abi = WEIR_ABI_VERSION;
  plugin.stages = stages;
  plugin.stage_count = count;
  return plugin;
}
std::string refused_kind(weir_stage_kind kind) {
  const weir_plugin plugin = plugin_of(&kind, 1);
  const auto kinds = read_kinds(plugin, "p.so", {});
  return kinds ? "" : kinds.error().context;
}
std::string refused_key(weir_key key) {
  weir_stage_kind kind{};
  kind.name = text("k");
  kind.keys = &key;
  kind.key_count = 1;
  return refused_kind(kind);
}
weir_key integer_key(std::string_view min, std::string_view max, std::string_view fallback) {
  return {text("n"), text(""), text(min), text(max), text(fallback), nullptr, 0, WEIR_KEY_INTEGER, 0};
}

std::string refused_sink(std::string_view name, std::string_view key_name) {
  weir_key key{};
  key.name = text(key_name);
  key.type = WEIR_KEY_TEXT;
  weir_sink_kind kind{};
  kind.name = text(name);
  kind.keys = &key;
  kind.key_count = 1;
  weir_plugin plugin{};
  plugin.abi = WEIR_ABI_VERSION;
  plugin.sinks = &kind;
  plugin.sink_count = 1;
  const auto kinds = read_kinds(plugin, "p.so", {});
  return kinds ? "" : kinds.error().context;
}

TEST_CASE("the keys that weir gives a stage that answers later cannot be its own", "[plugin]") {
  weir_key key = integer_key("1", "9", "5");
  key.name = text("deadline");
  CHECK(refused_key(key) == "");
  weir_stage_kind kind{};
  kind.name = text("k");
  kind.keys = &key;
  kind.key_count = 1;
  kind.resume = [](const void*, weir_event*, weir_text, weir_message*) -> std::uint32_t { return WEIR_DECIDED; };
  CHECK(refused_kind(kind) == "p.so: the stage \"k\": a key cannot be called \"deadline\", which is weir's own for stages that answer later; give it another name");
}

TEST_CASE("names and keys that cannot be are refused when the plugin is loaded", "[plugin]") {
  weir_stage_kind kind{};
  for (const char* name : {"", "9lives", "when", "a b", "p.q"}) {
    kind.name = text(name);
    CHECK(refused_kind(kind).starts_with("p.so: a stage cannot be called \"" + std::string(name) + "\"; write a letter, then letters"));
  }
  kind.name = text("enrich");
  CHECK(refused_kind(kind) == "p.so: the stage \"enrich\" has the name of one of weir's own; give it another one");
  kind.name = text("good");
  CHECK(refused_kind(kind) == "");
  const weir_stage_kind twice[] = {kind, kind};
  CHECK(read_kinds(plugin_of(twice, 2), "p.so", {}).error().context ==
        "p.so: the stage \"good\" is registered twice; give one of them another name");
  CHECK(read_kinds(plugin_of(nullptr, 0), "p.so", {}).error().context.starts_with("p.so: nothing is registered in it"));
  CHECK(refused_key(integer_key("1", "9", "5")) == "");
  CHECK(refused_key(integer_key("1", "9", "10")) ==
        "p.so: the stage \"k\": the key \"n\" is declared wrongly: its default \"10\" lies outside its range; mend it in the plugin");
  CHECK(refused_key(integer_key("", "9", "5")).find("its least value \"\" is no integer") != std::string::npos);
  weir_key key = integer_key("0", "1", "2");
  key.type = WEIR_KEY_DECIMAL;
  CHECK(refused_key(key).find("its default \"2\" lies above its range") != std::string::npos);
  key.type = WEIR_KEY_WORD;
  CHECK(refused_key(key).find("it has no words to choose from") != std::string::npos);
  key.type = 99;
  CHECK(refused_key(key).find("has a type this weir does not know") != std::string::npos);
  key.type = WEIR_KEY_TEXT;
  key.name = text("when");
  CHECK(refused_key(key).find("a key cannot be called \"when\"") != std::string::npos);
  CHECK(refused_sink("http", "path") == "p.so: the sink \"http\" has the name of one of weir's own; give it another one");
  CHECK(refused_sink("from", "path").starts_with("p.so: a sink cannot be called \"from\"; write a letter"));
  CHECK(refused_sink("good", "on_refused") ==
        "p.so: the sink \"good\": a key cannot be called \"on_refused\"; write a letter, then letters, digits, _ and - (batch_events_max, "
        "batch_bytes_max, batch_age_max, on_refused are weir's own)");
  CHECK(refused_sink("validate", "when") == "");
  weir_source_kind source{};
  source.name = text("files");
  weir_plugin plugin{};
  plugin.abi = WEIR_ABI_VERSION;
  plugin.sources = &source;
  plugin.source_count = 1;
  CHECK(read_kinds(plugin, "p.so", {}).error().context == "p.so: the source \"files\" has the name of one of weir's own; give it another one");
}

}  // namespace
}  // namespace weir
