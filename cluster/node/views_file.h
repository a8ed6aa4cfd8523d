// The views of a pipeline beside its data, so that `weir query --data DIR` needs nothing but the directory. Written at every
// start; an ordinary pipeline file that holds the name, the partitions and the views, and ends with its checksum.
#pragma once
#include <string>

#include "runtime/adapters/system/data_directory.h"
#include "runtime/base/result.h"
#include "runtime/ports/pipeline_config.h"
#include "runtime/ports/plugin_kinds.h"

namespace weir {

/// Errors: disk_full, io_failed.
[[nodiscard]] Result<void> write_views_file(const DataDirectory& data, const PipelineConfig& config);
/// Errors: state_damaged (missing, or its checksum is wrong), io_failed, config_invalid.
[[nodiscard]] Result<PipelineConfig> read_views_file(const std::string& data, const PluginKinds& plugins);
/// The text of the file.
[[nodiscard]] std::string views_yaml(const PipelineConfig& config);

}  // namespace weir
