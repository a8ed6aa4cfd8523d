// Every way to write a pipeline file wrong that we could think of, with the words a person reads then.
#include <fstream>
#include <sstream>

#include "runtime/adapters/yaml/yaml_config_loader.h"
#include "runtime/ports/pipeline_tests.h"
#include "tests/support/catch.h"
#include "tests/unit/config/files.h"

namespace weir {
namespace {

struct Case {
  std::string name;
  std::string file;
  std::string findings;
  std::vector<std::pair<std::string, std::string>> overlays;  // name and text
};

std::vector<Case> read_cases() {
  std::ifstream in("tests/unit/config/broken_files.txt");
  std::vector<Case> cases;
  bool findings = false;
  for (std::string line; std::getline(in, line);) {
    if (line.starts_with("## ")) {
      cases.push_back({line.substr(3), "", "", {}});
      findings = false;
    } else if (line.starts_with("<= ") && !cases.empty()) {
      cases.back().overlays.emplace_back(line.substr(3), "");
    } else if (line == "=>") {
      findings = true;
    } else if (!cases.empty() && findings && !line.empty()) {
      if (!cases.back().findings.empty()) cases.back().findings += '\n';
      cases.back().findings += line;
    } else if (!cases.empty() && !findings) {
      for (std::size_t tab = line.find("<TAB>"); tab != std::string::npos; tab = line.find("<TAB>"))
        line.replace(tab, 5, "\t");
      Case& last = cases.back();
      (last.overlays.empty() ? last.file : last.overlays.back().second) += line + "\n";
    }
  }
  return cases;
}

std::optional<std::string> environment(std::string_view name) {
  return name == "MANY" ? std::optional<std::string>("5000") : std::nullopt;
}

TEST_CASE("every broken file is refused with its exact findings", "[config]") {
  const auto cases = read_cases();
  REQUIRE(cases.size() >= 140);
  ScratchFolder folder;
  folder.write("countries.csv", "Country,region\nFrance,europe\n");
  folder.write("pairs.csv", "a,b,c\n1,2,3\n");
  folder.write("empty.csv", "");
  folder.write("twice.csv", "a,b,a\n");
  folder.write("open.csv", "a,\"b,c\n");
  folder.write("hole.csv", "a,,c\n");
  folder.write("rates.json", R"({"EUR":{"rate":1},"USD":{"rate":2}})");
  folder.write("half.json", "[{\"a\":1},\n{\"a\":");
  folder.write("rows.ndjson", "{\"a\":1,\"b\":2}\n");
  std::filesystem::create_directory(folder.path() + "/folder.csv");
  const YamlConfigLoader loader(environment);
  for (const Case& broken : cases) {
    INFO(broken.name);
    const bool node = broken.name.starts_with("node: ");
    ConfigSources sources{folder.write(node ? "n.yaml" : "p.yaml", broken.file), {}, {}};
    for (const auto& [name, text] : broken.overlays) sources.overlays.push_back(folder.write(name, text));
    const auto config = node ? loader.node(sources).map([](const NodeConfig&) {})
                             : loader.tests(sources).map([](const PipelineTests&) {});
    REQUIRE(!config);
    CHECK(config.error().code == Errc::config_invalid);
    std::string said = config.error().context;
    // The folder's own name is chance.
    for (std::size_t at = said.find(folder.path()); at != std::string::npos; at = said.find(folder.path())) {
      const std::size_t slash = at + folder.path().size();
      said.erase(at, folder.path().size() + (slash < said.size() && said[slash] == '/' ? 1 : 0));
    }
    CHECK(said == broken.findings);
  }
}

TEST_CASE("a pipeline file that cannot be read is named with the reason", "[config]") {
  ScratchFolder folder;
  const YamlConfigLoader loader(environment);
  CHECK(loader.pipeline(folder.path() + "/none.yaml", {}).error().context ==
        folder.path() + "/none.yaml: the file cannot be read: there is no such file");
  CHECK(loader.pipeline(folder.path(), {}).error().context ==
        folder.path() + ": the file cannot be read: it is a directory");
  const std::string big = folder.write("big.yaml", std::string((4u << 20) + 1, '#'));
  CHECK(loader.pipeline(big, {}).error().context == big + ": the file cannot be read: it is longer than 4MiB");
}

TEST_CASE("a bomb of aliases ends at the limit of values", "[config]") {
  ScratchFolder folder;
  std::string text = "a0: &a0 [x, x, x, x, x, x, x, x, x, x]\n";
  for (int i = 1; i < 9; ++i) {
    text +=
        fmt::format("a{0}: &a{0} [*a{1}, *a{1}, *a{1}, *a{1}, *a{1}, *a{1}, *a{1}, *a{1}, *a{1}, *a{1}]\n", i, i - 1);
  }
  const std::string file = folder.write("bomb.yaml", text);
  CHECK(YamlConfigLoader(environment).pipeline(file, {}).error().context ==
        file + ":1:1: more than 100000 values once all aliases are filled in");
}

TEST_CASE("deep nesting is an error, not a crash", "[config]") {
  ScratchFolder folder;
  const std::string file = folder.write("deep.yaml", "pipeline: p\nviews: " + std::string(100'000, '['));
  const auto config = YamlConfigLoader(environment).pipeline(file, {});
  REQUIRE(!config);
  CHECK(config.error().context.find("this is not valid YAML") != std::string::npos);
}

TEST_CASE("no more than two hundred findings are shown", "[config]") {
  ScratchFolder folder;
  std::string text = "pipeline: p\n";
  for (int i = 0; i < 1'000; ++i) text += fmt::format("k{}: 1\n", i);
  const auto config = YamlConfigLoader(environment).pipeline(folder.write("many.yaml", text), {});
  REQUIRE(!config);
  const std::string& said = config.error().context;
  CHECK(std::count(said.begin(), said.end(), '\n') == 200);
  CHECK(said.ends_with("\nand more: only the first 200 findings are shown"));
}

TEST_CASE("a node needs no file that only tests name, and takes no wrong test", "[config]") {
  ScratchFolder folder;
  const YamlConfigLoader loader(environment);
  const std::string head = "pipeline: p\ntests: [{name: x, input: {file: gone.csv}, expect: {ledger: {";
  const std::string good = folder.write("p.yaml", head + "served: 1}}}]\n");
  CHECK(loader.pipeline({good, {}, {}}).has_value());
  CHECK(!loader.tests({good, {}, {}}).has_value());
  CHECK(!loader.pipeline({folder.write("p.yaml", head + "servd: 1}}}]\n"), {}, {}}).has_value());
}

}  // namespace
}  // namespace weir
