// The parked events of a partition as its state keeps them: one entry each under its offset, with the original bytes, so that a retry
// needs nothing of the log that may be gone by then.
#pragma once
#include <string>
#include <string_view>

#include "runtime/base/result.h"
#include "runtime/engine/delta.h"
#include "runtime/engine/retry_set.h"
#include "runtime/ports/state_store.h"

namespace weir {

[[nodiscard]] std::string encode_parked(const ParkedEvent& event);
/// `offset`: of its key. Errors: state_damaged, format_newer.
[[nodiscard]] Result<ParkedEvent> decode_parked(Offset offset, std::string_view bytes);

/// Writes what one packed batch parks, and takes out what it decides.
void apply_parked(const OutcomeBatch& batch, Delta& delta);

/// Everything that a flushed state has parked. Errors: state_damaged, format_newer, io_failed.
[[nodiscard]] Result<void> read_parked(const StateReader& stored, RetrySet& to);

}  // namespace weir
