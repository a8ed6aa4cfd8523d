// Gives up the rows of a view that its pipeline no longer has.
#pragma once
#include <string>

#include "runtime/base/result.h"
#include "runtime/ports/clock.h"
#include "runtime/ports/rng.h"

namespace weir {

/// Takes the directory's lock. Rows go partition by partition; interrupted, the same call does the rest. Returns how many
/// partitions had rows. Errors: not_found (no such rows), data_locked (a node runs on it), invalid_argument (the pipeline has
/// the view), and as StoppedData::open.
[[nodiscard]] Result<std::uint32_t> drop_view(const std::string& directory, const std::string& view, const Clock& clock, Rng& rng);

}  // namespace weir
