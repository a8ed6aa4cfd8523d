// How long a server asks to be left alone (RFC 9110, 10.2.3).
#pragma once
#include <chrono>
#include <optional>
#include <string_view>

#include "runtime/ports/clock.h"

namespace weir {

/// `value` of a Retry-After header: seconds, or a date in the form servers must write ("Sun, 06 Nov 1994 08:49:37
/// GMT"), which is compared with `wall`; one that is over is 0. Seconds beyond a year are a year. nullopt: neither.
[[nodiscard]] std::optional<std::chrono::milliseconds> parse_retry_after(std::string_view value, UnixMicros wall);

}  // namespace weir
