// What the tests of a pipeline file have reached of it: stages, conditions, rules, fields, tables, filters, views.
#pragma once
#include <map>
#include <string>
#include <vector>

#include "cluster/node/pipeline_test.h"
#include "cluster/node/step_watch.h"

namespace weir {

/// One part of a pipeline that a test can reach:
/// - stage: an event came to it. With `when` there are two items of the kind `when` instead: it held, it did not
/// - rule: a field's rule, a named rule, their script or the schema refused an event; one that only ever passes is not tested. What
///   can refuse nothing (any value, not required; a text that was read as the event's time) is no item
/// - set: a field that transform sets had a value afterwards
/// - enrich: the table had a row for an event (`hit`), it had none (`miss`)
/// - split: an event became more than one part
/// - filter: an event went on (`passes`), an event did not (`stops`)
/// - script: an event came to it
/// - late: an event was late
/// - reason: an event that could not be read, had no time, or was in conflict with another became a dead letter
/// - view: it had a row; with `when` there are two items of the kind `when` instead
struct CoverageItem {
  std::string kind;
  std::string name;
  ConfigPlace place;  // no line: it stands nowhere in the file
  bool reached = false;
};

/// Collects over the tests of one file. Not thread-safe; `pipeline` must outlive it and the runs.
class Coverage {
 public:
  /// `places` as in PipelineTests; only read here.
  Coverage(const CompiledPipeline& pipeline, const std::map<std::string, ConfigPlace>& places);
  Coverage(const Coverage&) = delete;
  Coverage& operator=(const Coverage&) = delete;

  /// For run_test(), as often as there are tests.
  [[nodiscard]] TestOnlookers onlookers();
  /// In the order of the file.
  [[nodiscard]] const std::vector<CoverageItem>& items() const noexcept { return items_; }
  [[nodiscard]] std::size_t reached() const noexcept;

 private:
  void reach(std::string_view kind, std::string_view name);
  void on_step(const SeenStep& step);
  void on_came(const StageConfig& stage, const SeenEvent& before);
  void on_result(const StageConfig& stage, const SeenEvent& after);
  void on_record(const StageConfig& stage, const TransformConfig& transform, const SeenEvent& after);
  void on_refusal(const StageConfig& stage, const ValidateConfig& validate, const SeenEvent& after);
  void on_rules(const StageConfig& stage, const ValidateConfig& validate, const SeenEvent& after);
  void on_answers(const MemoryAnswers& answers);
  void on_views(const MemoryAnswers& answers);

  const CompiledPipeline& pipeline_;
  StepObserver observer_;
  std::vector<CoverageItem> items_;
  std::map<std::pair<std::string, std::string>, std::size_t> by_name_;  // kind and name
};

}  // namespace weir
