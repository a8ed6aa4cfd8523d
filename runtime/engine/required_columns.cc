#include "runtime/engine/required_columns.h"

#include <algorithm>
#include <set>

namespace weir {

namespace {

class Collector {
 public:
  void want(const FieldPath& path) {
    if (path.envelope() || path.parts.size() != 1 || touched_.contains(path.parts[0])) return;
    if (std::find(columns_.begin(), columns_.end(), path.parts[0]) == columns_.end()) columns_.push_back(path.parts[0]);
  }
  /// False: what stages behind this one find in a record says nothing about its columns.
  bool pass(const StageConfig& stage) {
    if (const auto* validate = std::get_if<ValidateConfig>(&stage.body)) {
      for (const FieldRule& rule : validate->fields)
        if (rule.required && !stage.when) want(rule.path);
    } else if (const auto* enrich = std::get_if<EnrichConfig>(&stage.body)) {
      for (const auto& added : enrich->add) touched_.insert(added.first);
    } else if (std::holds_alternative<PluginStageConfig>(stage.body)) {
      return false;
    } else {
      const auto& transform = std::get<TransformConfig>(stage.body);
      if (transform.script) return false;
      if (transform.split) touched_.insert(transform.split->as);
      for (const auto& made : transform.set) touched_.insert(made.first);
      touched_.insert(transform.drop.begin(), transform.drop.end());
    }
    return true;
  }
  std::vector<std::string> take() { return std::move(columns_); }

 private:
  std::set<std::string> touched_;  // by a stage: no column any more
  std::vector<std::string> columns_;
};

}  // namespace

std::vector<std::string> required_columns(const PipelineConfig& pipeline) {
  Collector collector;
  if (pipeline.record.time.format != TimeFormat::acceptance) collector.want(pipeline.record.time.field);
  for (const StageConfig& stage : pipeline.stages)
    if (!collector.pass(stage)) break;
  return collector.take();
}

}  // namespace weir
