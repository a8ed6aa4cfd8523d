// Fields that views name and nothing else in the pipeline does, although something is called nearly so: most likely a
// slip. No more than a doubt: records may have fields that no stage names, and a script may put names together.
#pragma once
#include <string>
#include <vector>

#include "runtime/ports/pipeline_config.h"

namespace weir::yaml {

/// One line each, `file:line:column: warning: …`, by view; a field once for each view. Reads the scripts and schemas of
/// the stages: whatever stands in them anywhere is no doubt.
[[nodiscard]] std::vector<std::string> field_doubts(const PipelineConfig& config);

}  // namespace weir::yaml
