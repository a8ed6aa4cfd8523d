// The doors of files: what each of them is read as, and the doors that a node's `inputs` ask for.
#pragma once
#include <string>
#include <vector>

#include "actors/doors/file_door.h"
#include "actors/partition/pipeline_supervisor.h"
#include "cluster/node/open_pipeline.h"
#include "runtime/ports/clock.h"
#include "runtime/ports/logbook.h"

namespace weir {

/// How a file of `format` is framed and routed; `input` is its name for people (stdin is "stdin"). Without a source.
[[nodiscard]] FileDoorConfig file_door_config(const PipelineConfig& pipeline, const std::string& input,
                                              const InputFormat& format);

/// One door for each `files` input of the pipeline, in file order. Everything must outlive the actor system.
[[nodiscard]] std::vector<PipelineDoor> file_doors(OpenPipeline& open, const Clock& clock, Logbook& logbook);

/// The door of an input has ended: says so. Of other doors nothing.
void note_finished(const OpenPipeline& open, const DoorFinished& finished, Logbook& logbook);

}  // namespace weir
