// What `weir new stage` writes.
#include "cluster/cli/stage_files.h"
#include "tests/support/catch.h"

namespace weir::cli {
namespace {

std::vector<std::string> names(StageLanguage language) {
  std::vector<std::string> out;
  for (const NewFile& file : stage_files("fraud_score", language)) out.push_back(file.name);
  std::sort(out.begin(), out.end());
  return out;
}

TEST_CASE("a new stage is named everywhere, and nothing of the template is left", "[new]") {
  CHECK(names(StageLanguage::cpp) == std::vector<std::string>{"CMakeLists.txt", "README.md", "events.ndjson", "fraud_score.cc", "fraud_score.h",
                                                              "fraud_score_test.cc", "node.yaml", "pipeline.yaml"});
  CHECK(names(StageLanguage::lua) == std::vector<std::string>{"README.md", "fraud_score.lua", "fraud_score_rules.lua", "pipeline.yaml"});
  for (const StageLanguage language : {StageLanguage::cpp, StageLanguage::lua}) {
    for (const NewFile& file : stage_files("fraud_score", language)) {
      CAPTURE(file.name);
      CHECK(file.text.find("@stage") == std::string::npos);
      CHECK(file.text.find("@Stage") == std::string::npos);
      CHECK(file.text.find("template") == std::string::npos);
      CHECK((file.name == "events.ndjson" || file.text.find("fraud_score") != std::string::npos));
      if (file.name == "fraud_score.h") CHECK(file.text.find("class FraudScore {") != std::string::npos);
    }
  }
}

TEST_CASE("a stage's name is good for files, classes, targets and pipeline files", "[new]") {
  const auto wrong = [](const std::string& name) {
    const auto checked = check_stage_name(name);
    return checked ? "" : checked.error().context;
  };
  for (const char* name : {"a", "fraud_score", "x9", "geo_2_d"}) CHECK(wrong(name) == "");
  for (const std::string& name : {std::string(), std::string("9lives"), std::string("FraudScore"), std::string("fraud-score"), std::string("_x"), std::string("x_"),
                                  std::string("a__b"), std::string("../x"), std::string("é"), std::string(49, 'a')})
    CHECK(wrong(name).find("cannot name a stage: write a lower-case letter, then lower-case letters, digits and single '_', at most 48") != std::string::npos);
  CHECK(wrong("enrich") == "\"enrich\" is one of weir's own stages; choose another name, such as my_enrich");
  CHECK(wrong("test") == "\"test\" is a target of CMake's own; choose another name, such as my_test");
}

}  // namespace
}  // namespace weir::cli
