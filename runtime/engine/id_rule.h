// Where the ids of a pipeline's events come from.
#pragma once
#include "runtime/event/event_id.h"
#include "runtime/event/ingest_batch.h"
#include "runtime/ports/pipeline_config.h"

namespace weir {

/// The id rule of a pipeline for frames of `format`. For CloudEvents the envelope's own id wins unless the rule names
/// fields; these are the envelope's attributes where it has them (`source`, `id`), else fields of its data.
[[nodiscard]] EventIdRule event_id_rule(const IdRule& rule, FrameFormat format);

}  // namespace weir
