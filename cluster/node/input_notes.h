// What `inputs` of a pipeline file would find now: no errors, for files come and go, but worth a look before a start.
#pragma once
#include <string>
#include <vector>

#include "runtime/ports/input_files.h"
#include "runtime/ports/pipeline_config.h"

namespace weir {

/// One text each, `file:line:column: warning: …`: patterns that match no file, directories that cannot be listed, files and
/// patterns that two inputs share. Looks once.
[[nodiscard]] std::vector<std::string> input_notes(const PipelineConfig& pipeline, InputFiles& files);

}  // namespace weir
