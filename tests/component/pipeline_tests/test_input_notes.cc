// What `weir lint` says about inputs that would find nothing, or the same twice.
#include "cluster/node/input_notes.h"

#include "runtime/adapters/compress/input_directory.h"
#include "tests/component/pipeline_tests/ground.h"
#include "tests/support/catch.h"

namespace weir {
namespace {

/// Without the place and the folder of the file.
Lines notes_of(Ground& ground, const std::string& inputs) {
  const PipelineConfig& config = ground.load("pipeline: p\ninputs:\n" + inputs).config();
  const std::string folder = std::filesystem::path(config.file).parent_path().string() + "/";
  Lines lines;
  for (std::string text : input_notes(config, *make_input_files())) {
    for (std::size_t at = text.find(folder); at != std::string::npos; at = text.find(folder)) text.erase(at, folder.size());
    lines.push_back(text);
  }
  return lines;
}

TEST_CASE("patterns that match nothing and directories that are not there are named, with what becomes of it",
          "[input_notes]") {
  Ground ground;
  ground.write("a.csv", "x\n1\n");
  CHECK(notes_of(ground, "  http: {}\n  files: {include: [\"*.csv\"]}\n").empty());
  CHECK(notes_of(ground, "  files: {include: [\"*.csv\", \"*.json\"]}\n") ==
        Lines{"p.yaml:3:3: warning: \"inputs.files\": no file matches *.json now; `weir up` reads what is there when it starts, "
              "and without `follow: true` never looks again"});
  const Lines gone = notes_of(ground, "  files: {include: \"in/*.csv\", follow: true, poll: 5s}\n");
  REQUIRE(gone.size() == 2);
  CHECK(gone[0].starts_with("p.yaml:3:3: warning: \"inputs.files\": directory in: "));
  CHECK(gone[1] == "p.yaml:3:3: warning: \"inputs.files\": no file matches in/*.csv now; `weir up` looks again every 5s");
}

TEST_CASE("files that two inputs read are named, and patterns that both have", "[input_notes]") {
  Ground ground;
  ground.write("a.csv", "x\n1\n");
  ground.write("b.csv", "x\n1\n");
  const std::string twice =
      ", too: each event would come in twice, the second time as a duplicate for as long as its id is remembered; leave what "
      "both read out of one of them (`exclude`)";
  CHECK(notes_of(ground, "  files: {include: \"*.csv\"}\n  more: {files: {include: [a.csv, \"b.*\"]}}\n") ==
        Lines{"p.yaml:4:3: warning: \"inputs.more\": \"inputs.files\" reads a.csv and 1 more" + twice});
  CHECK(notes_of(ground, "  files: {include: \"*.csv\"}\n  more: {files: {include: \"*.csv\", exclude: \"a.csv\"}}\n") ==
        Lines{"p.yaml:4:3: warning: \"inputs.more\": \"inputs.files\" reads b.csv" + twice});
  CHECK(notes_of(ground, "  files: {include: \"a*\"}\n  more: {files: {include: \"b*\"}}\n").empty());
  const Lines none = notes_of(ground, "  files: {include: \"*.log\"}\n  more: {files: {include: \"*.log\"}}\n");
  REQUIRE(none.size() == 3);
  CHECK(none[2] == "p.yaml:4:3: warning: \"inputs.more\": \"inputs.files\" reads *.log" + twice);
}

}  // namespace
}  // namespace weir
