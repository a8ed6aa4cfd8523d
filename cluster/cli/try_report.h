// Events as `weir try` shows them.
#pragma once
#include <string>
#include <string_view>
#include <vector>

#include "cluster/node/tried_event.h"

namespace weir::cli {

/// `counted_by`: what TriedEvent::line counts, "line" or "feature". `colours`: for a terminal. `width`: characters a line may have, longer ones are cut and end with …; 0: any.
[[nodiscard]] std::string tried_text(const TriedEvent& event, std::string_view counted_by, std::uint32_t partitions,
                                     bool colours, std::size_t width);
/// {"events":[{"line","format","id","id_from","partition","time","outcome","steps":[…],"stage"?,"reason"?,"details"?,"records",
///  "views":{name:[rows]}}]}
[[nodiscard]] std::string tried_json(const std::vector<TriedEvent>& events);

}  // namespace weir::cli
