// Which parts of a pipeline its tests can reach, and what they are called. Pure.
#pragma once
#include <map>
#include <string>
#include <vector>

#include "cluster/node/coverage.h"

namespace weir {

/// In the order of the file, none reached. `places` as in PipelineTests.
[[nodiscard]] std::vector<CoverageItem> coverage_items(const PipelineConfig& config,
                                                       const std::map<std::string, ConfigPlace>& places);

/// Names of items, unique within their kind.
namespace coverage_name {
[[nodiscard]] std::string when(const std::string& of, const WhenConfig& when, bool holds);
[[nodiscard]] std::string field(const StageConfig& stage, const FieldRule& rule);
[[nodiscard]] std::string rule(const StageConfig& stage, const NamedRule& rule);
[[nodiscard]] std::string rules_script(const StageConfig& stage);
[[nodiscard]] std::string schema(const StageConfig& stage);
[[nodiscard]] std::string lookup(const StageConfig& stage, bool hit);
[[nodiscard]] std::string script(const StageConfig& stage, const ScriptConfig& script);
[[nodiscard]] std::string split(const StageConfig& stage);
[[nodiscard]] std::string set(const StageConfig& stage, const std::string& field);
[[nodiscard]] std::string filter(const StageConfig& stage, bool passes);
}  // namespace coverage_name

}  // namespace weir
