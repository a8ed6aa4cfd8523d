// The answers of `weir why-stuck`, whoever gives them: a node, or a command over stopped data.
#pragma once
#include <string>

#include "cluster/api/wait_reasons.h"

namespace weir {

/// {"partitions":[…]}
[[nodiscard]] std::string why_stuck_json(const std::vector<PartitionFacts>& partitions);
/// One event.
[[nodiscard]] std::string event_waits_json(const std::string& id, const EventFacts& event, const PartitionFacts& facts);

}  // namespace weir
