// What a CSV header must name for its records to have a chance.
#pragma once
#include <string>
#include <vector>

#include "runtime/ports/pipeline_config.h"

namespace weir {

/// Columns without which every record of a file or body would be a dead letter: of record.time, and of fields that a
/// validate stage requires of every event, unless a stage before it makes or drops them. Those of record.id are not
/// among them: the router knows them. Each once, in that order.
[[nodiscard]] std::vector<std::string> required_columns(const PipelineConfig& pipeline);

}  // namespace weir
