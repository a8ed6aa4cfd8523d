// The doors of a pipeline's inputs that are sources of plugins.
#pragma once
#include <string>
#include <vector>

#include "actors/doors/source_feed.h"
#include "actors/partition/pipeline_supervisor.h"
#include "cluster/node/open_pipeline.h"

namespace weir {

/// Of an input of a plugin; but for the logbook.
[[nodiscard]] SourceFeedConfig source_feed_config(const PipelineConfig& pipeline, const InputConfig& input);

/// One for each, in file order. Everything must outlive the actor system.
[[nodiscard]] std::vector<PipelineDoor> source_doors(OpenPipeline& open, const Clock& clock, Logbook& logbook);

}  // namespace weir
