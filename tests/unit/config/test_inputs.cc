#include "runtime/adapters/yaml/yaml_config_loader.h"
#include "tests/support/catch.h"
#include "tests/unit/config/files.h"

namespace weir {
namespace {

using namespace std::chrono_literals;

TEST_CASE("without inputs a pipeline has the HTTP door", "[config]") {
  ScratchFolder folder;
  const auto config = YamlConfigLoader{}.pipeline(folder.write("p.yaml", "pipeline: p\n"), {}).value();
  REQUIRE(config.inputs.size() == 1);
  CHECK(config.inputs[0].name == "http");
  CHECK(std::holds_alternative<HttpInputConfig>(config.inputs[0].body));
}

TEST_CASE("inputs are read with their names, patterns lie beside the pipeline file", "[config]") {
  ScratchFolder folder;
  const std::string file = folder.write("p.yaml",
                                        "pipeline: p\n"
                                        "inputs:\n"
                                        "  files: {include: [\"in/*.csv.gz\", /abs/*.csv], exclude: [in/old.csv.gz, "
                                        "\"*.tmp\"], follow: true, format: csv}\n"
                                        "  archive:\n"
                                        "    files: {include: \"../archive/**\"}\n"
                                        "  web: {http: {}}\n");
  const auto config = YamlConfigLoader{}.pipeline(file, {});
  if (!config) FAIL(config.error().context);
  REQUIRE(config->inputs.size() == 3);
  CHECK(config->inputs[0].name == "files");
  const auto& files = std::get<FilesInputConfig>(config->inputs[0].body);
  CHECK(files.include == std::vector<std::string>{folder.path() + "/in/*.csv.gz", "/abs/*.csv"});
  CHECK(files.exclude == std::vector<std::string>{folder.path() + "/in/old.csv.gz", "*.tmp"});
  CHECK(files.follow);
  CHECK(files.format == RecordFormat::csv);
  CHECK(files.poll == 1s);
  CHECK(files.settle == 5s);
  CHECK(files.close_after == 60s);
  CHECK(files.open_max == 64);
  CHECK(files.files_max == 10'000);
  CHECK(config->inputs[1].name == "archive");
  const auto& archive = std::get<FilesInputConfig>(config->inputs[1].body);
  CHECK(archive.include == std::vector<std::string>{std::filesystem::path(folder.path()).parent_path() / "archive/**"});
  CHECK_FALSE(archive.follow);
  CHECK(std::holds_alternative<HttpInputConfig>(config->inputs[2].body));
}

TEST_CASE("inputs say nothing about what becomes of an event", "[config]") {
  ScratchFolder folder;
  const auto plain = YamlConfigLoader{}.pipeline(folder.write("p.yaml", "pipeline: p\n"), {}).value();
  const auto other =
      YamlConfigLoader{}.pipeline(folder.write("q.yaml", "pipeline: p\ninputs: {files: {include: a}}\n"), {}).value();
  CHECK(wall_text(plain) == wall_text(other));
  CHECK(rules_text(plain) == rules_text(other));
}

}  // namespace
}  // namespace weir
