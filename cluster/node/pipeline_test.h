// One test of a pipeline file, run on the engine in memory.
#pragma once
#include <string>
#include <vector>

#include "cluster/node/compiled_pipeline.h"
#include "cluster/node/expectation.h"
#include "cluster/node/memory_run.h"
#include "runtime/ports/pipeline_tests.h"

namespace weir {

struct TestOutcome {
  std::vector<Difference> differences;
  std::vector<std::string> letters;  // JSON; some dead letters of a failed test that expects nothing about them
  std::vector<std::string> unanswered;  // addresses that stages asked for and `lookups` does not have: answered with 404
  std::string error;                 // the test could not be run to its end: what stopped it; else empty
  [[nodiscard]] bool passed() const noexcept { return differences.empty() && error.empty(); }
};

/// Who looks on while a test runs. Either may be empty.
struct TestOnlookers {
  StepsWrapper steps;
  std::function<void(const MemoryAnswers&)> answers;  // once, when everything is terminal
};

/// Pure but for the files it reads: the same test gives the same outcome.
[[nodiscard]] TestOutcome run_test(const CompiledPipeline& pipeline, const TestConfig& test,
                                   const TestOnlookers& onlookers = {});

/// What a ledger counts, by the names that tests write; and one of the counts.
[[nodiscard]] const std::vector<std::string>& ledger_counts();
[[nodiscard]] std::uint64_t ledger_count(const MemoryAnswers& answers, const std::string& name);
/// Rows of a view, dead letters and records as an expectation sees them.
[[nodiscard]] Result<std::vector<TestValue>> view_rows(const MemoryAnswers& answers, const ViewSet& views,
                                                       const std::string& view);
[[nodiscard]] Result<std::vector<TestValue>> letter_rows(const MemoryAnswers& answers);
[[nodiscard]] Result<std::vector<TestValue>> record_rows(const MemoryAnswers& answers);
/// What a sink has taken: its lines of JSON; of CSV each as {line: TEXT}. Error not_found: there is no such sink.
[[nodiscard]] Result<std::vector<TestValue>> sink_rows(const MemoryAnswers& answers, const PipelineConfig& config, const std::string& sink);

}  // namespace weir
