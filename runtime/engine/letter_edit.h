// Whether bytes that somebody wrote in place of a dead letter's own still are that event.
#pragma once
#include <string_view>

#include "runtime/base/result.h"
#include "runtime/engine/letters.h"
#include "runtime/ports/pipeline_config.h"

namespace weir {

/// Whether `frame` has the id of `letter` by the rule. A letter whose id is the digest of its bytes keeps that id whatever is written.
/// Error invalid_argument: it has another one, or none.
[[nodiscard]] Result<void> check_same_id(const RecordConfig& record, const StoredLetter& letter, std::string_view frame);

}  // namespace weir
