// What `weir new` writes.
#include "cluster/cli/new_files.h"
#include "tests/support/catch.h"

namespace weir::cli {
namespace {

const NewKind& kind(std::string_view name) {
  for (const NewKind& one : new_kinds()) {
    if (one.name == name) return one;
  }
  FAIL("no kind " << name);
  return new_kinds().front();
}
std::vector<std::string> names(const NewKind& of, NewLanguage language) {
  std::vector<std::string> out;
  for (const NewFile& file : new_files(of, "fraud_score", language)) out.push_back(file.name);
  std::sort(out.begin(), out.end());
  return out;
}

TEST_CASE("what is new is named everywhere, and nothing of the template is left", "[new]") {
  CHECK(names(kind("stage"), NewLanguage::lua) == std::vector<std::string>{"README.md", "fraud_score.lua", "fraud_score_rules.lua", "pipeline.yaml"});
  for (const NewKind& of : new_kinds()) {
    CAPTURE(of.name);
    std::vector<std::string> wanted = {"CMakeLists.txt", "README.md", "events.ndjson", "fraud_score.cc", "fraud_score.h", "fraud_score_test.cc", "node.yaml", "pipeline.yaml"};
    if (of.name == "service") wanted.insert(wanted.begin() + 5, "fraud_score_rules.h");
    CHECK(names(of, NewLanguage::cpp) == wanted);
    for (const NewLanguage language : {NewLanguage::cpp, NewLanguage::lua}) {
      for (const NewFile& file : new_files(of, "fraud_score", language)) {
        CAPTURE(file.name);
        CHECK(file.text.find("@name") == std::string::npos);
        CHECK(file.text.find("@Type") == std::string::npos);
        CHECK(file.text.find("template_") == std::string::npos);
        CHECK((file.name == "events.ndjson" || file.text.find("fraud_score") != std::string::npos));
        if (file.name == "fraud_score.h") CHECK(file.text.find(of.name == "service" ? "class FraudScore : public weir::Service {" : "class FraudScore {") != std::string::npos);
      }
    }
  }
}

TEST_CASE("a name is good for files, classes, targets and pipeline files", "[new]") {
  const auto wrong = [](const std::string& name, std::string_view of = "stage") {
    const auto checked = check_new_name(kind(of), name);
    return checked ? "" : checked.error().context;
  };
  for (const char* name : {"a", "fraud_score", "x9", "geo_2_d"}) CHECK(wrong(name) == "");
  for (const std::string& name : {std::string(), std::string("9lives"), std::string("FraudScore"), std::string("fraud-score"), std::string("_x"), std::string("x_"),
                                  std::string("a__b"), std::string("../x"), std::string("é"), std::string(49, 'a')})
    CHECK(wrong(name).find("cannot name a stage: write a lower-case letter, then lower-case letters, digits and single '_', at most 48") != std::string::npos);
  CHECK(wrong("enrich") == "\"enrich\" is one of weir's own stages; choose another name, such as my_enrich");
  CHECK(wrong("enrich", "sink") == "");
  CHECK(wrong("http", "sink") == "\"http\" is one of weir's own sinks; choose another name, such as my_http");
  CHECK(wrong("test") == "\"test\" is a target of CMake's own; choose another name, such as my_test");
}

}  // namespace
}  // namespace weir::cli
