// What the tests of pipeline files have shown, as text, JSON and CSV.
#pragma once
#include <string>
#include <vector>

#include "cluster/node/coverage.h"
#include "cluster/node/pipeline_test.h"

namespace weir::cli {

struct TestLine {
  std::string file;  // the one that the test stands in, which may be an overlay
  int line = 0;
  std::string name;
  TestOutcome outcome;
};
struct FileCoverage {
  std::string file;
  std::vector<CoverageItem> items;
};

/// ok or FAILED, and below it what differs.
[[nodiscard]] std::string test_text(const TestLine& test, bool colours);
/// What no test reached, by kind, with lines.
[[nodiscard]] std::string coverage_text(const FileCoverage& coverage);
/// {"tests":[{"file","line","name","passed","error"?,"differences":[{"where","expected","actual","note"?}],"dead_letters"?}],"passed":n,"failed":n,
///  "coverage":[{"file","reached","of","items":[{"kind","name","file","line","reached"}]}]}; `coverage` only where it
///  was asked for.
[[nodiscard]] std::string tests_json(const std::vector<TestLine>& tests, const std::vector<FileCoverage>& coverage,
                                     bool with_coverage);

}  // namespace weir::cli
