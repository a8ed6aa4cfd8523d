// What a node says of an event, read again.
#pragma once
#include <string>

#include "cluster/node/biography.h"

namespace weir::cli {

/// What biography_json() wrote. Error invalid_argument: it is something else.
[[nodiscard]] Result<Biography> parse_biography(const std::string& text);

}  // namespace weir::cli
